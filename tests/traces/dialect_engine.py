"""Runs the compiled dialect columns on spans in the engine, without the ingest: rows in, one dict of columns a span out."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from clew.store import Encoded, Statement, Store
from clew.traces.dialects import known_keys, sql_select
from clew.traces.dialects.sql import EVENTS, LISTS

KINDS = "Enum8('no'=0,'s'=1,'b'=2,'i'=3,'d'=4,'l'=5,'m'=6,'y'=7)"
STRUCTURE = (
    "number UInt32, ak Array(String), kinds Array(String), texts Array(String), ai Array(Int64), ad Array(String), name String,"
    " raw_events Array(String), status_code Int32, sent_start_ns Int64"
)


def compute(store: Store, rows: Sequence[dict[str, Any]], prune: bool = True) -> list[dict[str, Any]]:
    """The columns of each row (as ``traces_to_rows`` makes them), in order. ``prune``: plan for the keys that are there, as the ingest does."""
    lines = "".join(json.dumps(_line(number, row)) + "\n" for number, row in enumerate(rows))
    facts = store.facts.session()
    facts.execute(Statement("drop", "DROP TEMPORARY TABLE IF EXISTS dialect_rows"))
    make = (
        f"CREATE TEMPORARY TABLE dialect_rows (number UInt32, ak Array(LowCardinality(String)), av Array({KINDS}), as_ Array(String), ai Array(Int64),"
        " ad Array(Float64), name String, events Array(String), status_code Int32, sent_start_ns Int64) ENGINE = Memory"
    )
    facts.execute(Statement("make", make))
    fill = (
        "INSERT INTO dialect_rows SELECT number, ak, kinds, arrayMap(t -> base64Decode(t), texts), ai, arrayMap(d -> toFloat64(d), ad), name,"
        " arrayMap(e -> base64Decode(e), raw_events), status_code, sent_start_ns FROM /*slot:source*/"
    )
    facts.load(Statement("fill", fill), Encoded([lines.encode()], "JSONEachRow", STRUCTURE))
    present = _present(rows) if prune else None
    select = sql_select(present)
    columns = ", ".join(f"{sql} AS `{column}`" for column, sql in select.columns.items())
    query = f"SELECT number, {columns} FROM ({select.over('SELECT * FROM dialect_rows')}) ORDER BY number"
    return facts.rows(Statement("columns", query))


def _present(rows: Sequence[dict[str, Any]]) -> frozenset[str]:
    traits = {EVENTS} if any(row["events"] for row in rows) else set()
    traits |= {LISTS} if any(kind in "lm" for row in rows for kind in row["attr_kind"]) else set()
    return known_keys().intersection(traits.union(key for row in rows for key in row["attr.key"]))


def _line(number: int, row: dict[str, Any]) -> dict[str, Any]:
    plain = zip(row["attr_kind"], row["attr_str"], strict=True)
    return {
        "number": number,
        "ak": row["attr.key"],
        "kinds": row["attr_kind"],
        "texts": [text if kind in "lmy" else base64.b64encode(text.encode()).decode() for kind, text in plain],
        "ai": row["attr.int"],
        "ad": [repr(value) for value in row["attr.dbl"]],
        "name": row["name"],
        "raw_events": row["events"],
        "status_code": row["status"],
        "sent_start_ns": row["start_ns"],
    }
