"""Lets ``python -m app.cli`` do what ``groundswell`` does."""

from app.cli import main

main()
