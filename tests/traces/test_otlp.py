"""OTLP comes back as it was sent: through rows, and through JSON."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from clew.core.errors import InputError
from clew.traces.otlp import (
    any_value,
    json_to_logs,
    json_to_traces,
    logs_to_json,
    logs_to_rows,
    python_value,
    rows_to_logs,
    rows_to_traces,
    traces_to_json,
    traces_to_rows,
)

TEXT = st.text(max_size=12)
U32, U64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
SCALARS = st.one_of(
    st.builds(AnyValue),
    st.builds(AnyValue, string_value=TEXT),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, double_value=st.floats(allow_nan=False)),
    st.builds(AnyValue, bytes_value=st.binary(max_size=9)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda items: AnyValue(array_value=ArrayValue(values=items)), st.lists(inner, max_size=3)),
        st.builds(
            lambda items: AnyValue(kvlist_value=KeyValueList(values=items)),
            st.lists(st.builds(KeyValue, key=TEXT, value=inner), max_size=3),
        ),
    ),
    max_leaves=6,
)
ATTRIBUTES = st.lists(st.builds(KeyValue, key=TEXT, value=VALUES), max_size=4)
TRACE_ID, SPAN_ID = st.binary(min_size=16, max_size=16).filter(any), st.binary(min_size=8, max_size=8).filter(any)
EVENTS = st.builds(Span.Event, name=TEXT, time_unix_nano=U64, attributes=ATTRIBUTES, dropped_attributes_count=U32)
LINKS = st.builds(Span.Link, trace_id=TRACE_ID, span_id=SPAN_ID, trace_state=TEXT, attributes=ATTRIBUTES, flags=U32)
SPANS = st.builds(
    Span,
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    parent_span_id=st.one_of(st.just(b""), SPAN_ID),
    trace_state=TEXT,
    flags=U32,
    name=TEXT,
    kind=st.integers(0, 9),
    start_time_unix_nano=U64,
    end_time_unix_nano=U64,
    attributes=ATTRIBUTES,
    dropped_attributes_count=U32,
    events=st.lists(EVENTS, max_size=2),
    dropped_events_count=U32,
    links=st.lists(LINKS, max_size=2),
    dropped_links_count=U32,
    status=st.one_of(st.none(), st.builds(Status, code=st.integers(1, 2), message=TEXT)),
)
LOGS = st.builds(
    LogRecord,
    time_unix_nano=U64,
    observed_time_unix_nano=U64,
    severity_number=st.integers(0, 24),
    severity_text=TEXT,
    event_name=TEXT,
    body=st.one_of(st.none(), SCALARS.filter(lambda value: value.WhichOneof("value") is not None)),
    attributes=ATTRIBUTES,
    dropped_attributes_count=U32,
    flags=U32,
    trace_id=st.one_of(st.just(b""), TRACE_ID),
    span_id=st.one_of(st.just(b""), SPAN_ID),
)
# An empty message and an absent one mean the same; these are never empty.
RESOURCES = st.builds(Resource, attributes=ATTRIBUTES, dropped_attributes_count=st.integers(1, 2**32 - 1))
SCOPES = st.builds(InstrumentationScope, name=st.text(min_size=1, max_size=12), version=TEXT, attributes=ATTRIBUTES)


@st.composite
def traces(draw: st.DrawFn) -> ExportTraceServiceRequest:
    scopes = ScopeSpans(scope=draw(SCOPES), spans=draw(st.lists(SPANS, min_size=1, max_size=3)), schema_url=draw(TEXT))
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=draw(RESOURCES), scope_spans=[scopes], schema_url=draw(TEXT))])


@st.composite
def logs(draw: st.DrawFn) -> ExportLogsServiceRequest:
    scopes = ScopeLogs(scope=draw(SCOPES), log_records=draw(st.lists(LOGS, min_size=1, max_size=3)), schema_url=draw(TEXT))
    return ExportLogsServiceRequest(resource_logs=[ResourceLogs(resource=draw(RESOURCES), scope_logs=[scopes], schema_url=draw(TEXT))])


@settings(deadline=None)
@given(traces())
def test_spans_come_back_from_their_rows(request: ExportTraceServiceRequest) -> None:
    assert rows_to_traces(json.loads(json.dumps(traces_to_rows(request)))) == request


@settings(deadline=None)
@given(traces())
def test_spans_come_back_from_json(request: ExportTraceServiceRequest) -> None:
    assert json_to_traces(traces_to_json(request).encode()) == (request, [])


@settings(deadline=None)
@given(logs())
def test_log_records_come_back_from_their_rows_and_from_json(request: ExportLogsServiceRequest) -> None:
    assert rows_to_logs(json.loads(json.dumps(logs_to_rows(request)))) == request
    assert json_to_logs(logs_to_json(request).encode()) == (request, [])


@given(VALUES)
def test_values_come_back_from_python(value: AnyValue) -> None:
    assert python_value(any_value(python_value(value))) == python_value(value)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    with contextlib.suppress(InputError):
        json_to_traces(body)


@pytest.mark.field
@pytest.mark.parametrize("name", ["trace.json", "logs.json", "events.json"])
def test_the_specifications_examples_come_back(field_data: Path, name: str) -> None:
    body = (field_data / "otlp" / name).read_bytes()
    if name == "trace.json":
        request, refused = json_to_traces(body)
        again = traces_to_json(rows_to_traces(traces_to_rows(request)))
    else:
        request_of_logs, refused = json_to_logs(body)
        again = logs_to_json(rows_to_logs(logs_to_rows(request_of_logs)))
    assert not refused
    assert lowered(json.loads(again)) == lowered(json.loads(body))


def lowered(value: object) -> object:
    return json.loads(json.dumps(value, sort_keys=True).lower())


def spans_of(body: str) -> tuple[list[Span], list[str]]:
    request, refused = json_to_traces(body.encode())
    return [span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans], refused


def around(spans: str) -> str:
    return '{"resourceSpans":[{"scopeSpans":[{"spans":[' + spans + "]}]}]}"


def test_lenient_where_senders_differ() -> None:
    spans, refused = spans_of(
        around(
            '{"traceId":"5B8EFFF798038103D269B633813FC60C","kind":"SPAN_KIND_SERVER","startTimeUnixNano":17,"endTimeUnixNano":"18","flags":"1",'
            '"status":{"code":"STATUS_CODE_ERROR"},"nobody":{"knows":1},"attributes":[{"key":"n","value":{"intValue":5}},'
            '{"key":"d","value":{"doubleValue":"NaN"}},{"key":"b","value":{"bytesValue":"_-8"}},{"key":"x","value":{"newValue":1}}]}'
        )
    )
    assert not refused
    assert spans[0].trace_id.hex() == "5b8efff798038103d269b633813fc60c"
    assert (spans[0].kind, spans[0].status.code, spans[0].start_time_unix_nano, spans[0].end_time_unix_nano) == (2, 2, 17, 18)
    assert spans[0].attributes[0].value.int_value == 5
    assert spans[0].attributes[2].value.bytes_value == b"\xff\xef"
    assert spans[0].attributes[3].value.WhichOneof("value") is None


@pytest.mark.parametrize(
    ("bad", "place"),
    [
        ('{"traceId":"xyz"}', "spans[1].traceId"),
        ('{"startTimeUnixNano":-1}', "spans[1].startTimeUnixNano"),
        ('{"name":7}', "spans[1].name"),
        ("[]", "spans[1]"),
        ('{"attributes":[{"key":"a","value":{"intValue":"many"}}]}', "attributes[0]['a'].intValue"),
        ('{"attributes":[{"key":"a","value":' + '{"arrayValue":{"values":[' * 40 + "{}" + "]}}" * 40 + "}]}", "nested deeper"),
    ],
)
def test_one_bad_span_is_refused_alone_and_says_where(bad: str, place: str) -> None:
    spans, refused = spans_of(around('{"name":"one"},' + bad + ',{"name":"two"}'))
    assert [span.name for span in spans] == ["one", "two"]
    assert len(refused) == 1
    assert place in refused[0]


def test_spans_under_a_bad_resource_are_counted_one_by_one() -> None:
    _, refused = spans_of(
        '{"resourceSpans":[{"resource":{"attributes":7},"scopeSpans":[{"spans":[{},{},{}]}]},{"scopeSpans":[{"spans":[{}]}]}]}'
    )
    assert len(refused) == 3


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    spans, refused = spans_of(around(r'{"name":"a\ud83db"}'))
    assert not refused
    assert spans[0].name == "a�b"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b'{"resourceSpans":{}}', b"[" * 100_000])
def test_what_is_not_a_request_says_so(body: bytes) -> None:
    with pytest.raises(InputError):
        json_to_traces(body)
