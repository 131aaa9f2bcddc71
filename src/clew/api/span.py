"""One span as JSON: its row, what it means, and what was sent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from clew.traces.otlp import log_to_json, row_to_log, row_to_span, span_to_json
from clew.traces.views import SpanDetail


def span_answer(detail: SpanDetail) -> dict[str, Any]:
    """``row``: narrow columns; ``record``: all canonical columns; ``otlp``: the span as sent; ``logs``: its log records; ``scores``."""
    canonical = {name: value for name, value in detail.record.items() if name not in _SENT}
    return {
        "row": asdict(detail.row),
        "record": canonical,
        "otlp": span_to_json(row_to_span(detail.record)),
        "logs": [log_to_json(row_to_log(row)) for row in detail.logs],
        "scores": [asdict(score) for score in detail.scores],
    }


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
