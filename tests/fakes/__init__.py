"""Adapters that keep everything in memory, for tests of what is built on a port."""
