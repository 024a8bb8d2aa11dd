"""Tests of one unit each, without servers."""
