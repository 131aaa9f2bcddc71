"""OTLP/JSON to OTLP messages and back.

The reader is lenient where senders differ (hex ids in either case, 64-bit integers as numbers or text, enums by number or name,
base64 with either alphabet, unknown fields ignored) and refuses one span or log record alone, with its place, where it must refuse.
The writer keeps to the specification: lowerCamelCase, hex ids, 64-bit integers as text, enums as numbers.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

from clew.core.errors import InputError
from clew.core.jsontext import dumps

MAX_DEPTH = 30  # of nested values: protobuf readers stop at 100 messages, one level of a map inside an event's attribute is three

Reader = Callable[[Any], Any]
Fields = dict[str, tuple[str, Reader]]  # JSON key → field of the message, how to read it


class _Refused(ValueError):
    """What was found and wanted; the place is put in front on the way out."""

    def __init__(self, text: str, place: str = "") -> None:
        super().__init__(f"{place}: {text}" if place else text)
        self.text, self.place = text, place

    def within(self, outer: str) -> _Refused:
        return _Refused(self.text, outer + ("" if self.place.startswith("[") or not self.place else ".") + self.place)


def _short(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "…"


def _integer(low: int, high: int, wanted: str) -> Reader:
    def read(raw: Any) -> int:
        value = raw
        if type(raw) is str:
            try:
                value = int(raw)
            except ValueError:
                raise _Refused(f"found {_short(raw)}, wanted {wanted}") from None
        elif type(raw) is float and raw.is_integer():
            value = int(raw)
        if type(value) is not int or not low <= value <= high:
            raise _Refused(f"found {_short(raw)}, wanted {wanted}")
        return value

    return read


_int64 = _integer(-(2**63), 2**63 - 1, "a signed 64-bit integer")
_uint64 = _integer(0, 2**64 - 1, "an unsigned 64-bit integer")
_uint32 = _integer(0, 2**32 - 1, "an unsigned 32-bit integer")
_int32 = _integer(-(2**31), 2**31 - 1, "an enum's number or name")


def _text(raw: Any) -> str:
    if type(raw) is not str:
        raise _Refused(f"found {_short(raw)}, wanted text")
    return raw


def _bool(raw: Any) -> bool:
    if type(raw) is not bool:
        raise _Refused(f"found {_short(raw)}, wanted true or false")
    return raw


def _double(raw: Any) -> float:
    if type(raw) in (int, float):
        try:
            return float(raw)
        except OverflowError:
            return math.copysign(math.inf, raw)
    if type(raw) is str:
        try:
            return float(raw)
        except ValueError:
            pass
    raise _Refused(f'found {_short(raw)}, wanted a number, "NaN", "Infinity" or "-Infinity"')


def _id(raw: Any) -> bytes:
    try:
        return binascii.unhexlify(raw)
    except (ValueError, TypeError):
        raise _Refused(f"found {_short(raw)}, wanted hex digits") from None


def _bytes(raw: Any) -> bytes:
    try:
        text = raw.translate(_STANDARD_ALPHABET)
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, AttributeError):
        raise _Refused(f"found {_short(raw)}, wanted base64") from None


_STANDARD_ALPHABET = str.maketrans("-_", "+/")


def _enum(enum: Any, prefix: str) -> Reader:
    numbers = dict(enum.items())
    numbers |= {name.removeprefix(prefix): number for name, number in numbers.items()}

    def read(raw: Any) -> int:
        known = numbers.get(raw) if type(raw) is str else None
        return int(_int32(raw)) if known is None else int(known)

    return read


def _list_of(read: Reader) -> Reader:
    def read_list(raw: Any) -> list[Any]:
        if type(raw) is not list:
            raise _Refused(f"found {_short(raw)}, wanted a list")
        items = []
        for position, item in enumerate(raw):
            try:
                items.append(read(item))
            except _Refused as refused:
                raise refused.within(f"[{position}]") from None
        return items

    return read_list


def _object(raw: Any, fields: Fields) -> dict[str, Any]:
    if type(raw) is not dict:
        raise _Refused(f"found {_short(raw)}, wanted an object")
    found: dict[str, Any] = {}
    for key, value in raw.items():
        field = fields.get(key)
        if field is not None and value is not None:
            try:
                found[field[0]] = field[1](value)
            except _Refused as refused:
                raise refused.within(key) from None
    return found


def _message(fields: Fields) -> Reader:
    return lambda raw: _object(raw, fields)


def _value(raw: Any, depth: int = 0) -> dict[str, Any]:
    """An AnyValue as the constructor's arguments; {} where it is empty or of a kind that is not known."""
    if type(raw) is not dict:
        raise _Refused(f"found {_short(raw)}, wanted an object")
    for key, value in raw.items():
        scalar = _SCALARS.get(key)
        if scalar is not None and value is not None:
            try:
                return {scalar[0]: scalar[1](value)}
            except _Refused as refused:
                raise refused.within(key) from None
        if key in ("arrayValue", "kvlistValue") and value is not None:
            return _nested(key, value, depth + 1)
    return {}


