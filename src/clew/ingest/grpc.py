"""OTLP over gRPC: TraceService, LogsService and MetricsService, answered like the HTTP way in.

OK means stored and synced. A full queue is UNAVAILABLE with RetryInfo, which OTLP clients retry; INVALID_ARGUMENT is final.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from clew.core.clock import now_ns
from clew.core.errors import ClewError, ConfigError, InputError, Overloaded, TooLarge
from clew.ingest.check import PROJECT_HEADER
from clew.ingest.http import NO_METRICS, count_points
from clew.ingest.journal import Entry
from clew.ingest.receive import Receiver

WORKERS = 16  # each waits for its commit; more senders than this queue inside gRPC, within its own flow control
PACKAGE = "opentelemetry.proto.collector"


def serve_grpc(receiver: Receiver, host: str, port: int) -> grpc.Server:
    """Starts the server on ``host:port``. Raises ConfigError when the port is taken."""
    server = grpc.server(
        ThreadPoolExecutor(WORKERS, thread_name_prefix="clew-grpc"),
        options=[("grpc.max_receive_message_length", receiver.max_body_bytes), ("grpc.so_reuseport", 0)],
    )
    server.add_generic_rpc_handlers((_handlers(receiver),))
    try:
        bound = server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except RuntimeError:
        bound = 0
    if not bound:
        raise ConfigError(f"port {port} for OTLP/gRPC is taken; stop what listens there, or set CLEW_OTLP_GRPC_PORT (0 = off)")
    server.start()
    return server


def _handlers(receiver: Receiver) -> grpc.GenericRpcHandler:
    def method(handler: Callable[[bytes, grpc.ServicerContext], Any], response: Any) -> grpc.RpcMethodHandler:
        # No request deserializer: the journal keeps the request's own bytes, and the check parses them.
        return grpc.unary_unary_rpc_method_handler(handler, None, response.SerializeToString)

    methods = {
        f"/{PACKAGE}.trace.v1.TraceService/Export": method(
            _export(receiver, "spans", ExportTraceServiceResponse, "rejected_spans"), ExportTraceServiceResponse
        ),
        f"/{PACKAGE}.logs.v1.LogsService/Export": method(
            _export(receiver, "logs", ExportLogsServiceResponse, "rejected_log_records"), ExportLogsServiceResponse
        ),
        f"/{PACKAGE}.metrics.v1.MetricsService/Export": method(_refuse_metrics, ExportMetricsServiceResponse),
    }
    return _Router(methods)


class _Router(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio ships no types for this base
    def __init__(self, methods: dict[str, grpc.RpcMethodHandler]) -> None:
        self._methods = methods

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return self._methods.get(call.method)


def _export(receiver: Receiver, signal: str, response: Any, rejected: str) -> Callable[[bytes, grpc.ServicerContext], Any]:
    def export(request: bytes, context: grpc.ServicerContext) -> Any:
        metadata = {item.key: item.value for item in context.invocation_metadata()}
        try:
            project = str(metadata.get(PROJECT_HEADER, ""))
            received = receiver.receive(Entry(signal, False, now_ns(), project, "", request))
            received.done.result()
        except Exception as error:
            _abort(context, error, receiver)
        message = response()
        if received.explanation:
            setattr(message.partial_success, rejected, received.rejected)
            message.partial_success.error_message = received.explanation
        return message

    return export


def _abort(context: grpc.ServicerContext, error: Exception, receiver: Receiver) -> None:
    text = str(error) if isinstance(error, ClewError) else "the server failed; nothing of this request was acknowledged"
    if isinstance(error, InputError):
        receiver.ledger.request("too_large" if isinstance(error, TooLarge) else "malformed")
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
    receiver.ledger.request("overloaded" if isinstance(error, Overloaded) else "failed")
    retry_s = getattr(error, "retry_after_s", 1)
    context.set_trailing_metadata((("grpc-status-details-bin", _retry_info(text, retry_s)),))
    context.abort(grpc.StatusCode.UNAVAILABLE, text)


def _retry_info(text: str, seconds: int) -> bytes:
    # google.rpc.Status{code: 14, message, details: [RetryInfo{retry_delay}]}, written by field number to spare a dependency.
    delay = Duration(seconds=seconds).SerializeToString()
    info = AnyMessage(type_url="type.googleapis.com/google.rpc.RetryInfo", value=b"\x0a" + bytes([len(delay)]) + delay).SerializeToString()
    words = text.encode()[:120].decode(errors="ignore").encode()  # cut between characters: one length byte holds up to 127
    return b"\x08\x0e\x12" + bytes([len(words)]) + words + b"\x1a" + bytes([len(info)]) + info


def _refuse_metrics(request: bytes, _context: grpc.ServicerContext) -> Any:
    message = ExportMetricsServiceResponse()
    message.partial_success.rejected_data_points = count_points(request, False)
    message.partial_success.error_message = NO_METRICS
    return message
