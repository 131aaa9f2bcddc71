"""Stored rows to OTLP messages and back, bit for bit: ids, nanoseconds, attribute order, events, links, resource, scope, flags, counts.

A row is a dict as the store gives it for ``SPAN_COLUMNS`` or ``LOG_COLUMNS``: ids as lower-case hex, whatever holds raw protobuf as
base64. Attributes stay five parallel arrays; a value of kind list, map or bytes is the protobuf of that value.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.traces.otlp_json import json_to_logs, json_to_traces, log_to_json, logs_to_json, span_to_json, traces_to_json

NO_PARENT = "0" * 16
_UINT64 = 2**64 - 1  # the store keeps times as Int64; a wrapped one comes back as it was sent

_BINARY = "(k, s) -> if(k IN ('l', 'm', 'y'), base64Encode(s), s)"
_ATTRIBUTES = f"""`attr.key`, arrayMap(k -> toString(k), `attr.kind`) AS attr_kind,
    arrayMap({_BINARY}, `attr.kind`, `attr.str`) AS attr_str, `attr.int`, `attr.dbl`"""
_AROUND = "base64Encode(resource) AS resource, base64Encode(scope) AS scope, resource_schema_url, scope_schema_url"

SPAN_COLUMNS = f"""lower(hex(trace_id)) AS trace_id, lower(hex(span_id)) AS span_id, lower(hex(parent_id)) AS parent_id, name, otel_kind,
    start_ns, end_ns, status, status_message, trace_state, flags, dropped_attributes, dropped_events, dropped_links, {_ATTRIBUTES},
    arrayMap(e -> base64Encode(e), events) AS events, arrayMap(l -> base64Encode(l), links) AS links, {_AROUND}"""
"""The select list that ``row_to_span`` and ``rows_to_traces`` read."""

LOG_COLUMNS = f"""lower(hex(trace_id)) AS trace_id, lower(hex(span_id)) AS span_id, time_ns, observed_ns, severity, severity_text,
    event_name, toString(`body.kind`) AS body_kind, if(`body.kind` IN ('l', 'm', 'y'), base64Encode(`body.str`), `body.str`) AS body_str,
    `body.int`, `body.dbl`, flags, dropped_attributes, {_ATTRIBUTES}, {_AROUND}"""
"""The select list that ``row_to_log`` and ``rows_to_logs`` read."""

Row = Mapping[str, Any]


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def python_value(value: AnyValue) -> Any:
    """The value as Python has it; maps keep their order and the first of two equal keys, None where it is empty."""
    which = value.WhichOneof("value")
    if which == "array_value":
        return [python_value(item) for item in value.array_value.values]
    if which == "kvlist_value":
        return python_map(value.kvlist_value.values)
    return None if which is None else getattr(value, which)


def python_map(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as a dict; the first of two equal keys wins, as it does in the store's lookups."""
    found: dict[str, Any] = {}
    for pair in pairs:
        if pair.key not in found:
            found[pair.key] = python_value(pair.value)
    return found


def any_value(value: Any) -> AnyValue:
    """The AnyValue of a Python value. Raises TypeError for what OTLP has no kind for."""
    if value is None:
        return AnyValue()
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, Mapping):
        return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
    if isinstance(value, list | tuple):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    raise TypeError(f"a value of type {type(value).__name__!r} has no kind in OTLP; wanted text, number, bool, bytes, list or mapping")