def _nested(key: str, raw: Any, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise _Refused(f"found values nested deeper than {MAX_DEPTH} levels, wanted fewer", key)
    item: Reader = (lambda value: _value(value, depth)) if key == "arrayValue" else (lambda value: _pair(value, depth))
    try:
        return {"array_value" if key == "arrayValue" else "kvlist_value": _object(raw, {"values": ("values", _list_of(item))})}
    except _Refused as refused:
        raise refused.within(key) from None


def _pair(raw: Any, depth: int = 0) -> dict[str, Any]:
    if type(raw) is not dict:
        raise _Refused(f"found {_short(raw)}, wanted an object with a key and a value")
    key, value = raw.get("key", ""), raw.get("value")
    if type(key) is not str:
        raise _Refused(f"found {_short(key)}, wanted text", "key")
    try:
        return {"key": key} if value is None else {"key": key, "value": _value(value, depth)}
    except _Refused as refused:
        raise refused.within(f"[{key!r}]") from None


_SCALARS: Fields = {
    "stringValue": ("string_value", _text),
    "intValue": ("int_value", _int64),
    "boolValue": ("bool_value", _bool),
    "doubleValue": ("double_value", _double),
    "bytesValue": ("bytes_value", _bytes),
}
_ATTRIBUTES: Fields = {
    "attributes": ("attributes", _list_of(_pair)),
    "droppedAttributesCount": ("dropped_attributes_count", _uint32),
}
_EVENT: Fields = {"timeUnixNano": ("time_unix_nano", _uint64), "name": ("name", _text), **_ATTRIBUTES}
_LINK: Fields = {
    "traceId": ("trace_id", _id),
    "spanId": ("span_id", _id),
    "traceState": ("trace_state", _text),
    "flags": ("flags", _uint32),
    **_ATTRIBUTES,
}
_STATUS: Fields = {"message": ("message", _text), "code": ("code", _enum(Status.StatusCode, "STATUS_CODE_"))}
_SPAN: Fields = {
    "traceId": ("trace_id", _id),
    "spanId": ("span_id", _id),
    "parentSpanId": ("parent_span_id", _id),
    "traceState": ("trace_state", _text),
    "flags": ("flags", _uint32),
    "name": ("name", _text),
    "kind": ("kind", _enum(Span.SpanKind, "SPAN_KIND_")),
    "startTimeUnixNano": ("start_time_unix_nano", _uint64),
    "endTimeUnixNano": ("end_time_unix_nano", _uint64),
    **_ATTRIBUTES,
    "events": ("events", _list_of(_message(_EVENT))),
    "droppedEventsCount": ("dropped_events_count", _uint32),
    "links": ("links", _list_of(_message(_LINK))),
    "droppedLinksCount": ("dropped_links_count", _uint32),
    "status": ("status", _message(_STATUS)),
}
_LOG: Fields = {
    "timeUnixNano": ("time_unix_nano", _uint64),
    "observedTimeUnixNano": ("observed_time_unix_nano", _uint64),
    "severityNumber": ("severity_number", _enum(SeverityNumber, "SEVERITY_NUMBER_")),
    "severityText": ("severity_text", _text),
    "eventName": ("event_name", _text),
    "body": ("body", _value),
    **_ATTRIBUTES,
    "flags": ("flags", _uint32),
    "traceId": ("trace_id", _id),
    "spanId": ("span_id", _id),
}
_ENTITY: Fields = {
    "schemaUrl": ("schema_url", _text),
    "type": ("type", _text),
    "idKeys": ("id_keys", _list_of(_text)),
    "descriptionKeys": ("description_keys", _list_of(_text)),
}
_RESOURCE: Fields = dict(_ATTRIBUTES)
if "entity_refs" in Resource.DESCRIPTOR.fields_by_name:  # since opentelemetry-proto 1.32
    _RESOURCE["entityRefs"] = ("entity_refs", _list_of(_message(_ENTITY)))
_SCOPE: Fields = {"name": ("name", _text), "version": ("version", _text), **_ATTRIBUTES}


def json_to_traces(body: bytes) -> tuple[ExportTraceServiceRequest, list[str]]:
    """The request in OTLP/JSON text, and one reason for each span that had to be left out. Raises InputError where the text is not JSON."""
    request = ExportTraceServiceRequest()
    reasons: list[str] = []
    for place, group in _groups(_document(body), "resourceSpans", "scopeSpans", "spans", reasons):
        outer = request.resource_spans.add(**group["outer"])
        for scope_place, head, spans in group["inner"]:
            inner = outer.scope_spans.add(**head)
            _add_each(inner.spans, spans, _SPAN, f"{place}.{scope_place}.spans", reasons)
    return request, reasons


def json_to_logs(body: bytes) -> tuple[ExportLogsServiceRequest, list[str]]:
    """The request in OTLP/JSON text, and one reason for each log record left out. Raises InputError where the text is not JSON."""
    request = ExportLogsServiceRequest()
    reasons: list[str] = []
    for place, group in _groups(_document(body), "resourceLogs", "scopeLogs", "logRecords", reasons):
        outer = request.resource_logs.add(**group["outer"])
        for scope_place, head, records in group["inner"]:
            inner = outer.scope_logs.add(**head)
            _add_each(inner.log_records, records, _LOG, f"{place}.{scope_place}.logRecords", reasons)
    return request, reasons


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except UnicodeDecodeError as error:
        raise InputError(f"the request is not UTF-8 at byte {error.start}; send OTLP/JSON as UTF-8") from error
    except json.JSONDecodeError as error:
        raise InputError(f"the request is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise InputError("the request is JSON nested too deep or with a number too long to read; send OTLP/JSON") from error
    if type(document) is not dict:
        raise InputError(f"found JSON {_short(document)}, wanted an object with resourceSpans or resourceLogs")
    return document


def _groups(document: dict[str, Any], outer: str, inner: str, items: str, reasons: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each resource's group with its scopes' groups; what is around a refused head is counted item by item."""
    groups = document.get(outer)
    if groups is not None and type(groups) is not list:
        raise InputError(f"{outer}: found {_short(groups)}, wanted a list")
    for position, group in enumerate(groups or ()):
        place = f"{outer}[{position}]"
        try:
            head = _object(group, {"resource": ("resource", _message(_RESOURCE)), "schemaUrl": ("schema_url", _text)})
            scopes = _plain_list(group.get(inner), inner)
        except _Refused as refused:
            lost = max(1, sum(_count(scope, items) for scope in _rough_list(group, inner)))
            reasons.extend([str(refused.within(place))] * lost)
            continue
        yield place, {"outer": head, "inner": list(_scopes(scopes, place, inner, items, reasons))}


def _scopes(scopes: list[Any], place: str, inner: str, items: str, reasons: list[str]) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    for position, scope in enumerate(scopes):
        scope_place = f"{inner}[{position}]"
        try:
            head = _object(scope, {"scope": ("scope", _message(_SCOPE)), "schemaUrl": ("schema_url", _text)})
            found = _plain_list(scope.get(items), items)
        except _Refused as refused:
            reasons.extend([str(refused.within(scope_place).within(place))] * max(1, _count(scope, items)))
            continue
        yield scope_place, head, found


def _plain_list(raw: Any, key: str) -> list[Any]:
    if raw is not None and type(raw) is not list:
        raise _Refused(f"found {_short(raw)}, wanted a list", key)
    return raw or []


def _rough_list(raw: Any, key: str) -> list[Any]:
    found = raw.get(key) if type(raw) is dict else None
    return found if type(found) is list else []


def _count(scope: Any, items: str) -> int:
    return len(_rough_list(scope, items))


def _add_each(target: Any, items: list[Any], fields: Fields, place: str, reasons: list[str]) -> None:
    for position, raw in enumerate(items):
        before = len(target)
        try:
            values = _object(raw, fields)
            try:
                target.add(**values)
            except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell and UTF-8 cannot
                del target[before:]
                target.add(**_well_formed(values))
        except _Refused as refused:
            reasons.append(str(refused.within(f"{place}[{position}]")))
        except (ValueError, TypeError) as error:
            del target[before:]
            reasons.append(f"{place}[{position}]: {error}")


def _well_formed(value: Any) -> Any:
    """The same value with every lone surrogate replaced by U+FFFD."""
    if type(value) is str:
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if type(value) is list:
        return [_well_formed(item) for item in value]
    if type(value) is dict:
        return {key: _well_formed(item) for key, item in value.items()}
    return value


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def traces_to_json(request: ExportTraceServiceRequest) -> str:
    """The request in the specification's JSON form."""
    return dumps({"resourceSpans": [_outer(group, "scopeSpans", group.scope_spans, _scope_spans) for group in request.resource_spans]})


def logs_to_json(request: ExportLogsServiceRequest) -> str:
    """The request in the specification's JSON form."""
    return dumps({"resourceLogs": [_outer(group, "scopeLogs", group.scope_logs, _scope_logs) for group in request.resource_logs]})


def _present(**fields: Any) -> dict[str, Any]:
    """Only the fields that have a value: JSON leaves defaults out."""
    return {key: value for key, value in fields.items() if value}


def _outer(group: Any, key: str, scopes: Iterable[Any], write: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    written = {"resource": _resource(group.resource)} if group.HasField("resource") else {}
    return {**written, key: [write(scope) for scope in scopes], **_present(schemaUrl=group.schema_url)}


def _resource(resource: Resource) -> dict[str, Any]:
    entities = [
        _present(schemaUrl=ref.schema_url, type=ref.type, idKeys=list(ref.id_keys), descriptionKeys=list(ref.description_keys))
        for ref in getattr(resource, "entity_refs", ())
    ]
    return {**_attributes(resource), **_present(entityRefs=entities)}


def _scope_spans(group: ScopeSpans) -> dict[str, Any]:
    head = {"scope": _scope(group.scope)} if group.HasField("scope") else {}
    return {**head, "spans": [span_to_json(span) for span in group.spans], **_present(schemaUrl=group.schema_url)}


def _scope_logs(group: ScopeLogs) -> dict[str, Any]:
    head = {"scope": _scope(group.scope)} if group.HasField("scope") else {}
    return {**head, "logRecords": [log_to_json(record) for record in group.log_records], **_present(schemaUrl=group.schema_url)}


def _scope(scope: InstrumentationScope) -> dict[str, Any]:
    return {**_present(name=scope.name, version=scope.version), **_attributes(scope)}


def _attributes(holder: Any) -> dict[str, Any]:
    return _present(attributes=[pair_to_json(pair) for pair in holder.attributes], droppedAttributesCount=holder.dropped_attributes_count)


def pair_to_json(pair: KeyValue) -> dict[str, Any]:
    """One attribute."""
    return {"key": pair.key, "value": value_to_json(pair.value)} if pair.HasField("value") else {"key": pair.key}


def value_to_json(value: AnyValue) -> dict[str, Any]:
    """One value; {} where it is empty."""
    which = value.WhichOneof("value")
    if which == "string_value":
        return {"stringValue": value.string_value}
    if which == "int_value":
        return {"intValue": str(value.int_value)}
    if which == "double_value":
        return {"doubleValue": _number(value.double_value)}
    if which == "bool_value":
        return {"boolValue": value.bool_value}
    if which == "bytes_value":
        return {"bytesValue": base64.b64encode(value.bytes_value).decode()}
    if which == "array_value":
        return {"arrayValue": {"values": [value_to_json(item) for item in value.array_value.values]}}
    if which == "kvlist_value":
        return {"kvlistValue": {"values": [pair_to_json(pair) for pair in value.kvlist_value.values]}}
    return {}


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _nanos(value: int) -> str:
    return str(value) if value else ""


def span_to_json(span: Span) -> dict[str, Any]:
    """One span in the specification's JSON form, ready for ``dumps``."""
    written = _present(
        traceId=span.trace_id.hex(),
        spanId=span.span_id.hex(),
        parentSpanId=span.parent_span_id.hex(),
        traceState=span.trace_state,
        flags=span.flags,
        name=span.name,
        kind=span.kind,
        startTimeUnixNano=_nanos(span.start_time_unix_nano),
        endTimeUnixNano=_nanos(span.end_time_unix_nano),
        **_attributes(span),
        events=[_event(event) for event in span.events],
        droppedEventsCount=span.dropped_events_count,
        links=[_link(link) for link in span.links],
        droppedLinksCount=span.dropped_links_count,
    )
    if span.HasField("status"):
        written["status"] = _present(message=span.status.message, code=span.status.code)
    return written


def _event(event: Span.Event) -> dict[str, Any]:
    return {**_present(timeUnixNano=_nanos(event.time_unix_nano), name=event.name), **_attributes(event)}


def _link(link: Span.Link) -> dict[str, Any]:
    head = _present(traceId=link.trace_id.hex(), spanId=link.span_id.hex(), traceState=link.trace_state, flags=link.flags)
    return {**head, **_attributes(link)}


def log_to_json(record: LogRecord) -> dict[str, Any]:
    """One log record in the specification's JSON form, ready for ``dumps``."""
    written = _present(
        timeUnixNano=_nanos(record.time_unix_nano),
        observedTimeUnixNano=_nanos(record.observed_time_unix_nano),
        severityNumber=record.severity_number,
        severityText=record.severity_text,
        eventName=record.event_name,
        **_attributes(record),
        flags=record.flags,
        traceId=record.trace_id.hex(),
        spanId=record.span_id.hex(),
    )
    if record.HasField("body"):
        written["body"] = value_to_json(record.body)
    return written
