"""The OTLP protocol table: what a sender may send and what it is answered, through the real server, over HTTP and gRPC."""

import gzip
import http.client
import json
import math
import time
import urllib.error
import urllib.request
import zlib

import grpc
import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

import clew_process

START = 1_790_000_000_000_000_000
PROTOBUF = "application/x-protobuf"
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("otlp")
    running = clew_process.start(folder, "otlp", (), None, {"CLEW_MAX_BODY_BYTES": "32 MiB"})
    clew_process.wait_for(running, "Clew is ready")
    yield running
    running.process.kill()
    running.process.wait()


class Made:
    """Makes requests of one project of its own."""

    def __init__(self, project):
        self.project = project
        self.message = ExportTraceServiceRequest()
        group = self.message.resource_spans.add()
        group.resource.attributes.add(key="clew.project.name").value.string_value = project
        self.spans = group.scope_spans.add().spans

    def span(self, number, *, trace=1, parent=0, start=START, end=START + SECOND, name="step", **attributes):
        span = self.spans.add(trace_id=trace.to_bytes(16), span_id=number.to_bytes(8), name=name)
        span.start_time_unix_nano, span.end_time_unix_nano = start, end
        if parent:
            span.parent_span_id = parent.to_bytes(8)
        for key, value in attributes.items():
            target = span.attributes.add(key=key).value
            setattr(target, {str: "string_value", int: "int_value", float: "double_value"}[type(value)], value)
        return span

    @property
    def body(self):
        return self.message.SerializeToString()


@pytest.fixture
def made(request):
    return Made(request.node.name[:150])


