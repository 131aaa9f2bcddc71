"""A real server for the tests of one file, and what they send to it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

import clew_process
from clew.core.clock import now_ns
from clew.traces.otlp import key_values

PROTOBUF = {"Content-Type": "application/x-protobuf"}
MINUTE_NS = 60_000_000_000


class Clew(httpx.Client):
    """A client of one server; paths under ``/api/v1`` are written without it."""

    def __init__(self, server: clew_process.Server) -> None:
        super().__init__(base_url=server.url, timeout=60)
        self.server = server

    def api(self, path: str, status: int = 200, **params: Any) -> Any:
        """The JSON that a GET answers, after its status was checked."""
        answer = self.get(f"/api/v1{path}", params={key: value for key, value in params.items() if value is not None})
        assert answer.status_code == status, answer.text[:500]
        return answer.json()

    def of(self, project: str, path: str, status: int = 200, **params: Any) -> Any:
        """As ``api``, inside a project."""
        return self.api(f"/projects/{quote(project, safe='')}{path}", status, **params)

    def of_segment(self, segment: str, path: str, status: int = 200, **params: Any) -> Any:
        """As ``of``, with the project's segment as the API gave it."""
        return self.api(f"/projects/{segment}{path}", status, **params)

    def send_json(self, body: bytes, project: str) -> None:
        """Sends spans as OTLP/JSON; all of them have to be taken."""
        answer = self.post("/v1/traces", content=body, headers={"Content-Type": "application/json", "x-clew-project": project})
        assert (answer.status_code, answer.json()) == (200, {})
        self.settle()

    def post_api(self, path: str, body: Any, status: int) -> Any:
        """The JSON that a POST answers, after its status was checked."""
        answer = self.post(f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text[:500]
        return answer.json() if answer.content else None

    def settle(self) -> None:
        """Waits until everything that was acknowledged can be read: what is synced in the journal is stored a moment later."""
        until = time.monotonic() + 60
        while self.api("/ingest")["queued_requests"]:
            assert time.monotonic() < until, "what was acknowledged is not stored after a minute"
            time.sleep(0.02)

    def export(self, request: ExportTraceServiceRequest, project: str = "") -> ExportTraceServiceResponse:
        """Sends spans as an exporter does."""
        headers = PROTOBUF | ({"x-clew-project": project} if project else {})
        answer = self.post("/v1/traces", content=request.SerializeToString(), headers=headers)
        assert answer.status_code == 200, answer.text
        self.settle()
        return ExportTraceServiceResponse.FromString(answer.content)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Clew]:
    """A server with a data directory of its own, ended as Ctrl-C ends it."""
    server = clew_process.start(folder, "0", options, None, {})
    try:
        clew_process.wait_for(server, "the demo is loaded" if "--demo" in options else "Clew is ready")
        with Clew(server) as client:
            yield client
        assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def a_span(name: str = "step", *, trace: bytes = b"", start_ns: int = 0, **attributes: Any) -> ExportTraceServiceRequest:
    """A request with one span, without a parent; ``__`` in an attribute's name stands for a dot."""
    request = ExportTraceServiceRequest()
    start = start_ns or now_ns() - MINUTE_NS
    request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=trace or os.urandom(16),
        span_id=os.urandom(8),
        name=name,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 1_000_000,
        attributes=key_values({key.replace("__", "."): value for key, value in attributes.items()}),
    )
    return request


def span_of(request: ExportTraceServiceRequest) -> Any:
    """The first span of a request."""
    return request.resource_spans[0].scope_spans[0].spans[0]


def ids(request: ExportTraceServiceRequest) -> tuple[str, str]:
    """Trace and span id of the first span, in hex."""
    span = span_of(request)
    return span.trace_id.hex(), span.span_id.hex()
