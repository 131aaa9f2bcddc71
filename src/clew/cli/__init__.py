"""The terminal: every command parses its arguments, asks the API and prints what it answers. It decides nothing and knows no SQL.

The API is a running server's where one holds the data directory, and the same application in this process where none does.
"""

from __future__ import annotations

from clew.cli.app import app, main

__all__ = ["app", "main"]
