"""The command line: ``groundswell`` and its commands, one module a group of them."""

from app.cli.main import main

__all__ = ["main"]
