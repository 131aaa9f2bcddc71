"""Requests are sent until they are acknowledged; what was not taken is told; a reason to stop stops."""

from __future__ import annotations

import http.server
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from clew.cli import sending
from clew.cli.connection import Refused, Running, Unreachable
from clew.cli.otlp_files import JSON, PROTOBUF, Piece

Reply = tuple[int, dict[str, str], bytes]
OK: Reply = (200, {}, b"")


@dataclass
class Collector:
    """An OTLP endpoint that answers as it was told, in order, and then with 200."""

    url: str = ""
    replies: deque[Reply] = field(default_factory=deque)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A local server that stands where any OTLP endpoint may stand."""
    it = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            it.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, headers, answer = it.replies.popleft() if it.replies else OK
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    it.url = f"http://127.0.0.1:{server.server_port}"
    yield it
    server.shutdown()
    server.server_close()


def piece(content_type: str = PROTOBUF, number: int = 1) -> Piece:
    return Piece("/v1/traces", content_type, b"{}" if content_type == JSON else b"", f"file, line {number}", number)


def ignore(_piece: Piece) -> None:
    """No progress bar."""


def partial(content_type: str, rejected: int, message: str) -> Reply:
    if content_type == JSON:
        return 200, {}, json.dumps({"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}}).encode()
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans, response.partial_success.error_message = rejected, message
    return 200, {}, response.SerializeToString()


def test_every_piece_arrives_once_with_its_type_and_project(collector: Collector) -> None:
    pieces = [piece(JSON if number % 2 else PROTOBUF, number) for number in range(50)]
    progress: list[int] = []
    done = sending.send_all(Running(collector.url), pieces, "shop", lambda item: progress.append(item.read))
    assert (done.requests, done.rejected, done.refused) == (50, 0, [])
    assert progress == list(range(50))
    assert sorted(headers["content-type"] for _, headers, _ in collector.seen) == sorted(item.content_type for item in pieces)
    assert {headers["x-clew-project"] for _, headers, _ in collector.seen} == {"shop"}


@pytest.mark.parametrize("status", [429, 503])
def test_a_full_queue_is_waited_for(collector: Collector, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(sending.time, "sleep", slept.append)
    collector.replies.extend([(status, {"Retry-After": "7"}, b""), (status, {}, b""), OK])
    done = sending.send_all(Running(collector.url), [piece()], None, ignore)
    assert (done.requests, slept, len(collector.seen)) == (1, [7.0, 1.0], 3)


def test_patience_ends(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending.time, "sleep", lambda seconds: None)
    collector.replies.extend([(503, {}, b"")] * sending.PATIENCE)
    with pytest.raises(Refused, match="answered 503"):
        sending.send_all(Running(collector.url), [piece()], None, ignore)


@pytest.mark.parametrize("content_type", [JSON, PROTOBUF])
def test_rejected_records_are_counted_with_their_reasons(collector: Collector, content_type: str) -> None:
    told = [(2, "no trace id"), (1, "no trace id"), (0, "mended")]
    collector.replies.extend(partial(content_type, rejected, message) for rejected, message in told)
    done = sending.send_all(Running(collector.url), [piece(content_type)] * 3, None, ignore)
    assert (done.requests, done.rejected, dict(done.reasons)) == (3, 3, {"no trace id": 2, "mended": 1})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(JSON, b'{"code": 400, "message": "not OTLP"}'), (PROTOBUF, b"\x12\x08not OTLP")],
)
def test_a_request_that_is_refused_for_good_is_told_and_the_others_go_on(collector: Collector, content_type: str, body: bytes) -> None:
    collector.replies.extend([(400, {}, body), OK])
    done = sending.send_all(Running(collector.url), [piece(content_type, 7), piece(content_type, 7)], None, ignore)
    assert (done.requests, done.refused) == (2, ["file, line 7: not OTLP"])


def test_an_answer_of_something_in_between_is_told_by_its_status(collector: Collector) -> None:
    collector.replies.append((403, {}, b"<html>go away</html>"))
    with pytest.raises(Refused, match="the server answered 403"):
        sending.send_all(Running(collector.url), [piece()], None, ignore)


def test_a_full_disk_stops_the_sending(collector: Collector) -> None:
    collector.replies.append((507, {}, b'{"error": {"code": "disk_full", "message": "the disk is full"}}'))
    with pytest.raises(Refused, match="the disk is full"):
        sending.send_all(Running(collector.url), [piece(JSON)], None, ignore)


def test_a_server_that_is_not_there_is_told_with_its_address() -> None:
    with pytest.raises(Unreachable, match=r"no server answers at http://127\.0\.0\.1:9"):
        sending.send_all(Running("http://127.0.0.1:9"), [piece()], None, ignore)


def test_an_answer_can_be_taken_piece_by_piece(collector: Collector) -> None:
    body = bytes(range(256)) * 2000
    collector.replies.extend([(200, {}, body), (404, {}, b'{"error": {"message": "not here"}}')])
    taken: list[bytes] = []
    sink: Callable[[bytes], None] = taken.append
    assert Running(collector.url).request("POST", "/x", sink=sink).body == b""
    assert b"".join(taken) == body
    with pytest.raises(Refused, match="not here"):
        Running(collector.url).request("POST", "/x", sink=sink).json()
    assert b"".join(taken) == body
