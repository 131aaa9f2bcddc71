"""What was sent is given back: as OTLP/JSON, as protobuf, through every form of export and in again."""

from __future__ import annotations

import io
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import served
from clew.traces.otlp import json_to_traces

Flat = list[tuple[str, bytes]]
START = 1_790_000_000_123_456_789


def flat(*requests: ExportTraceServiceRequest) -> Flat:
    """Every span with all that is around it, sorted by its id: two sets of requests with equal lists say the same."""
    found = []
    for request in requests:
        for group in request.resource_spans:
            for inner in group.scope_spans:
                around = (group.resource, inner.scope)
                urls = f"{group.schema_url}|{inner.schema_url}|".encode()
                for span in inner.spans:
                    whole = b"".join(part.SerializeToString(deterministic=True) for part in (*around, settled(span)))
                    found.append(((span.trace_id + span.span_id).hex(), urls + whole))
    return sorted(found)


def all_spans(request: ExportTraceServiceRequest) -> list[Span]:
    return [span for group in request.resource_spans for inner in group.scope_spans for span in inner.spans]


def settled(span: Span) -> Span:
    """A status that says nothing is as good as none."""
    copy = Span.FromString(span.SerializeToString())
    if not copy.status.code and not copy.status.message:
        copy.ClearField("status")
    return copy


