"""Rules, incidents, their rendering and delivery: telling people what is unusual."""
