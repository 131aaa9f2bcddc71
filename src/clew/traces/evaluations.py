"""Judgements that come with telemetry: OpenInference's inline and carrier annotations, gen_ai's evaluation results on spans and log records.

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
from clew.traces.model import EvaluationResult, Scope
from clew.traces.otlp import python_map

RESULT_EVENT = "gen_ai.evaluation.result"
_INLINE = re.compile(r"^(?:(trace|session)\.)?(annotations|evaluations)\.(\d+)\.(?:annotation|evaluation)\.(.+)$")


def evaluations(record: trace_pb2.Span | logs_pb2.LogRecord) -> list[EvaluationResult]:
    """The judgements that one span or one log record carries, unchecked."""
    if isinstance(record, logs_pb2.LogRecord):
        return _of_log(record)
    attributes = python_map(record.attributes)
    session = _session(attributes)
    found = list(_inline(record, attributes, session))
    for event in record.events:
        if event.name == RESULT_EVENT:
            told = python_map(event.attributes)
            ids = (record.trace_id.hex(), record.span_id.hex(), session)
            found.append(_gen_ai(told, ids, event.time_unix_nano or record.end_time_unix_nano))
    if "gen_ai.evaluation.name" in attributes:
        found.append(_gen_ai(attributes, (*_linked(record), session), record.end_time_unix_nano))
    return found


def _of_log(record: logs_pb2.LogRecord) -> list[EvaluationResult]:
    attributes = python_map(record.attributes)
    name = record.event_name or attributes.get("event.name", "")
    if name != RESULT_EVENT and "gen_ai.evaluation.name" not in attributes:
        return []
    ids = (record.trace_id.hex(), record.span_id.hex(), _session(attributes))
    return [_gen_ai(attributes, ids, record.time_unix_nano or record.observed_time_unix_nano)]


def _session(attributes: Mapping[str, Any]) -> str:
    return _text(attributes.get("session.id")) or _text(attributes.get("gen_ai.conversation.id"))


def _linked(span: trace_pb2.Span) -> tuple[str, str]:
    """The span that a carrier judges: exactly one link names it, else the carrier is judged itself."""
    if len(span.links) == 1:
        return span.links[0].trace_id.hex(), span.links[0].span_id.hex()
    return span.trace_id.hex(), span.span_id.hex()


def _inline(span: trace_pb2.Span, attributes: Mapping[str, Any], session: str) -> Iterator[EvaluationResult]:
    items: dict[tuple[str, str, int], dict[str, Any]] = {}
    for key, value in attributes.items():
        if match := _INLINE.match(key):
            scope, form, number, name = match.groups()
            items.setdefault((scope or "span", form, int(number)), {})[name] = value
    trace_id, span_id = _linked(span) if len(span.links) == 1 else (span.trace_id.hex(), span.span_id.hex())
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
            time_ns=span.end_time_unix_nano,
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
