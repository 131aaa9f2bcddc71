"""The benchmark's requests are what they claim: fresh, whole, of the stated size, and sent until acknowledged."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from bench.traffic import Template, pool  # noqa: E402

NOW_NS = 1_790_000_000_123_456_789


@pytest.fixture(scope="module")
def templates() -> list[Template]:
    return pool(7, 1500, 300)


def _spans(body: bytes) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                out.setdefault(span.trace_id.hex(), []).append(span.span_id.hex())
    return out


def test_the_patched_gzip_is_the_patched_request(templates: list[Template]) -> None:
    for template in templates:
        nonce = os.urandom(8)
        body = gzip.decompress(template.gzipped(nonce, NOW_NS))  # raises on a wrong checksum or length
        assert body == template.plain(nonce, NOW_NS)
        assert _spans(body) == template.ids_of(nonce)


def test_only_ids_and_times_differ_between_two_stampings_and_no_id_comes_back(templates: list[Template]) -> None:
    a, b = (
        ExportTraceServiceRequest.FromString(templates[0].plain(nonce, NOW_NS + i)) for i, nonce in enumerate((b"12345678", b"abcdefgh"))
    )
    seen = [set[bytes](), set[bytes]()]
    for ids, request in zip(seen, (a, b), strict=True):
        for span in request.resource_spans[0].scope_spans[0].spans:
            ids |= {span.trace_id, span.span_id}
            span.trace_id = span.span_id = span.parent_span_id = b""
            span.start_time_unix_nano = span.end_time_unix_nano = 0
    assert not seen[0] & seen[1]
    assert a == b


def test_parents_come_first_and_times_are_of_the_last_seconds(templates: list[Template]) -> None:
    for template in templates:
        spans = ExportTraceServiceRequest.FromString(template.plain(os.urandom(8), NOW_NS)).resource_spans[0].scope_spans[0].spans
        known = {}
        for span in spans:
            assert NOW_NS - 20 * 10**9 < span.start_time_unix_nano < span.end_time_unix_nano <= NOW_NS
            if span.parent_span_id:
                parent = known[span.trace_id, span.parent_span_id]
                assert parent.start_time_unix_nano <= span.start_time_unix_nano
                assert span.end_time_unix_nano <= parent.end_time_unix_nano
            known[span.trace_id, span.span_id] = span


@pytest.mark.parametrize(("span_bytes", "spans"), [(1500, 300), (12_000, 300), (100_000, 40)])
def test_a_span_has_the_stated_size_and_the_contents_follow_the_seed(span_bytes: int, spans: int) -> None:
    templates = pool(3, span_bytes, spans)
    mean = sum(len(template.raw) for template in templates) / sum(template.spans for template in templates)
    assert mean == pytest.approx(span_bytes, rel=0.05)
    assert templates[1].raw == pool(3, span_bytes, spans)[1].raw
    assert len({template.raw for template in templates}) == len(templates)


class _Moody(BaseHTTPRequestHandler):
    """Answers 503 with Retry-After, drops the connection, or keeps the request, by turns."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]
    kept: list[bytes]
    lock: threading.Lock

    def do_POST(self) -> None:
        body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.bodies.append(body)
            turn = len(self.bodies) % 5
            if turn not in (1, 2):
                self.kept.append(body)
        if turn == 1:
            self.send_response(503)
            self.send_header("Retry-After", "0")
        elif turn == 2:
            self.close_connection = True
            return
        else:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def moody() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (_Moody,), {"bodies": [], "kept": [], "lock": threading.Lock()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def _load(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "bench.load", *arguments], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def test_failures_are_retried_with_the_same_bytes_until_acknowledged_and_the_log_holds_just_those(
    moody: ThreadingHTTPServer, tmp_path: Path
) -> None:
    log = tmp_path / "acknowledged"
    url = f"http://127.0.0.1:{moody.server_port}"
    run = _load("--url", url, "--clients", "3", "--requests", "12", "--batch", "20", "--log", str(log), "--seconds", "30")
    result = json.loads(run.communicate(timeout=60)[0])
    handler = moody.RequestHandlerClass
    assert result["requests_acked"] == 12
    assert result["spans_acked"] == 240
    assert result["unacknowledged_requests"] == result["refused_requests"] == 0
    assert result["retries"] == sum(result["errors"].values()) > 0
    assert result["errors"]["503"] > 0
    logged = [json.loads(line) for line in log.read_text().splitlines()]
    assert sorted(map(str, logged)) == sorted(str(_spans(body)) for body in handler.kept)
    assert len(set(handler.bodies)) == 12  # everything beyond twelve was a repetition


def test_a_stopped_run_still_tells_what_was_acknowledged(moody: ThreadingHTTPServer) -> None:
    run = _load("--url", f"http://127.0.0.1:{moody.server_port}", "--rate", "500", "--batch", "20", "--seconds", "60")
    while len(moody.RequestHandlerClass.kept) < 3:
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    result = json.loads(run.communicate(timeout=30)[0])
    assert result["requests_acked"] >= 3
    assert result["ack_ms"]["p50"] is not None


def test_an_absent_server_gives_a_result_not_a_traceback() -> None:
    run = _load("--url", "http://127.0.0.1:9", "--seconds", "0.5", "--grace", "0", "--batch", "5", "--clients", "1")
    result = json.loads(run.communicate(timeout=30)[0])
    assert run.returncode == 0
    assert result["requests_acked"] == 0
    assert result["spans_per_s"] is None
    assert result["unacknowledged_requests"] == 1


def test_grpc_waits_as_retry_info_says_and_sends_again() -> None:
    bodies: list[bytes] = []

    def export(body: bytes, context: grpc.ServicerContext) -> bytes:
        bodies.append(body)
        if len(bodies) == 1:
            detail = AnyMessage()
            detail.Pack(RetryInfo(retry_delay=Duration(nanos=300_000_000)))
            context.set_trailing_metadata((("grpc-status-details-bin", Status(code=8, details=[detail]).SerializeToString()),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(2))
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    handlers = {"Export": grpc.unary_unary_rpc_method_handler(export, request_deserializer=bytes, response_serializer=bytes)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    run = _load("--protocol", "grpc", "--url", f"127.0.0.1:{port}", "--clients", "1", "--requests", "2", "--batch", "10")
    result = json.loads(run.communicate(timeout=60)[0])
    server.stop(None)
    assert (result["requests_acked"], result["retries"], result["errors"]) == (2, 1, {"RESOURCE_EXHAUSTED": 1})
    assert result["ack_ms"]["max"] >= 300
    assert bodies[0] == bodies[1] != bodies[2]