def post(server, body, path="/v1/traces", **headers):
    sent = {"Content-Type": PROTOBUF, **{key.replace("_", "-"): value for key, value in headers.items()}}
    request = urllib.request.Request(
        server.url + path, body, {key: value for key, value in sent.items() if value is not None}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def get(server, path):
    with urllib.request.urlopen(f"{server.url}/api/v1{path}", timeout=60) as answer:
        return json.load(answer)


def quoted(text):
    return urllib.request.quote(text, safe="")


def stored(server, project, count, seconds=60):
    """The spans of a project, once there are as many as that."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = get(server, f"/projects/{quoted(project)}/spans?limit=500")["items"]
        except urllib.error.HTTPError:
            found = []
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, f"only {len(found)} of {count} spans came"
        time.sleep(0.1)


def rejected(body):
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    return partial.rejected_spans, partial.error_message


CONTENT_TYPES = {"plain": PROTOBUF, "with_parameters": "application/x-protobuf; charset=utf-8", "other_case": "Application/X-Protobuf"}


@pytest.mark.parametrize("content_type", CONTENT_TYPES.values(), ids=CONTENT_TYPES)
def test_protobuf_is_taken_by_its_content_type(server, made, content_type):
    made.span(1)
    status, headers, body = post(server, made.body, Content_Type=content_type)
    assert (status, headers["Content-Type"].split(";")[0], rejected(body)) == (200, PROTOBUF, (0, ""))
    assert len(stored(server, made.project, 1)) == 1


def test_without_a_content_type_a_body_is_protobuf(server, made):
    made.span(1)
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("POST", "/v1/traces", made.body)
    assert connection.getresponse().status == 200
    assert len(stored(server, made.project, 1)) == 1


def test_another_content_type_is_415(server, made):
    assert post(server, made.body, Content_Type="text/plain")[0] == 415


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", lambda data: zstandard.ZstdCompressor().compress(data))],
)
def test_every_coding_is_read(server, made, coding, encode):
    made.span(1)
    assert post(server, encode(made.body), Content_Encoding=coding)[0] == 200
    assert len(stored(server, made.project, 1)) == 1


def test_a_coding_that_does_not_fit_the_body_is_400_and_final(server, made):
    made.span(1)
    status, headers, _ = post(server, made.body, Content_Encoding="gzip")
    assert (status, headers["Retry-After"]) == (400, None)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_bomb_is_413(server, made, coding):
    zeros = bytes(200 << 20)
    bomb = gzip.compress(zeros, 1) if coding == "gzip" else zstandard.ZstdCompressor().compress(zeros)
    assert post(server, bomb, Content_Encoding=coding)[0] == 413


def test_bytes_that_are_not_otlp_are_400(server, made):
    status, _, body = post(server, b"\xff\xff\xff\xff")
    assert status == 400
    assert b"ExportTraceServiceRequest" in body


def test_otlp_json_with_upper_case_ids_numbers_as_text_and_unknown_fields(server, made):
    document = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": made.project}}],
                    "unknownField": [1, {"a": 2}],
                },
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "5B8EFFF798038103D269B633813FC60C",
                                "spanId": "EEE19B7EC3C1B174",
                                "name": "json",
                                "kind": "SPAN_KIND_CLIENT",
                                "startTimeUnixNano": str(START),
                                "endTimeUnixNano": START + 5,
                                "attributes": [{"key": "n", "value": {"intValue": "12"}}, {"key": "m", "value": {"intValue": 13}}],
                                "notKnown": True,
                            },
                            {"traceId": "xyz", "spanId": "EEE19B7EC3C1B175", "name": "bad id"},
                        ]
                    }
                ],
            }
        ]
    }
    status, headers, body = post(server, json.dumps(document).encode(), Content_Type="application/json; charset=utf-8")
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "application/json")
    assert json.loads(body)["partialSuccess"]["rejectedSpans"] == "1"
    (span,) = stored(server, made.project, 1)
    assert (span["trace_id"], span["span_id"], span["duration_ns"]) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", 5)


def test_one_bad_span_is_refused_with_its_reason_and_the_others_stay(server, made):
    for number in range(1, 6):
        made.span(number)
    made.spans[1].trace_id = b"short"
    made.spans[3].span_id = bytes(8)
    count, words = rejected(post(server, made.body)[2])
    assert count == 2
    assert "trace id" in words
    assert "span id" in words
    assert len(stored(server, made.project, 3)) == 3


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"end": START - SECOND}, "negative_duration"),
        ({"end": 0}, "not_ended"),
        ({"start": 0}, "no_start"),
        ({"name": ""}, "no_name"),
        ({"price": math.nan}, "not_finite"),
        ({"price": math.inf}, "not_finite"),
    ],
)
def test_odd_spans_are_kept_and_flagged(server, made, changes, mark):
    made.span(1, **changes)
    assert rejected(post(server, made.body)[2])[0] == 0
    (span,) = stored(server, made.project, 1)
    assert mark in span["marks"]
    assert span["duration_ns"] >= 0


def test_a_span_of_no_duration_is_an_ordinary_span(server, made):
    made.span(1, end=START)
    post(server, made.body)
    (span,) = stored(server, made.project, 1)
    assert (span["duration_ns"], span["marks"]) == (0, [])


def test_the_same_span_again_is_one_span_and_the_fuller_copy_stays(server, made):
    made.span(1, end=0)
    post(server, made.body)
    stored(server, made.project, 1)
    made.spans[0].end_time_unix_nano = START + SECOND
    made.spans[0].attributes.add(key="late").value.string_value = "yes"
    post(server, made.body)
    deadline = time.monotonic() + 30
    while stored(server, made.project, 1)[0]["duration_ns"] != SECOND:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    del made.spans[0].attributes[:]
    post(server, made.body)
    time.sleep(1.5)
    (span,) = stored(server, made.project, 1)
    assert span["duration_ns"] == SECOND


def test_children_before_parents_orphans_and_cycles_are_a_trace(server, made):
    made.span(2, parent=1)
    post(server, made.body)
    del made.spans[:]
    made.span(1)
    made.span(3, parent=99)
    made.span(4, parent=5)
    made.span(5, parent=4)
    post(server, made.body)
    stored(server, made.project, 5)
    trace = get(server, f"/projects/{quoted(made.project)}/traces/{(1).to_bytes(16).hex()}")
    assert len(trace["nodes"]) == 5
    marks = {node["span"]["span_id"]: set(node["marks"]) for node in trace["nodes"]}
    assert "orphan" in marks[(3).to_bytes(8).hex()]
    assert any("cycle" in found for found in marks.values())


def test_an_attribute_of_20_megabytes_is_kept_whole(server, made):
    made.span(1, document="x" * (20 << 20))
    assert post(server, gzip.compress(made.body, 1), Content_Encoding="gzip")[0] == 200
    (span,) = stored(server, made.project, 1)
    sent = get(server, f"/projects/{quoted(made.project)}/traces/{span['trace_id']}/otlp")
    (attribute,) = sent["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    assert len(attribute["value"]["stringValue"]) == 20 << 20


@pytest.mark.slow
def test_a_hundred_thousand_spans_in_one_trace(server, made):
    for start in range(0, 100_000, 20_000):
        del made.spans[:]
        for number in range(start + 1, start + 20_001):
            made.span(number, parent=number // 2, start=START + number)
        assert post(server, gzip.compress(made.body, 1), Content_Encoding="gzip")[0] == 200
    deadline = time.monotonic() + 120
    while get(server, "/ingest")["queued_requests"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    rows = get(server, f"/projects/{quoted(made.project)}/traces?limit=1")["items"]
    assert rows[0]["spans"] == 100_000


def test_metrics_are_answered_200_with_every_point_rejected(server, made):
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for _ in range(3):
        metric.gauge.data_points.add(as_int=1)
    status, _, body = post(server, message.SerializeToString(), "/v1/metrics")
    partial = ExportMetricsServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_data_points) == (200, 3)
    assert "not stored" in partial.error_message


def test_the_project_header_wins(server, made):
    made.span(1)
    post(server, made.body, X_Clew_Project=made.project + " by header")
    assert len(stored(server, made.project + " by header", 1)) == 1


def test_the_ledger_balances(server, made):
    made.span(1)
    post(server, made.body)
    stored(server, made.project, 1)
    for account in get(server, "/ingest")["accounts"].values():
        assert account["received"] == account["stored"] + account["duplicates"] + sum(account["refused"].values())
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        text = answer.read().decode()
    assert 'clew_ingest_received_total{signal="spans"}' in text


def log_request(project):
    message = ExportLogsServiceRequest()
    group = message.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = project
    record = group.scope_logs.add().log_records.add(time_unix_nano=START, event_name="gen_ai.evaluation.result")
    record.trace_id, record.span_id = (7).to_bytes(16), (7).to_bytes(8)
    record.attributes.add(key="gen_ai.evaluation.name").value.string_value = "task_success"
    record.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 1.0
    return message


def test_a_log_record_sent_again_is_one_and_its_score_too(server, made):
    made.span(7, trace=7)
    post(server, made.body)
    stored(server, made.project, 1)
    before = get(server, "/ingest")["accounts"]["logs"]
    for _ in range(2):
        status, _, body = post(server, log_request(made.project).SerializeToString(), "/v1/logs")
        assert (status, ExportLogsServiceResponse.FromString(body).partial_success.rejected_log_records) == (200, 0)
    deadline = time.monotonic() + 30
    while (after := get(server, "/ingest")["accounts"]["logs"])["received"] < before["received"] + 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (after["stored"] - before["stored"], after["duplicates"] - before["duplicates"]) == (1, 1)
    trace = get(server, f"/projects/{quoted(made.project)}/traces/{(7).to_bytes(16).hex()}")
    assert [(score["name"], score["value"]) for score in trace["scores"]] == [("task_success", 1.0)]


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(f"127.0.0.1:{server.environ['CLEW_OTLP_GRPC_PORT']}") as opened:
        yield opened


def export(channel, service, response):
    return channel.unary_unary(
        f"/opentelemetry.proto.collector.{service}/Export", request_serializer=lambda data: data, response_deserializer=response.FromString
    )


def test_grpc_takes_traces_logs_and_answers_metrics(server, channel, made):
    made.span(1)
    made.spans.add(trace_id=b"x", span_id=b"y")
    call = export(channel, "trace.v1.TraceService", ExportTraceServiceResponse)
    answer = call(made.body, timeout=60, compression=grpc.Compression.Gzip)
    assert answer.partial_success.rejected_spans == 1
    assert len(stored(server, made.project, 1)) == 1
    logs = export(channel, "logs.v1.LogsService", ExportLogsServiceResponse)
    assert logs(log_request(made.project).SerializeToString(), timeout=60).partial_success.rejected_log_records == 0
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m").sum.data_points.add(as_int=1)
    answered = export(channel, "metrics.v1.MetricsService", ExportMetricsServiceResponse)(metrics.SerializeToString(), timeout=60)
    assert answered.partial_success.rejected_data_points == 1


def test_grpc_says_what_is_wrong_with_a_request_for_good(channel):
    with pytest.raises(grpc.RpcError) as raised:
        export(channel, "trace.v1.TraceService", ExportTraceServiceResponse)(b"\xff\xff", timeout=60)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_grpc_refuses_a_bomb_and_goes_on(server, channel, made):
    made.span(1, document="x" * (40 << 20))
    call = export(channel, "trace.v1.TraceService", ExportTraceServiceResponse)
    with pytest.raises(grpc.RpcError) as raised:
        call(made.body, timeout=60, compression=grpc.Compression.Gzip)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert get(server, "/health") == {"status": "ok"}


def test_scores_sent_to_the_api_are_booked_too(server, made):
    def send(score):
        return post(server, json.dumps(score).encode(), "/api/v1/scores", Content_Type="application/json")[0]

    before = get(server, "/ingest")["accounts"]["scores"]
    target = {"project": made.project, "name": "helpful", "trace_id": (9).to_bytes(16).hex()}
    assert send({**target, "value": 1.0}) == 201
    assert send(target) == 400
    after = get(server, "/ingest")["accounts"]["scores"]
    assert (after["stored"] - before["stored"], after["received"] - before["received"]) == (1, 2)
