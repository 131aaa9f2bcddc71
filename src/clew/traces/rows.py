"""From the store's rows to the views: one place that knows which columns make a ``SpanRow``, and how money is rounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, cast

import pyarrow as pa

from clew.core.errors import InputError
from clew.core.ids import SPAN_HEX, TRACE_HEX
from clew.store import Statement, Store, load_statements
from clew.traces.table import plain_columns
from clew.traces.views import NO_TOKENS, TOKEN_KINDS, Cost, Score, SpanRow, Status, Tokens

Row = Mapping[str, Any]

SPAN_TOKENS = tuple(f"{kind}_tokens" for kind in TOKEN_KINDS)
_NO_COUNTS = (None,) * len(TOKEN_KINDS)
STATUSES: tuple[Status, ...] = ("unset", "ok", "error")

_SAME = ("status_message", "start_ns", "duration_ns", "session_id", "user_id", "counted", "ttft_ns", "input_preview", "output_preview")
# Low-cardinality text goes through toString: Arrow would carry it as a dictionary per batch otherwise.
_TEXT = ("name", "kind", "service", "provider", "model", "agent_name", "tool_name", "cost_source", "finish_reason", "error_type")
SPAN_ROW_COLUMNS = ", ".join(
    [
        "lower(hex(trace_id)) AS trace",
        "lower(hex(span_id)) AS span",
        "if(is_root, '', lower(hex(parent_id))) AS parent",
        *(f"toString({name}) AS {name}_text" for name in _TEXT),
        *_SAME,
        "status, cost_nanos, arrayMap(mark -> toString(mark), marks) AS mark_list",
        *SPAN_TOKENS,
    ]
)
"""What ``span_views`` reads."""

SUMS = ",\n    ".join(
    [
        *(f"sumIf({kind}_tokens, counted) AS {kind}_sum" for kind in TOKEN_KINDS),
        "sumIf(cost_nanos, counted) AS cost_sum",
        "countIf(counted AND isNotNull(cost_nanos)) AS cost_known",
        "countIf(counted AND isNull(cost_nanos) AND (isNotNull(input_tokens) OR isNotNull(output_tokens))) AS cost_unknown",
    ]
)
"""Tokens and cost over spans, each call once: what ``tokens_of`` and ``cost_of`` read."""

SCORE_COLUMNS = """score_id, toString(scope) AS scope_text, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, session_id,
    toString(name) AS name_text, value, toString(label) AS label_text, toString(source) AS source_text, author, version, reason, time_ns, identifier"""


def statement(name: str) -> Statement:
    """A named statement of this room."""
    return load_statements("clew.traces")[name]


def micros(nanos: int | None) -> int | None:
    """Money as it is shown: micro-dollars, halves rounded up."""
    return None if nanos is None else (nanos + 500) // 1000


def cost_of(row: Row) -> Cost:
    """The money of a row of ``SUMS``."""
    return Cost(micros(row["cost_sum"]), row["cost_known"], row["cost_unknown"])


def tokens_of(row: Row) -> Tokens:
    """The token counts of a row of ``SUMS``."""
    return Tokens(*(row[f"{kind}_sum"] for kind in TOKEN_KINDS))


def span_views(table: pa.Table, scores: Mapping[str, Sequence[Score]]) -> list[SpanRow]:
    """A table of ``SPAN_ROW_COLUMNS`` as views, in its order, each with its own of the scores of its trace.

    Column by column: building a dict a row would take twice as long, which a trace of 100,000 spans makes felt.
    """
    columns = plain_columns(table)
    own = _scores_by_span(scores)
    ready = {
        "trace_id": columns["trace"],
        "span_id": columns["span"],
        "parent_id": columns["parent"],
        **{name: columns[f"{name}_text"] for name in _TEXT},
        **{name: columns[name] for name in _SAME},
        "status": [STATUSES[status] for status in columns["status"]],
        "tokens": _tokens(columns),
        "cost_micros": [micros(nanos) for nanos in columns["cost_nanos"]],
        "marks": [tuple(marks) for marks in columns["mark_list"]],
        "scores": [own.get(key, ()) for key in zip(columns["trace"], columns["span"], strict=True)] if own else [()] * table.num_rows,
    }
    return list(map(SpanRow, *(ready[part.name] for part in fields(SpanRow))))


def _tokens(columns: Mapping[str, list[Any]]) -> list[Tokens]:
    every = zip(*(columns[name] for name in SPAN_TOKENS), strict=True)
    return [NO_TOKENS if counts == _NO_COUNTS else Tokens(*counts) for counts in every]


def _scores_by_span(scores: Mapping[str, Sequence[Score]]) -> dict[tuple[str, str], tuple[Score, ...]]:
    found: dict[tuple[str, str], tuple[Score, ...]] = {}
    for score in (one for of_trace in scores.values() for one in of_trace if one.scope == "span"):
        key = (score.trace_id, score.span_id)
        found[key] = (*found.get(key, ()), score)
    return found


def score_of(row: Row) -> Score:
    """A row of the scores' statements."""
    return Score(
        score_id=row["score_id"],
        scope=row["scope_text"],
        trace_id=row["trace"],
        span_id=row["span"],
        session_id=row["session_id"],
        name=row["name_text"],
        value=row["value"],
        label=row["label_text"],
        source=row["source_text"],
        author=row["author"],
        version=row["version"],
        reason=row["reason"],
        time_ns=row["time_ns"],
        identifier=row["identifier"],
    )


def trace_scores(store: Store, project_id: int, traces: Sequence[str]) -> dict[str, list[Score]]:
    """The scores of traces and of their spans, by trace."""
    found: dict[str, list[Score]] = {}
    if traces:
        sql = statement("scores_of_traces").fill(columns=SCORE_COLUMNS)
        for row in store.facts.rows(sql, project_id=project_id, traces=id_bytes(traces)):
            found.setdefault(row["trace"], []).append(score_of(row))
    return found


def session_scores(store: Store, project_id: int, sessions: Sequence[str]) -> dict[str, tuple[Score, ...]]:
    """The scores of sessions, by session."""
    found: dict[str, list[Score]] = {}
    if sessions:
        sql = statement("scores_of_sessions").fill(columns=SCORE_COLUMNS)
        for row in store.facts.rows(sql, project_id=project_id, sessions=list(sessions)):
            found.setdefault(row["session_id"], []).append(score_of(row))
    return {session: tuple(scores) for session, scores in found.items()}


def id_bytes(ids: Iterable[str]) -> list[bytes]:
    """Hex ids as they are bound: the engine's index reads bytes ten times faster than a list it has to unhex."""
    return [bytes.fromhex(text) for text in ids]


def trace_hex(text: str) -> str:
    """A trace id as it is stored. Raises InputError for anything but 32 hex digits."""
    return _hex(text, TRACE_HEX, "trace")


def span_hex(text: str) -> str:
    """A span id as it is stored. Raises InputError for anything but 16 hex digits."""
    return _hex(text, SPAN_HEX, "span")


def _hex(text: str, digits: int, what: str) -> str:
    lowered = text.strip().lower()
    if len(lowered) != digits or not set(lowered) <= set("0123456789abcdef"):
        raise InputError(f"{text[:80]!r} is not a {what} id; wanted {digits} hex digits")
    return lowered


def project_name(store: Store, project_id: int) -> str:
    """The project's name, '' where it is not known."""
    rows = store.records.rows(statement("project_name"), project_id=project_id)
    return cast(str, rows[0]["name"]) if rows else ""
