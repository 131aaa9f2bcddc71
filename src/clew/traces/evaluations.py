"""Judgements that come with telemetry: OpenInference's inline and carrier annotations, gen_ai's evaluation results.

Trace and session feedback belongs to the trace or session alone, never to each span. Where a carrier's target cannot be known the result
comes out with an empty id, and whoever stores it refuses it with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from clew.core.jsontext import dumps
from clew.traces.model import EvaluationResult, LogRecord, Scope, SpanRecord
from clew.traces.record import log_record, span_record

RESULT_EVENT = "gen_ai.evaluation.result"
_INLINE = re.compile(r"^(?:(trace|session)\.)?(annotations|evaluations)\.(\d+)\.(?:annotation|evaluation)\.(.+)$")


def evaluations(record: trace_pb2.Span | logs_pb2.LogRecord | SpanRecord | LogRecord) -> list[EvaluationResult]:
    """The judgements that one span or one log record carries, unchecked."""
    if isinstance(record, trace_pb2.Span):
        return _of_span(span_record(record))
    if isinstance(record, logs_pb2.LogRecord):
        return _of_log(log_record(record))
    return _of_span(record) if isinstance(record, SpanRecord) else _of_log(record)


def _of_span(span: SpanRecord) -> list[EvaluationResult]:
    session = _session(span.attributes)
    found = list(_inline(span, session))
    for event in span.events:
        if event.name == RESULT_EVENT:
            found.append(_gen_ai(event.attributes, (span.trace_id, span.span_id, session), event.time_ns or span.end_ns))
    if "gen_ai.evaluation.name" in span.attributes:
        found.append(_gen_ai(span.attributes, (*_linked(span), session), span.end_ns))
    return found


def _of_log(record: LogRecord) -> list[EvaluationResult]:
    if record.event_name != RESULT_EVENT and "gen_ai.evaluation.name" not in record.attributes:
        return []
    return [_gen_ai(record.attributes, (record.trace_id, record.span_id, _session(record.attributes)), record.time_ns)]


def _session(attributes: Mapping[str, Any]) -> str:
    return _text(attributes.get("session.id")) or _text(attributes.get("gen_ai.conversation.id"))


def _linked(span: SpanRecord) -> tuple[str, str]:
    """The span that a carrier judges: exactly one link names it, else the carrier is judged itself."""
    return (span.links[0].trace_id, span.links[0].span_id) if len(span.links) == 1 else (span.trace_id, span.span_id)


def _inline(span: SpanRecord, session: str) -> Iterator[EvaluationResult]:
    items: dict[tuple[str, str, int], dict[str, Any]] = {}
    for key, value in span.attributes.items():
        if match := _INLINE.match(key):
            scope, form, number, name = match.groups()
            items.setdefault((scope or "span", form, int(number)), {})[name] = value
    trace_id, span_id = _linked(span)
    for (scope, _, _), item in sorted(items.items()):
        yield EvaluationResult(
            scope=_scope(scope),
            name=_text(item.get("name")),
            trace_id=trace_id if scope != "session" else "",
            span_id=span_id if scope == "span" else "",
            session_id=session,
            value=_number(item.get("score")),
            label=_text(item.get("label")),
            explanation=_text(item.get("explanation")),
            annotator=_text(item.get("annotator_kind")),
            identifier=_text(item.get("identifier")),
            metadata=_json(item.get("metadata")),
            time_ns=span.end_ns,
        )


def _scope(text: str) -> Scope:
    return "trace" if text == "trace" else "session" if text == "session" else "span"


def _gen_ai(told: Mapping[str, Any], ids: tuple[str, str, str], time_ns: int) -> EvaluationResult:
    trace_id, span_id, session = ids
    scope: Scope = "span" if span_id.strip("0") else "trace"
    return EvaluationResult(
        scope=scope,
        name=_text(told.get("gen_ai.evaluation.name")),
        trace_id=trace_id,
        span_id=span_id if scope == "span" else "",
        session_id=session,
        value=_number(told.get("gen_ai.evaluation.score.value")),
        label=_text(told.get("gen_ai.evaluation.score.label")),
        explanation=_text(told.get("gen_ai.evaluation.explanation")),
        annotator=_text(told.get("gen_ai.evaluation.annotator_kind")),
        identifier=_text(told.get("gen_ai.evaluation.identifier")),
        response_id=_text(told.get("gen_ai.response.id")),
        time_ns=time_ns,
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: Any) -> float | None:
    """A score's number; NaN and infinities come through, so that whoever stores it can say what it refused."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _json(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return dumps(value)
    except (TypeError, ValueError):
        return str(value)
