"""Dialects as data: what each instrumentation calls the things of the canonical record, who wins where two speak, compiled to SQL.

It owns the tables (``*.toml``) and both readers of them, SQL for the ingest and Python for one span; it never touches the store.
"""

from __future__ import annotations

from clew.traces.dialects.sql import carries_scores_sql, sql_columns
from clew.traces.dialects.tables import Dialect, Source, Tables, tables

__all__ = ["Dialect", "Source", "Tables", "carries_scores_sql", "sql_columns", "tables"]
