"""Spans for the tests of reading: written straight into a store, each with only what the test speaks of."""

from __future__ import annotations

import itertools
from typing import Any

from clew.core.jsontext import dumps
from clew.store import Encoded, Statement, Store

S = 1_000_000_000
BASE = 1_800_000_000 * S  # an instant; tests count seconds from it
IDS = ("trace_id", "span_id", "parent_id")
TEXTS = (
    "name", "kind", "service", "environment", "provider", "model", "agent_name", "tool_name", "prompt_name", "status_message", "error_type",
    "finish_reason", "cost_source", "session_id", "user_id", "input_preview", "output_preview", "input_text", "output_text", "metadata",
)  # fmt: skip
WHOLES = ("start_ns", "end_ns", "duration_ns", "received_ns")
COUNTS = (
    "input_tokens", "uncached_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "audio_input_tokens",
    "audio_output_tokens", "cost_nanos", "ttft_ns",
)  # fmt: skip
COLUMNS = {
    **dict.fromkeys((*IDS, *TEXTS), "String"),
    **dict.fromkeys(WHOLES, "Int64"),
    **dict.fromkeys(COUNTS, "Nullable(Int64)"),
    "status": "UInt8", "is_root": "Bool", "counted": "Bool", "commit_id": "UInt64", "marks": "Array(String)", "tags": "Array(String)",
    "attr.key": "Array(String)", "attr.kind": "Array(String)", "attr.str": "Array(String)", "attr.int": "Array(Int64)", "attr.dbl": "Array(Float64)",
}  # fmt: skip
_INSERT = Statement(
    "keep_spans",
    f"INSERT INTO spans (project_id, {', '.join(f'`{name}`' for name in COLUMNS)}) SELECT {{project_id:UInt32}},"
    f" {', '.join(f'unhex({name})' if name in IDS else f'`{name}`' for name in COLUMNS)} FROM /*slot:source*/",
)
_STRUCTURE = ", ".join(f"`{name}` {kind}" for name, kind in COLUMNS.items())
_SCORE_STRUCTURE = (
    "score_id String, scope String, trace_id String, span_id String, session_id String, name String, value Nullable(Float64), label String,"
    " received_ns Int64"
)
_SCORES = Statement(
    "keep_scores",
    "INSERT INTO scores (project_id, score_id, scope, trace_id, span_id, session_id, name, value, label, source, received_ns)"
    " SELECT {project_id:UInt32}, score_id, scope, unhex(trace_id), unhex(span_id), session_id, name, value, label, 'code', received_ns"
    " FROM /*slot:source*/",
)
_numbers = itertools.count(100)


def trace_id(number: int) -> str:
    return f"{number:032x}"


def span_id(number: int) -> str:
    return f"{number:016x}"


def span(trace: int, own: int, parent: int = 0, *, at: float = 0, lasted: float = 1, **changes: Any) -> dict[str, Any]:
    """Span ``own`` of trace ``trace``; ``at`` and ``lasted`` in seconds."""
    start, duration = BASE + round(at * S), round(lasted * S)
    attributes = changes.pop("attributes", {})
    arrays = {
        "attr.key": list(attributes), "attr.kind": ["s"] * len(attributes), "attr.str": list(attributes.values()),
        "attr.int": [0] * len(attributes), "attr.dbl": [0.0] * len(attributes),
    }  # fmt: skip
    return {
        **dict.fromkeys(TEXTS, ""), **dict.fromkeys(COUNTS), "name": "work", "kind": "SPAN",
        "trace_id": trace_id(trace), "span_id": span_id(own), "parent_id": span_id(parent), "is_root": not parent,
        "start_ns": start, "end_ns": start + duration, "duration_ns": duration, "received_ns": start + duration, "status": 0,
        "counted": False, "commit_id": 1, "marks": [], "tags": [], **arrays, **changes,
    }  # fmt: skip


def call(trace: int, own: int, parent: int = 0, *, tokens: int = 100, nanos: int | None = 1_000_000, **changes: Any) -> dict[str, Any]:
    """A model call that counts: ``tokens`` in, a tenth of it out."""
    told = {"kind": "LLM", "name": "chat", "model": "gpt-4o", "counted": True, "input_tokens": tokens, "output_tokens": tokens // 10}
    return span(trace, own, parent, **{**told, "cost_nanos": nanos, **changes})


def score(scope: str, *, trace: int = 0, own: int = 0, **changes: Any) -> dict[str, Any]:
    given = {"score_id": "id", "scope": scope, "trace_id": trace_id(trace), "span_id": span_id(own), "session_id": "", "name": "quality"}
    return {**given, "value": 1.0, "label": "", "received_ns": 1, **changes}


def keep(store: Store, *spans: dict[str, Any], scores: list[dict[str, Any]] | None = None, project: int | None = None) -> int:
    """Keeps spans in a project of their own, or in one that has some; gives its number."""
    number = next(_numbers) if project is None else project
    if spans:
        store.facts.load(_INSERT, Encoded([_lines(list(spans))], "JSONEachRow", _STRUCTURE), project_id=number)
    for one in scores or []:  # each in a part of its own, as they come in life
        store.facts.load(_SCORES, Encoded([_lines([one])], "JSONEachRow", _SCORE_STRUCTURE), project_id=number)
    return number


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(dumps(row) + "\n" for row in rows).encode()
