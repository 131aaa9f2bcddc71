"""The only room that opens a database: facts in ClickHouse's dialect (chDB in this process), records in SQL (SQLite here).

It owns the data directory, its lock, the migrations and the named statements' machinery. It never knows what a span or a
score means: the rooms above write their own statements and hand them in.
"""

from __future__ import annotations

from clew.store.facts import EmbeddedFacts, Encoded, Facts, Row, Session
from clew.store.records import Records, Transaction
from clew.store.sql import Statement, load_statements, parse_statements, quote_identifier
from clew.store.store import Store, open_store

__all__ = [
    "EmbeddedFacts",
    "Encoded",
    "Facts",
    "Records",
    "Row",
    "Session",
    "Statement",
    "Store",
    "Transaction",
    "load_statements",
    "open_store",
    "parse_statements",
    "quote_identifier",
]
