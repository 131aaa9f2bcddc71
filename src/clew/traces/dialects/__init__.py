"""Dialects as data: what each instrumentation calls the things of the canonical record, who wins where two speak, compiled to SQL.

It owns the tables (``*.toml``) and both readers of them, SQL for the ingest and Python for one span; it never touches the store.
"""

from __future__ import annotations

from clew.traces.dialects.counting import counted
from clew.traces.dialects.sql import Select, carries_scores_sql, known_keys, sql_columns, sql_select
from clew.traces.dialects.tables import Dialect, Tables, tables
from clew.traces.model import EvaluationResult

__all__ = [
    "Dialect",
    "EvaluationResult",
    "Select",
    "Tables",
    "carries_scores_sql",
    "counted",
    "known_keys",
    "sql_columns",
    "sql_select",
    "tables",
]
