"""A local OTLP/HTTP receiver that keeps what it was sent, for tests of senders: protobuf and JSON, gzip, and any answer a test wants."""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Taken:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the receiver answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after_s: float = 0.0


class Receiver:
    """A server on a free port of this machine; ``answer`` decides the reply for each request."""

    def __init__(self, answer: Callable[[Taken], Reply] | None = None) -> None:
        self.taken: list[Taken] = []
        self.answer = answer or (lambda taken: Reply())
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def requests(self) -> list[ExportTraceServiceRequest]:
        """The trace requests that were answered with success."""
        return [_trace_request(taken) for taken in self.taken if taken.path == "/v1/traces"]

    def spans(self) -> list[Span]:
        """Every span of every trace request, in the order in which they came."""
        return [
            span for request in self.requests() for group in request.resource_spans for scope in group.scope_spans for span in scope.spans
        ]

    def scores(self) -> list[dict[str, Any]]:
        """Every score that was posted."""
        return [json.loads(taken.body) for taken in self.taken if taken.path == "/api/v1/scores"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that ended before it was answered is what some tests are about."""


def attributes(span: Any) -> dict[str, Any]:
    """A span's (or resource's) attributes as Python values."""
    return {pair.key: _value(pair.value) for pair in span.attributes}


def _value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_value(item) for item in value.array_value.values]
    if which == "kvlist_value":
        return {pair.key: _value(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, which) if which else None


def _trace_request(taken: Taken) -> ExportTraceServiceRequest:
    if taken.headers.get("content-type", "").startswith("application/json"):
        return ParseDict(_ids_to_base64(json.loads(taken.body)), ExportTraceServiceRequest(), ignore_unknown_fields=True)
    return ExportTraceServiceRequest.FromString(taken.body)


def _ids_to_base64(node: Any) -> Any:
    """OTLP/JSON writes ids as hex, protobuf's JSON reader wants base64."""
    if isinstance(node, list):
        return [_ids_to_base64(item) for item in node]
    if not isinstance(node, dict):
        return node
    ids = ("traceId", "spanId", "parentSpanId")
    return {key: _base64(item) if key in ids and isinstance(item, str) else _ids_to_base64(item) for key, item in node.items()}


def _base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            taken = Taken(self.path, {key.lower(): value for key, value in self.headers.items()}, body)
            reply = receiver.answer(taken)
            time.sleep(reply.after_s)
            if reply.status < 300:
                receiver.taken.append(taken)
            self.send_response(reply.status)
            for key, value in reply.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it so)
            return

    return Handler
