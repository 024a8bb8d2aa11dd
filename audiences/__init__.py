"""Segments of authors, and the files that are made of them."""
