"""Pure functions from counts to meaning: no I/O, no clock, no randomness."""