def given_back(clew: served.Clew, project: str, form: str) -> Flat:
    """Every trace of a project as the API gives it back."""
    traces, cursor = [], None
    while True:
        page = clew.of(project, "/traces", limit=100, cursor=cursor)
        traces += [row["root"]["trace_id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    requests = []
    for trace in traces:
        answer = clew.get(f"/api/v1/projects/{project}/traces/{trace}/otlp", params={"form": form})
        assert answer.status_code == 200
        if form == "protobuf":
            assert answer.headers["content-type"] == "application/x-protobuf"
            requests.append(ExportTraceServiceRequest.FromString(answer.content))
        else:
            request, reasons = json_to_traces(answer.content)
            assert reasons == []
            requests.append(request)
    return flat(*requests)


def random_value(dice: random.Random, depth: int = 0) -> AnyValue:
    kinds = ["text", "int", "double", "bool", "bytes", "empty"] + (["list", "map"] if depth < 3 else [])
    match dice.choice(kinds):
        case "text":
            return AnyValue(string_value=dice.choice(["", "plain", "日本語 🧵", "a\tb\nc\\'\"", "\x00\x01", "‮ה" * 3]))
        case "int":
            return AnyValue(int_value=dice.choice([0, -1, 2**63 - 1, -(2**63), dice.randrange(-(10**9), 10**9)]))
        case "double":
            return AnyValue(double_value=dice.choice([0.0, -0.0, 0.1, 1e308, 5e-324, float("inf"), float("-inf")]))
        case "bool":
            return AnyValue(bool_value=dice.random() < 0.5)
        case "bytes":
            return AnyValue(bytes_value=dice.randbytes(dice.randrange(5)))
        case "list":
            return AnyValue(array_value=ArrayValue(values=[random_value(dice, depth + 1) for _ in range(dice.randrange(4))]))
        case "map":
            return AnyValue(kvlist_value=KeyValueList(values=random_pairs(dice, depth + 1)))
    return AnyValue()


def random_pairs(dice: random.Random, depth: int = 0) -> list[KeyValue]:
    return [KeyValue(key=f"k.{dice.randrange(1000)}.{n}", value=random_value(dice, depth)) for n in range(dice.randrange(5))]


def random_span(dice: random.Random, trace: bytes) -> Span:
    start = START + dice.randrange(10**12)
    return Span(
        trace_id=trace,
        span_id=dice.randbytes(8),
        parent_span_id=dice.choice([b"", dice.randbytes(8)]),
        trace_state=dice.choice(["", "a=1,b=2"]),
        flags=dice.choice([0, 1, 257, 2**32 - 1]),
        name=dice.choice(["chat", "", "名前", "x" * 5000]),
        kind=dice.randrange(6),
        start_time_unix_nano=start,
        end_time_unix_nano=start + dice.choice([0, 1, 10**9, -(10**9)]),
        attributes=random_pairs(dice),
        dropped_attributes_count=dice.choice([0, 7]),
        events=[
            Span.Event(name="e", time_unix_nano=start + n, attributes=random_pairs(dice), dropped_attributes_count=n) for n in range(2)
        ],
        dropped_events_count=dice.choice([0, 3]),
        links=[
            Span.Link(trace_id=dice.randbytes(16), span_id=dice.randbytes(8), trace_state="l=1", flags=1, attributes=random_pairs(dice))
        ],
        dropped_links_count=dice.choice([0, 2]),
        status=dice.choice([Status(), Status(code=1), Status(code=2, message="broken\nhere")]),
    )


def random_request(seed: int) -> ExportTraceServiceRequest:
    dice = random.Random(seed)
    request = ExportTraceServiceRequest()
    traces = [dice.randbytes(16) for _ in range(8)]
    for number in range(3):
        resource = Resource(attributes=random_pairs(dice), dropped_attributes_count=number)
        group = request.resource_spans.add(resource=resource, schema_url=f"https://example.com/{number}")
        for version in range(2):
            scope = InstrumentationScope(name=f"lib{version}", version=str(version), attributes=random_pairs(dice))
            inner = group.scope_spans.add(scope=scope, schema_url="https://example.com/scope")
            inner.spans.extend(random_span(dice, dice.choice(traces)) for _ in range(10))
    return request


@pytest.mark.parametrize("seed", range(3))
def test_generated_spans_come_back_as_they_were_sent(clew: served.Clew, seed: int) -> None:
    sent = random_request(seed)
    project = f"random-{seed}"
    assert not clew.export(sent, project).partial_success.rejected_spans
    assert given_back(clew, project, "protobuf") == flat(sent)
    assert given_back(clew, project, "json") == flat(sent)


def sent_as_json(folder: Path) -> Iterator[bytes]:
    """The OTLP/JSON requests of the specification's examples and of the instrumentation."""
    yield (folder / "otlp" / "trace.json").read_bytes()
    for file in sorted((folder / "otlp" / "openinference_genai").rglob("*.json")):
        if "resourceSpans" in (told := json.loads(file.read_text(encoding="utf-8"))):
            yield json.dumps(told).encode()


@pytest.mark.field
def test_the_published_examples_come_back_as_they_were_sent(clew: served.Clew, field_data: Path) -> None:
    sent = []
    for body in sent_as_json(field_data):
        clew.send_json(body, "examples")
        request, reasons = json_to_traces(body)
        assert reasons == []
        sent.append(request)
    assert given_back(clew, "examples", "json") == flat(*sent)
    assert given_back(clew, "examples", "protobuf") == flat(*sent)


def recorded(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What the clients posted as traces: content type and body."""
    for told in sorted((folder / "otlp" / "clients").glob("*/headers.json")):
        for request in json.loads(told.read_text(encoding="utf-8")):
            if request["path"] == "/v1/traces":
                yield request["headers"]["content-type"], (told.parent / request["file"]).read_bytes()


@pytest.mark.field
def test_what_real_clients_sent_comes_back_as_it_was_sent(clew: served.Clew, field_data: Path) -> None:
    sent: list[ExportTraceServiceRequest] = []
    for kind, body in recorded(field_data):
        if kind.startswith("application/json"):
            clew.send_json(body, "recorded")
            sent.append(json_to_traces(body)[0])
        else:
            sent.append(ExportTraceServiceRequest.FromString(body))
            clew.export(sent[-1], "recorded")
    assert len(sent) >= 12
    assert given_back(clew, "recorded", "protobuf") == flat(*sent)
    assert given_back(clew, "recorded", "json") == flat(*sent)


def exported(clew: served.Clew, project: str, form: str, **asked: str) -> bytes:
    answer = clew.get(f"/api/v1/projects/{project}/export", params={"form": form, **asked})
    assert answer.status_code == 200
    assert f"{project}." in answer.headers["content-disposition"]
    return answer.content


def test_an_export_taken_in_again_is_the_same(clew: served.Clew) -> None:
    sent = random_request(11)
    clew.export(sent, "from")
    for line in exported(clew, "from", "otlp").splitlines():
        clew.send_json(line, "into")
    assert given_back(clew, "into", "protobuf") == flat(sent)
    plain = ("received_ns",)  # when it came differs

    def rows(project: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in exported(clew, project, "jsonl").splitlines()]
        return [{key: value for key, value in line.items() if key not in plain} for line in lines]

    assert rows("from") == rows("into")


def test_lines_and_parquet_hold_the_same_rows(clew: served.Clew) -> None:
    sent = random_request(12)
    clew.export(sent, "tables")
    lines = [json.loads(line) for line in exported(clew, "tables", "jsonl").splitlines()]
    table = pyarrow.parquet.read_table(io.BytesIO(exported(clew, "tables", "parquet"))).to_pylist()
    assert [{**row, "attributes": json.loads(row["attributes"])} for row in table] == lines
    assert len(lines) == len(flat(sent))
    assert all(isinstance(line["start_ns"], int) for line in lines)


def test_an_export_of_a_filter_holds_what_the_filter_finds(clew: served.Clew) -> None:
    sent = random_request(13)
    clew.export(sent, "part")
    wanted = {(span.trace_id + span.span_id).hex() for span in all_spans(sent) if span.status.code == 2}
    lines = [json.loads(line) for line in exported(clew, "part", "jsonl", filter="status = error").splitlines()]
    assert {line["trace_id"] + line["span_id"] for line in lines} == wanted
    one = lines[0]["trace_id"]
    request, _ = json_to_traces(exported(clew, "part", "otlp", filter=f'trace = "{one}"').splitlines()[0])
    assert {trace for trace, _ in ((key[:32], value) for key, value in flat(request))} == {one}


def test_an_export_that_is_left_half_way_does_not_stop_the_next(clew: served.Clew) -> None:
    big = ExportTraceServiceRequest()
    spans = big.resource_spans.add().scope_spans.add().spans
    for _ in range(4000):
        span = served.span_of(served.a_span("long", input__value="words " * 100))
        spans.append(span)
    clew.export(big, "left")
    with clew.stream("GET", "/api/v1/projects/left/export", params={"form": "otlp"}) as answer:
        next(answer.iter_bytes(1000))
    assert len(exported(clew, "left", "jsonl").splitlines()) == 4000


def test_a_trace_that_is_not_there_is_not_found(clew: served.Clew) -> None:
    clew.export(served.a_span(), "empty")
    told = clew.of("empty", f"/traces/{os.urandom(16).hex()}/otlp", 404)
    assert told["error"]["code"] == "not_found"


def test_messages_compare_by_their_bytes() -> None:
    one, other = random_request(1), random_request(1)
    assert isinstance(one, Message)
    assert flat(one) == flat(other)
    served.span_of(other).attributes.add(key="more")
    assert flat(one) != flat(other)