def key_values(values: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes of a mapping, in its order."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def stored_value(kind: str, text: str, integer: int, double: float) -> AnyValue:
    """The AnyValue of one stored value; ``text`` is base64 for kinds l, m and y."""
    if kind == "s":
        return AnyValue(string_value=text)
    if kind == "i":
        return AnyValue(int_value=integer)
    if kind == "d":
        return AnyValue(double_value=double)
    if kind == "b":
        return AnyValue(bool_value=bool(integer))
    if kind == "no":
        return AnyValue()
    raw = base64.b64decode(text)
    if kind == "l":
        return AnyValue(array_value=ArrayValue.FromString(raw))
    if kind == "m":
        return AnyValue(kvlist_value=KeyValueList.FromString(raw))
    return AnyValue(bytes_value=raw)


def store_value(value: AnyValue) -> tuple[str, str, int, float]:
    """The inverse of ``stored_value``: kind, text (base64 for l, m and y), int, double."""
    which = value.WhichOneof("value")
    if which == "string_value":
        return "s", value.string_value, 0, 0.0
    if which == "int_value":
        return "i", "", value.int_value, 0.0
    if which == "double_value":
        return "d", "", 0, value.double_value
    if which == "bool_value":
        return "b", "", int(value.bool_value), 0.0
    if which == "array_value":
        return "l", _base64(value.array_value.SerializeToString()), 0, 0.0
    if which == "kvlist_value":
        return "m", _base64(value.kvlist_value.SerializeToString()), 0, 0.0
    if which == "bytes_value":
        return "y", _base64(value.bytes_value), 0, 0.0
    return "no", "", 0, 0.0


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def row_attributes(row: Row) -> list[KeyValue]:
    """The attributes of a row, in the order they were sent."""
    columns = (row["attr.key"], row["attr_kind"], row["attr_str"], row["attr.int"], row["attr.dbl"])
    return [KeyValue(key=key, value=stored_value(*value)) for key, *value in zip(*columns, strict=True)]


def attribute_columns(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Attributes as the five parallel arrays of a row."""
    stored = [(pair.key, *store_value(pair.value)) for pair in pairs]
    names = ("attr.key", "attr_kind", "attr_str", "attr.int", "attr.dbl")
    return {name: [item[position] for item in stored] for position, name in enumerate(names)}


# ── spans ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def row_to_span(row: Row) -> Span:
    """The span as it was sent."""
    span = Span(
        trace_id=bytes.fromhex(row["trace_id"]),
        span_id=bytes.fromhex(row["span_id"]),
        parent_span_id=b"" if row["parent_id"] == NO_PARENT else bytes.fromhex(row["parent_id"]),
        trace_state=row["trace_state"],
        flags=row["flags"],
        name=row["name"],
        kind=row["otel_kind"],
        start_time_unix_nano=row["start_ns"] & _UINT64,
        end_time_unix_nano=row["end_ns"] & _UINT64,
        attributes=row_attributes(row),
        dropped_attributes_count=row["dropped_attributes"],
        events=[Span.Event.FromString(base64.b64decode(event)) for event in row["events"]],
        dropped_events_count=row["dropped_events"],
        links=[Span.Link.FromString(base64.b64decode(link)) for link in row["links"]],
        dropped_links_count=row["dropped_links"],
    )
    if row["status"] or row["status_message"]:
        span.status.code = row["status"]
        span.status.message = row["status_message"]
    return span


def span_to_row(span: Span) -> dict[str, Any]:
    """The columns of one span, without those around it (resource, scope)."""
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_id": span.parent_span_id.hex() or NO_PARENT,
        "trace_state": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "otel_kind": span.kind,
        "start_ns": span.start_time_unix_nano,
        "end_ns": span.end_time_unix_nano,
        "status": span.status.code,
        "status_message": span.status.message,
        "dropped_attributes": span.dropped_attributes_count,
        "dropped_events": span.dropped_events_count,
        "dropped_links": span.dropped_links_count,
        **attribute_columns(span.attributes),
        "events": [_base64(event.SerializeToString()) for event in span.events],
        "links": [_base64(link.SerializeToString()) for link in span.links],
    }


def rows_to_traces(rows: Iterable[Row]) -> ExportTraceServiceRequest:
    """Rows as one export request, grouped by resource and scope in the order they first come."""
    request = ExportTraceServiceRequest()
    outer: dict[tuple[str, str], Any] = {}
    inner: dict[tuple[str, ...], Any] = {}
    for row in rows:
        _scope_group(row, request.resource_spans, "scope_spans", outer, inner).spans.append(row_to_span(row))
    return request


def traces_to_rows(request: ExportTraceServiceRequest) -> list[dict[str, Any]]:
    """The rows of one export request."""
    return [
        {**span_to_row(span), **_around(group, inner)}
        for group in request.resource_spans
        for inner in group.scope_spans
        for span in inner.spans
    ]


# ── log records ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def row_to_log(row: Row) -> LogRecord:
    """The log record as it was sent."""
    record = LogRecord(
        time_unix_nano=row["time_ns"] & _UINT64,
        observed_time_unix_nano=row["observed_ns"] & _UINT64,
        severity_number=row["severity"],
        severity_text=row["severity_text"],
        event_name=row["event_name"],
        attributes=row_attributes(row),
        dropped_attributes_count=row["dropped_attributes"],
        flags=row["flags"],
        trace_id=b"" if not row["trace_id"].strip("0") else bytes.fromhex(row["trace_id"]),
        span_id=b"" if not row["span_id"].strip("0") else bytes.fromhex(row["span_id"]),
    )
    if row["body_kind"] != "no":
        record.body.CopyFrom(stored_value(row["body_kind"], row["body_str"], row["body.int"], row["body.dbl"]))
    return record


def log_to_row(record: LogRecord) -> dict[str, Any]:
    """The columns of one log record, without those around it (resource, scope)."""
    kind, text, integer, double = store_value(record.body)
    return {
        "trace_id": record.trace_id.hex() or "0" * 32,
        "span_id": record.span_id.hex() or "0" * 16,
        "time_ns": record.time_unix_nano,
        "observed_ns": record.observed_time_unix_nano,
        "severity": record.severity_number,
        "severity_text": record.severity_text,
        "event_name": record.event_name,
        "body_kind": kind,
        "body_str": text,
        "body.int": integer,
        "body.dbl": double,
        "flags": record.flags,
        "dropped_attributes": record.dropped_attributes_count,
        **attribute_columns(record.attributes),
    }


def rows_to_logs(rows: Iterable[Row]) -> ExportLogsServiceRequest:
    """Rows as one export request, grouped by resource and scope in the order they first come."""
    request = ExportLogsServiceRequest()
    outer: dict[tuple[str, str], Any] = {}
    inner: dict[tuple[str, ...], Any] = {}
    for row in rows:
        _scope_group(row, request.resource_logs, "scope_logs", outer, inner).log_records.append(row_to_log(row))
    return request


def logs_to_rows(request: ExportLogsServiceRequest) -> list[dict[str, Any]]:
    """The rows of one export request."""
    return [
        {**log_to_row(record), **_around(group, inner)}
        for group in request.resource_logs
        for inner in group.scope_logs
        for record in inner.log_records
    ]


# ── what is around them ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _around(group: Any, inner: Any) -> dict[str, str]:
    return {
        "resource": _base64(group.resource.SerializeToString()),
        "scope": _base64(inner.scope.SerializeToString()),
        "resource_schema_url": group.schema_url,
        "scope_schema_url": inner.schema_url,
    }


def _scope_group(row: Row, groups: Any, inner_name: str, outer: dict[tuple[str, str], Any], inner: dict[tuple[str, ...], Any]) -> Any:
    """The group of the row's resource and scope; made where it is the first of its kind."""
    resource_key = (row["resource"], row["resource_schema_url"])
    scope_key = (*resource_key, row["scope"], row["scope_schema_url"])
    if resource_key not in outer:
        group = groups.add(schema_url=row["resource_schema_url"])
        if row["resource"]:
            group.resource.CopyFrom(Resource.FromString(base64.b64decode(row["resource"])))
        outer[resource_key] = group
    if scope_key not in inner:
        scoped = getattr(outer[resource_key], inner_name).add(schema_url=row["scope_schema_url"])
        if row["scope"]:
            scoped.scope.CopyFrom(InstrumentationScope.FromString(base64.b64decode(row["scope"])))
        inner[scope_key] = scoped
    return inner[scope_key]


__all__ = [
    "LOG_COLUMNS",
    "SPAN_COLUMNS",
    "any_value",
    "attribute_columns",
    "json_to_logs",
    "json_to_traces",
    "key_values",
    "log_to_json",
    "log_to_row",
    "logs_to_json",
    "logs_to_rows",
    "python_map",
    "python_value",
    "row_attributes",
    "row_to_log",
    "row_to_span",
    "rows_to_logs",
    "rows_to_traces",
    "span_to_json",
    "span_to_row",
    "stored_value",
    "traces_to_json",
    "traces_to_rows",
]
