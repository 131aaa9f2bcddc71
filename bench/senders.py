"""One connection that sends a request and says how it went, over HTTP or gRPC, without retrying: retrying is the caller's decision."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import grpc
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

_RETRYABLE_HTTP = {429, 502, 503, 504}
_RETRYABLE_GRPC = {"CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Answer:
    """``status`` is "ok" or what went wrong; ``retry_after_s`` what the server asked for; ``rejected``: spans it refused in an ok."""

    status: str
    retryable: bool = False
    retry_after_s: float | None = None
    rejected: int = 0

    @property
    def ok(self) -> bool:
        return self.status == "ok"


class Sender(Protocol):
    """A connection."""

    def send(self, body: bytes) -> Answer: ...

    def close(self) -> None: ...


def _rejected(body: bytes) -> int:
    return ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans if body else 0


class HttpSender:
    """OTLP/HTTP with gzip-compressed protobuf over one kept connection."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self.timeout_s = timeout_s
        parts = urlsplit(url)
        self.secure, self.host = parts.scheme == "https", parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if self.secure else 80)
        self.path = parts.path if parts.path not in ("", "/") else "/v1/traces"
        self.headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", **headers}
        self.connection: http.client.HTTPConnection | None = None

    def _connected(self) -> http.client.HTTPConnection:
        if self.connection is None:
            if self.secure:
                context = ssl.create_default_context()
                self.connection = http.client.HTTPSConnection(self.host, self.port, timeout=self.timeout_s, context=context)
            else:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        return self.connection

    def send(self, body: bytes) -> Answer:
        connection = self._connected()
        try:
            connection.request("POST", self.path, body, self.headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(type(error).__name__, retryable=True)
        if response.status == 200:
            kind = response.headers.get("Content-Type", "")
            return Answer("ok", rejected=_rejected(answer) if "protobuf" in kind else 0)
        after = response.headers.get("Retry-After", "")
        wait = float(after) if after.isdigit() else None
        return Answer(str(response.status), response.status in _RETRYABLE_HTTP, wait)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class GrpcSender:
    """OTLP/gRPC with bytes that are already protobuf."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self.timeout_s = timeout_s
        target = urlsplit(url).netloc or url
        self.metadata = tuple((key.lower(), value) for key, value in headers.items())
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 1000), ("grpc.max_send_message_length", -1)]
        self.channel = grpc.insecure_channel(target, options=options)
        self.export = self.channel.unary_unary(_EXPORT, request_serializer=bytes, response_deserializer=bytes)

    def send(self, body: bytes) -> Answer:
        try:
            return Answer("ok", rejected=_rejected(self.export(body, timeout=self.timeout_s, metadata=self.metadata)))
        except grpc.RpcError as error:
            name, wait = error.code().name, _retry_info(error)
            # RESOURCE_EXHAUSTED is for good unless the server says when to come back (OTLP specification, "Failures").
            retryable = name in _RETRYABLE_GRPC and (name != "RESOURCE_EXHAUSTED" or wait is not None)
            return Answer(name, retryable, wait)

    def close(self) -> None:
        self.channel.close()


def _retry_info(error: grpc.RpcError) -> float | None:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    return float(info.retry_delay.ToNanoseconds()) / 1e9
    return None
