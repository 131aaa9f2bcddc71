"""What is refused, what is kept, and which project a request belongs to."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.core.errors import InputError
from clew.ingest.check import DEFAULT_PROJECT, LAST_NS, check_logs, check_traces
from clew.ingest.repair import repair_text
from clew.traces.wire import BLOCK_BYTES

NOW = 1_700_000_000_000_000_000


def request(spans=1, **resource):
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    for key, value in resource.items():
        group.resource.attributes.add(key=key.replace("_", ".")).value.string_value = value
    scope = group.scope_spans.add()
    for number in range(spans):
        scope.spans.add(trace_id=bytes([1]) * 16, span_id=bytes([number + 1]) * 8, name=f"s{number}", start_time_unix_nano=NOW)
    return message


class Names:
    """Remembers the projects that were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, name):
        self.asked.append(name)
        return len(self.asked)


def test_one_bad_span_does_not_cost_the_batch():
    message = request(spans=5)
    message.resource_spans[0].scope_spans[0].spans[2].trace_id = b"short"
    message.resource_spans[0].scope_spans[0].spans[3].span_id = bytes(8)
    checked = check_traces(message.SerializeToString(), "", Names(), NOW)
    assert checked.records == 3
    assert checked.received == 5
    assert checked.refused == {"trace id is not 16 bytes, or all zero": 1, "span id is not 8 bytes, or all zero": 1}
    kept = ExportTraceServiceRequest.FromString(checked.frames[0].body)
    assert [span.name for span in kept.resource_spans[0].scope_spans[0].spans] == ["s0", "s1", "s4"]


def test_the_last_nanosecond_that_fits_is_kept_and_the_next_refused():
    message = request(spans=2)
    message.resource_spans[0].scope_spans[0].spans[0].end_time_unix_nano = LAST_NS
    message.resource_spans[0].scope_spans[0].spans[1].end_time_unix_nano = LAST_NS + 1
    checked = check_traces(message.SerializeToString(), "", Names(), NOW)
    assert (checked.records, checked.refused) == (1, {"time is beyond the year 2262": 1})


@pytest.mark.parametrize(
    ("header", "attributes", "project"),
    [
        ("told", {"clew_project_name": "a", "service_name": "b"}, "told"),
        ("", {"clew_project_name": "a", "openinference_project_name": "o", "service_name": "b"}, "a"),
        ("", {"openinference_project_name": "o", "service_name": "b"}, "o"),
        ("", {"service_name": "b"}, "b"),
        ("", {"service_name": "  "}, DEFAULT_PROJECT),
        ("", {}, DEFAULT_PROJECT),
    ],
)
def test_the_project_comes_from_the_first_that_names_one(header, attributes, project):
    names = Names()
    check_traces(request(**attributes).SerializeToString(), header, names, NOW)
    assert names.asked == [project]


def test_each_resource_goes_to_its_own_project():
    message = request(service_name="a")
    message.MergeFrom(request(service_name="b", deployment_environment="prod"))
    names = Names()
    checked = check_traces(message.SerializeToString(), "", names, NOW)
    assert names.asked == ["a", "b"]
    assert [(frame.project_id, frame.service, frame.environment) for frame in checked.frames] == [(1, "a", ""), (2, "b", "prod")]


def test_a_large_resource_goes_in_pieces_and_nothing_of_it_is_missing():
    message = request(0, service_name="shop")
    group = message.resource_spans[0]
    group.schema_url = "https://opentelemetry.io/schemas/1.40.0"
    del group.scope_spans[:]
    for number in range(3):
        scope = group.scope_spans.add(schema_url=f"s{number}")
        scope.scope.name = f"scope {number}"
        for place in range(200):
            span = scope.spans.add(trace_id=bytes([1]) * 16, span_id=bytes([number + 1, place]) * 4, name=f"{number} {place}")
            span.attributes.add(key="text").value.string_value = "x" * 10_000
    checked = check_traces(message.SerializeToString(), "", lambda _: 7, NOW)
    parts = [ExportTraceServiceRequest.FromString(frame.body).resource_spans[0] for frame in checked.frames]
    assert checked.records == 600
    assert max(len(frame.body) for frame in checked.frames) < BLOCK_BYTES + 11_000
    assert 5 <= len(parts) <= 7
    assert {(part.schema_url, part.resource.SerializeToString()) for part in parts} == {
        (group.schema_url, group.resource.SerializeToString())
    }
    told = [
        (scope.scope.name, scope.schema_url, span.SerializeToString())
        for part in parts
        for scope in part.scope_spans
        for span in scope.spans
    ]
    sent = [(scope.scope.name, scope.schema_url, span.SerializeToString()) for scope in group.scope_spans for span in scope.spans]
    assert told == sent


def test_a_request_of_nothing_is_nothing():
    assert check_traces(b"", "", Names(), NOW).received == 0


def test_bytes_that_are_not_otlp_are_an_input_error():
    with pytest.raises(InputError, match="not a protobuf ExportTraceServiceRequest"):
        check_traces(b"\xff\xff\xff", "", Names(), NOW)


def test_log_records_need_no_ids_but_no_wrong_ones():
    message = ExportLogsServiceRequest()
    scope = message.resource_logs.add().scope_logs.add()
    scope.log_records.add(time_unix_nano=NOW)
    scope.log_records.add(time_unix_nano=NOW, trace_id=b"1234")
    checked = check_logs(message.SerializeToString(), "", Names(), NOW)
    assert (checked.records, checked.refused) == (1, {"trace id is not 16 bytes": 1})


def with_bad_text(place):
    message = request(spans=2)
    message.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="note").value.string_value = "PLACE-A"
    return message.SerializeToString().replace(b"PLACE-A", place)


def test_text_that_is_not_utf8_is_mended_and_told():
    checked = check_traces(with_bad_text(b"caf\xe9 \xff\xff"), "", Names(), NOW)
    assert (checked.records, checked.mended) == (2, 1)
    kept = ExportTraceServiceRequest.FromString(checked.frames[0].body)
    assert kept.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.string_value == "caf\ufffd \ufffd\ufffd"


def test_valid_messages_are_unchanged_by_the_repair():
    body = request(spans=3, service_name="ünï").SerializeToString()
    assert repair_text(body, ExportTraceServiceRequest.DESCRIPTOR) == (body, 0)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_an_input_error(data):
    with contextlib.suppress(InputError):
        check_traces(data, "", Names(), NOW)


@settings(max_examples=200)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_any_damage_to_a_request_is_a_request_or_an_input_error(place, damage):
    body = bytearray(request(spans=3, service_name="shop").SerializeToString())
    body[place % len(body) : place % len(body) + len(damage)] = damage
    with contextlib.suppress(InputError):
        check_traces(bytes(body), "", Names(), NOW)
