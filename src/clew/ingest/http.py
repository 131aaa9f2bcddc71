"""OTLP over HTTP: ``/v1/traces``, ``/v1/logs`` and ``/v1/metrics``, protobuf and JSON, answered as the OTLP specification asks.

A 200 means stored and synced. 400 is final, 413 too large, 415 a content type that is not OTLP's, 429 and 503 mean "send it again".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from clew.core.clock import now_ns
from clew.core.errors import ClewError, InputError, Overloaded, StoreError, TooLarge
from clew.core.jsontext import loads_or_none
from clew.ingest.check import PROJECT_HEADER
from clew.ingest.inflate import inflate
from clew.ingest.journal import Entry
from clew.ingest.receive import Received, Receiver
from clew.traces.wire import varint

CHECKERS = 2  # threads that inflate and check: more gain nothing beside the engine, and each keeps an allocator's arena of some 15 MB
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
NO_METRICS = "Clew keeps traces and logs; metrics are not stored. Point the metrics exporter elsewhere or switch it off."


@dataclass(frozen=True)
class Signal:
    """One OTLP signal's words: its name here, its response message and the field that counts rejected records."""

    name: str
    response: Callable[..., Message]
    rejected: str


TRACES = Signal("spans", ExportTraceServiceResponse, "rejected_spans")
LOGS = Signal("logs", ExportLogsServiceResponse, "rejected_log_records")
METRICS = Signal("metrics", ExportMetricsServiceResponse, "rejected_data_points")


def routes(receiver: Receiver) -> list[Route]:
    """The three routes of OTLP/HTTP."""
    pool = ThreadPoolExecutor(CHECKERS, thread_name_prefix="clew-check")
    return [
        Route("/v1/traces", _endpoint(receiver, TRACES, pool), methods=["POST"]),
        Route("/v1/logs", _endpoint(receiver, LOGS, pool), methods=["POST"]),
        Route("/v1/metrics", _metrics(receiver), methods=["POST"]),
    ]


def _endpoint(receiver: Receiver, signal: Signal, pool: Executor) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        kind = content_kind(request)
        try:
            body = await _body(request, receiver.max_body_bytes)
            received = await asyncio.get_running_loop().run_in_executor(pool, _receive, receiver, signal, body, request, kind)
            await asyncio.wrap_future(received.done)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            return refusal(error, kind, receiver)
        return _accepted(signal, received, kind)

    return endpoint


def _receive(receiver: Receiver, signal: Signal, body: bytes, request: Request, kind: str) -> Received:
    if kind not in (PROTOBUF, JSON):
        raise UnsupportedContent(f"Content-Type {kind!r} is not OTLP; send {PROTOBUF} or {JSON}")
    headers = request.headers
    return receiver.receive(
        Entry(signal.name, kind == JSON, now_ns(), headers.get(PROJECT_HEADER, ""), headers.get("content-encoding", ""), body)
    )


class UnsupportedContent(InputError):
    """A content type that OTLP does not have."""


def content_kind(request: Request) -> str:
    """The content type without its parameters, in lower case. OTLP's own default, protobuf, where none is given."""
    return request.headers.get("content-type", PROTOBUF).split(";")[0].strip().lower()


async def _body(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the request is more than {limit:,} bytes (CLEW_MAX_BODY_BYTES): send smaller batches")
        chunks.append(chunk)
    return b"".join(chunks)


def _accepted(signal: Signal, received: Received, kind: str) -> Response:
    message = signal.response()
    if received.explanation:  # OTLP: zero rejected with a message is a warning
        setattr(message.partial_success, signal.rejected, received.rejected)  # type: ignore[attr-defined]
        message.partial_success.error_message = received.explanation  # type: ignore[attr-defined]
    if kind == JSON:
        partial = {to_camel(signal.rejected): str(received.rejected), "errorMessage": received.explanation}
        return Response(json.dumps({"partialSuccess": partial} if received.explanation else {}), media_type=JSON)
    return Response(message.SerializeToString(), media_type=PROTOBUF)


def to_camel(name: str) -> str:
    """``rejected_spans`` as OTLP/JSON writes it."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (UnsupportedContent, 415, "malformed"),
    (TooLarge, 413, "too_large"),
    (InputError, 400, "malformed"),
    (Overloaded, 503, "overloaded"),
    (StoreError, 503, "failed"),
)


def refusal(error: Exception, kind: str, receiver: Receiver) -> Response:
    """The response for an error: a google.rpc.Status in the request's own encoding, with Retry-After where trying again can help."""
    status, outcome = next(((status, outcome) for known, status, outcome in STATUS if isinstance(error, known)), (500, "failed"))
    receiver.ledger.request(outcome)
    text = str(error) if isinstance(error, ClewError) else "the server failed; nothing of this request was acknowledged"
    headers = {"Retry-After": str(getattr(error, "retry_after_s", 1))} if status == 503 else {}
    if kind == JSON:
        return Response(json.dumps({"code": status, "message": text}), status, headers, JSON)
    return Response(_status_message(text), status, headers, PROTOBUF)


def _status_message(text: str) -> bytes:
    # google.rpc.Status has its text in field 2; built by hand to spare a dependency for one field.
    data = text[:4000].encode()
    return b"\x12" + varint(len(data)) + data


def _metrics(receiver: Receiver) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        kind = content_kind(request)
        try:
            body = inflate(
                await _body(request, receiver.max_body_bytes), request.headers.get("content-encoding", ""), receiver.max_body_bytes
            )
            points = count_points(body, kind == JSON)
        except Exception as error:
            return refusal(error, kind, receiver)
        return _accepted(METRICS, Received(_done(), points, NO_METRICS), kind)

    return endpoint


def _done() -> Future[None]:
    done: Future[None] = Future()
    done.set_result(None)
    return done


def count_points(body: bytes, is_json: bool) -> int:
    """How many data points a metrics request holds. Raises InputError when it is not one."""
    if is_json:
        return _json_points(loads_or_none(body.decode("utf-8", "replace")))
    try:
        message = ExportMetricsServiceRequest.FromString(body)
    except DecodeError as error:
        raise InputError("the body is not an OTLP metrics request") from error
    count = 0
    for metric in (metric for group in message.resource_metrics for scope in group.scope_metrics for metric in scope.metrics):
        form = metric.WhichOneof("data")
        count += len(getattr(metric, form).data_points) if form else 0
    return count


def _json_points(value: Any) -> int:
    if isinstance(value, dict):
        own = value.get("dataPoints")
        return (len(own) if isinstance(own, list) else 0) + sum(_json_points(item) for key, item in value.items() if key != "dataPoints")
    return sum(_json_points(item) for item in value) if isinstance(value, list) else 0
