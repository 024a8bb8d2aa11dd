"""Bring mentions in: spiders for polled sources, a client for the stream, importers for files."""
