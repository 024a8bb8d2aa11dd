"""Tests of Groundswell; see docs/development.md."""
