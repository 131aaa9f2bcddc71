"""From the store's rows to the views: one place that knows which columns make a ``SpanRow``, and how money is rounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from clew.core.errors import InputError
from clew.core.ids import SPAN_HEX, TRACE_HEX
from clew.store import Statement, Store, load_statements
from clew.traces.views import NO_TOKENS, TOKEN_KINDS, Cost, Score, SpanRow, Status, Tokens

Row = Mapping[str, Any]

SPAN_TOKENS = tuple(f"{kind}_tokens" for kind in TOKEN_KINDS)
SUM_TOKENS = tuple(f"{kind}_sum" for kind in TOKEN_KINDS)
_NO_COUNTS = (None,) * len(TOKEN_KINDS)
STATUSES: tuple[Status, ...] = ("unset", "ok", "error")

# Low-cardinality text goes through toString: Arrow would carry it as a dictionary per batch otherwise.
_TEXT = ("name", "service", "provider", "model", "agent_name", "tool_name", "kind", "cost_source", "finish_reason", "error_type")
SPAN_ROW_COLUMNS = ", ".join(
    [
        "lower(hex(trace_id)) AS trace",
        "lower(hex(span_id)) AS span",
        "lower(hex(parent_id)) AS parent",
        *(f"toString({name}) AS {name}_text" for name in _TEXT),
        "is_root, status, status_message, start_ns, duration_ns, session_id, user_id, counted, cost_nanos, ttft_ns, input_preview, output_preview",
        "arrayMap(mark -> toString(mark), marks) AS mark_list",
        *(f"{kind}_tokens" for kind in TOKEN_KINDS),
    ]
)

SUMS = ",\n    ".join(
    [
        *(f"sumIf({kind}_tokens, counted) AS {kind}_sum" for kind in TOKEN_KINDS),
        "sumIf(cost_nanos, counted) AS cost_sum",
        "countIf(counted AND isNotNull(cost_nanos)) AS cost_known",
        "countIf(counted AND isNull(cost_nanos) AND (isNotNull(input_tokens) OR isNotNull(output_tokens))) AS cost_unknown",
    ]
)
"""Tokens and cost over spans, each call once: what ``tokens_of(row, SUM_TOKENS)`` and ``cost_of`` read."""

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


def tokens_of(row: Row, columns: tuple[str, ...]) -> Tokens:
    """The token counts of a row, from ``SPAN_TOKENS`` or ``SUM_TOKENS``."""
    counts = tuple(map(row.__getitem__, columns))
    return NO_TOKENS if counts == _NO_COUNTS else Tokens(*counts)


def span_row(row: Row, scores: tuple[Score, ...] = ()) -> SpanRow:
    """A row of ``SPAN_ROW_COLUMNS``."""
    return SpanRow(
        trace_id=row["trace"],
        span_id=row["span"],
        parent_id="" if row["is_root"] else row["parent"],
        name=row["name_text"],
        kind=row["kind_text"],
        status=STATUSES[row["status"]],
        status_message=row["status_message"],
        start_ns=row["start_ns"],
        duration_ns=row["duration_ns"],
        service=row["service_text"],
        provider=row["provider_text"],
        model=row["model_text"],
        agent_name=row["agent_name_text"],
        tool_name=row["tool_name_text"],
        session_id=row["session_id"],
        user_id=row["user_id"],
        tokens=tokens_of(row, SPAN_TOKENS),
        counted=row["counted"],
        cost_micros=micros(row["cost_nanos"]),
        cost_source=row["cost_source_text"],
        ttft_ns=row["ttft_ns"],
        finish_reason=row["finish_reason_text"],
        marks=tuple(row["mark_list"]),
        input_preview=row["input_preview"],
        output_preview=row["output_preview"],
        error_type=row["error_type_text"],
        scores=scores,
    )


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


def with_scores(store: Store, project_id: int, rows: Iterable[Row]) -> tuple[SpanRow, ...]:
    """Rows of ``SPAN_ROW_COLUMNS`` as views, each with the scores of its own span."""
    rows = list(rows)
    scores = trace_scores(store, project_id, sorted({row["trace"] for row in rows}))
    return tuple(span_row(row, span_scores(scores.get(row["trace"], ()), row["span"])) for row in rows)


def span_scores(scores: Iterable[Score], span_id: str) -> tuple[Score, ...]:
    """Those of a trace's scores that speak of one span."""
    return tuple(score for score in scores if score.scope == "span" and score.span_id == span_id)


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
