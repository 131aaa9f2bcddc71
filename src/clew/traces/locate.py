"""Where the spans of known traces stand. Spans are ordered by time; ``span_keys`` says at which times a trace has spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from clew.store import Store
from clew.traces.rows import SUMS, id_bytes, statement

MAX_STARTS = 5_000  # beyond it a range of time is asked for: a list of that many starts costs more than it saves


@dataclass(frozen=True)
class Located:
    """A condition over ``start_ns`` that holds for every span of the traces, with what it binds. ``where`` is None when there is no such span."""

    where: str | None
    params: dict[str, Any] = field(default_factory=dict)


def locate(store: Store, project_id: int, traces: Sequence[str]) -> Located:
    """Where the spans of these traces stand."""
    if not traces:
        return Located(None)
    bound = {"project_id": project_id, "traces": id_bytes(traces)}
    found = store.facts.arrow(statement("key_starts"), **bound, limit=MAX_STARTS + 1).column("start_ns").to_pylist()
    if not found:
        return Located(None)
    if len(found) <= MAX_STARTS:
        return Located("start_ns IN {at_ns:Array(Int64)}", {"at_ns": sorted(set(found))})
    edges = store.facts.rows(statement("key_bounds"), **bound)[0]
    return Located("start_ns >= {first_ns:Int64} AND start_ns <= {last_ns:Int64}", edges)


def trace_sums(store: Store, project_id: int, traces: Sequence[str]) -> list[dict[str, Any]]:
    """Head and sums of these traces, in no order."""
    located = locate(store, project_id, traces)
    if located.where is None:
        return []
    sql = statement("trace_sums").fill(sums=SUMS, located=located.where)
    return store.facts.rows(sql, project_id=project_id, traces=id_bytes(traces), **located.params)
