"""One span as JSON: its row, what it means, and what was sent."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any

from pydantic import BaseModel

from clew.traces.meaning import meaning_of
from clew.traces.otlp import log_to_json, row_to_log, row_to_span, span_to_json
from clew.traces.views import Score, SpanDetail, SpanRow

MAX_DEPTH = 100  # levels of a payload that are written; the original has them all


class SpanAnswer(BaseModel):
    """``row``: the narrow columns. ``record``: every stored column. ``canonical``: what the span means, whichever dialect told it.

    ``otlp``: the span as it was sent; ``logs``: its log records; ``scores``: its judgements.
    """

    row: SpanRow
    record: dict[str, Any]
    canonical: dict[str, Any]
    otlp: dict[str, Any]
    logs: list[dict[str, Any]]
    scores: list[Score]


_SENT = {
    "attr.key",
    "attr_kind",
    "attr_str",
    "attr.int",
    "attr.dbl",
    "events",
    "links",
    "resource",
    "scope",
    "resource_schema_url",
    "scope_schema_url",
}


def span_answer(detail: SpanDetail) -> SpanAnswer:
    """The answer for one span."""
    return SpanAnswer.model_construct(
        row=detail.row,
        record={name: value for name, value in detail.record.items() if name not in _SENT},
        canonical=plain(meaning_of(detail)),
        otlp=span_to_json(row_to_span(detail.record)),
        logs=[log_to_json(row_to_log(row)) for row in detail.logs],
        scores=list(detail.scores),
    )


def plain(value: Any, depth: int = 0) -> Any:
    """A record as JSON has it: what is no number becomes null, bytes hex, and what lies too deep three dots."""
    if depth > MAX_DEPTH:
        return "…"
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {plain(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in fields(value)}
    return value
