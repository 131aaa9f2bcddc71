"""OTLP messages as plain records: ids in hex, attributes as Python values (of two equal keys the first)."""

from __future__ import annotations

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from clew.traces.model import EventRecord, LinkRecord, LogRecord, SpanRecord
from clew.traces.otlp import python_map, python_value


def span_record(span: trace_pb2.Span, scope: InstrumentationScope | None = None, resource: Resource | None = None) -> SpanRecord:
    """One span."""
    return SpanRecord(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.code,
        status_message=span.status.message,
        attributes=python_map(span.attributes),
        events=tuple(EventRecord(event.name, event.time_unix_nano, python_map(event.attributes)) for event in span.events),
        links=tuple(LinkRecord(link.trace_id.hex(), link.span_id.hex(), python_map(link.attributes)) for link in span.links),
        scope_name=scope.name if scope else "",
        resource=python_map(resource.attributes) if resource else {},
    )


def log_record(record: logs_pb2.LogRecord) -> LogRecord:
    """One log record; its event name may stand in an attribute."""
    attributes = python_map(record.attributes)
    named = attributes.get("event.name")
    return LogRecord(
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        event_name=record.event_name or (named if isinstance(named, str) else ""),
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        body=python_value(record.body),
        attributes=attributes,
    )
