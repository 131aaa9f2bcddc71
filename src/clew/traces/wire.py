"""How the engine reads OTLP: a wire-compatible protobuf schema and the column structure it fills.

Sub-messages that recurse or that only a reader of one span needs (lists, maps, events, links, resource, scope) are declared ``bytes``:
the wire form of both is the same, so the engine keeps them as they were sent. See design/0001-the-span-row.md.

The frame is the OTLP request followed by four fields of our own; protobuf lets fields be appended to a serialized message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clew.core.errors import InputError
from clew.store import Encoded

PROJECT_FIELD, RECEIVED_FIELD, SERVICE_FIELD, ENVIRONMENT_FIELD = 10_001, 10_002, 10_003, 10_004
VARINT, FIXED64, BYTES = 0, 1, 2  # protobuf wire types
MAX_VARINT = 1 << 64
BLOCK_BYTES = (
    1 << 20
)  # the engine holds some eight times what it decodes at once: a whole group of 12 MB took it 100 MB, blocks of 1 MB take 38

_ANY_AND_KEY = """
message Any { oneof value { string s = 1; bool b = 2; int64 i = 3; double d = 4; bytes l = 5; bytes m = 6; bytes y = 7; } }
message KeyValue { string key = 1; Any value = 2; }
"""

TRACES_SCHEMA = (
    'syntax = "proto3";'
    + _ANY_AND_KEY
    + """
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_ns = 7; fixed64 end_ns = 8; repeated KeyValue attributes = 9; uint32 dropped_attributes = 10;
  repeated bytes events = 11; uint32 dropped_events = 12; repeated bytes links = 13; uint32 dropped_links = 14;
  Status status = 15; fixed32 flags = 16;
}
message ScopeSpans { bytes scope = 1; repeated Span spans = 2; string schema_url = 3; }
message ResourceSpans { bytes resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message Frame { repeated ResourceSpans resource_spans = 1; uint32 clew_project = 10001; fixed64 clew_received = 10002;
  string clew_service = 10003; string clew_environment = 10004; }
"""
)

LOGS_SCHEMA = (
    'syntax = "proto3";'
    + _ANY_AND_KEY
    + """
message LogRecord {
  fixed64 time_ns = 1; int32 severity = 2; string severity_text = 3; Any body = 5; repeated KeyValue attributes = 6;
  uint32 dropped_attributes = 7; fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10; fixed64 observed_ns = 11; string event_name = 12;
}
message ScopeLogs { bytes scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message ResourceLogs { bytes resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message Frame { repeated ResourceLogs resource_logs = 1; uint32 clew_project = 10001; fixed64 clew_received = 10002;
  string clew_service = 10003; string clew_environment = 10004; }
"""
)

_ANY = (
    "Tuple(value Enum8('no'=0,'s'=1,'b'=2,'i'=3,'d'=4,'l'=5,'m'=6,'y'=7),"
    " s String, b Bool, i Int64, d Float64, l String, m String, y String)"
)
_ATTRIBUTES = f"Array(Tuple(key LowCardinality(String), value {_ANY}))"
_FRAME = "clew_project UInt32, clew_received UInt64, clew_service String, clew_environment String"
_SPAN = (
    "Tuple(trace_id String, span_id String, trace_state String, parent_span_id String, name String, kind Int32,"
    f" start_ns UInt64, end_ns UInt64, attributes {_ATTRIBUTES}, dropped_attributes UInt32,"
    " events Array(String), dropped_events UInt32, links Array(String), dropped_links UInt32,"
    " status Tuple(message String, code Int32), flags UInt32)"
)
TRACES_STRUCTURE = (
    f"resource_spans Array(Tuple(resource String, scope_spans Array(Tuple(scope String, spans Array({_SPAN}), schema_url String)),"
    f" schema_url String)), {_FRAME}"
)
_LOG = (
    f"Tuple(time_ns UInt64, severity Int32, severity_text String, body {_ANY}, attributes {_ATTRIBUTES}, dropped_attributes UInt32,"
    " flags UInt32, trace_id String, span_id String, observed_ns UInt64, event_name String)"
)
LOGS_STRUCTURE = (
    f"resource_logs Array(Tuple(resource String, scope_logs Array(Tuple(scope String, log_records Array({_LOG}), schema_url String)),"
    f" schema_url String)), {_FRAME}"
)


def varint(value: int) -> bytes:
    """``value`` (0 ≤ value < 2**64) as a protobuf varint. Raises InputError outside."""
    if not 0 <= value < MAX_VARINT:
        raise InputError(f"a varint holds 0 to 2**64 − 1, found {value!r}")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


@dataclass(frozen=True)
class Frame:
    """One resource's records as a serialized OTLP request, with what the sender's resource and the edge say of it."""

    body: bytes
    project_id: int
    service: str
    environment: str
    received_ns: int

    def encoded(self) -> bytes:
        """The length-delimited bytes that the engine reads."""
        parts = [
            _key(PROJECT_FIELD, VARINT),
            varint(self.project_id),
            _key(RECEIVED_FIELD, FIXED64),
            self.received_ns.to_bytes(8, "little"),
        ]
        for number, text in ((SERVICE_FIELD, self.service), (ENVIRONMENT_FIELD, self.environment)):
            data = text.encode()
            parts += [_key(number, BYTES), varint(len(data)), data]
        tail = b"".join(parts)
        return b"".join((varint(len(self.body) + len(tail)), self.body, tail))


def encoded(frames: Sequence[Frame], structure: str, schema: str) -> Encoded:
    """Frames as the engine reads them, in blocks of about BLOCK_BYTES."""
    at_once = max(1, len(frames) * BLOCK_BYTES // sum(len(frame.body) + 1 for frame in frames))
    return Encoded((frame.encoded() for frame in frames), "Protobuf", structure, schema, "Frame", at_once)


def _key(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)
