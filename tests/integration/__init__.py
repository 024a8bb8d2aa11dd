"""Several stages together, and faults between them."""
