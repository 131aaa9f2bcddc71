"""The OpenTelemetry side of the client: provider, processor that hands ended spans to the sender, recorder behind ``clew.span``.

The only module of the client that imports OpenTelemetry; ``clew.init`` loads it, so that ``import clew`` stays light.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, cast
from weakref import WeakKeyDictionary

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.trace import ProxyTracerProvider, Span, Status, StatusCode

from clew.client.lane import Sent
from clew.client.post import Poster
from clew.client.sender import Sender
from clew.client.settings import Settings
from clew.client.state import SESSION, USER

PROJECT_ATTRIBUTE = "clew.project.name"
_PROTOBUF = "application/x-protobuf"
_SPAN_BASE_BYTES = 400  # ids, times and names of a span without attributes, as held in memory
_VALUE_BYTES = 64
_MAX_ATTRIBUTES = 4_096  # a long chat in OpenInference's flat attributes passes OpenTelemetry's 128, which would cut it without a word

logger = logging.getLogger("clew")


class ClewProcessor(SpanProcessor):
    """Puts session and user on every span that starts, whoever starts it, and hands ended spans to the sender."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender

    def on_start(self, span: SdkSpan, parent_context: otel_context.Context | None = None) -> None:
        for variable, key in ((SESSION, "session.id"), (USER, "user.id")):
            value = variable.get()
            if value is not None and key not in (span.attributes or {}):
                span.set_attribute(key, value)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self.sender.offer_span(span, span_bytes(span))

    def shutdown(self) -> None:
        self.sender.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self.sender.flush(timeout_millis / 1000)


class OtelRecorder:
    """Opens spans on one tracer. ``clock`` gives start and end times in ns; None leaves them to OpenTelemetry."""

    def __init__(self, provider: otel_trace.TracerProvider, clock: Callable[[], int] | None = None) -> None:
        self._tracer = provider.get_tracer("clew", version("clew"))
        self._clock = clock

    def open(self, name: str, attributes: Mapping[str, Any]) -> Span:
        return self._tracer.start_span(name, attributes=attributes, start_time=self._clock() if self._clock else None)

    def close(self, span: Span) -> None:
        span.end(self._clock() if self._clock else None)

    def enter(self, span: Span) -> Any:
        return otel_context.attach(otel_trace.set_span_in_context(span))

    def leave(self, token: Any) -> None:
        otel_context.detach(token)

    def fail(self, span: Span, error: BaseException | str) -> None:
        if isinstance(error, str):
            span.set_status(Status(StatusCode.ERROR, error))
            return
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))

    def ids(self, span: Span) -> tuple[str, str] | None:
        context = span.get_span_context()
        return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None

    def current_ids(self) -> tuple[str, str] | None:
        return self.ids(otel_trace.get_current_span())


_processors: WeakKeyDictionary[otel_trace.TracerProvider, ClewProcessor] = WeakKeyDictionary()


def attach_to_provider(settings: Settings, sender: Sender) -> otel_trace.TracerProvider:
    """The provider of the application with our processor on it; made, and set for the whole process, where the application has none.

    OpenTelemetry can add a processor but not take it away, so a second ``init`` gives the first one's processor another sender.
    """
    provider = otel_trace.get_tracer_provider()
    if isinstance(provider, ProxyTracerProvider):
        provider = TracerProvider(resource=resource_of(settings), span_limits=_span_limits())
        otel_trace.set_tracer_provider(provider)
    elif not hasattr(provider, "add_span_processor"):
        logger.warning("clew: the tracer provider %s takes no processors; only clew's own spans are sent", type(provider).__name__)
        provider = TracerProvider(resource=resource_of(settings), span_limits=_span_limits())
    processor = _processors.get(provider)
    if processor is None:
        processor = _processors[provider] = ClewProcessor(sender)
        cast(TracerProvider, provider).add_span_processor(processor)
    processor.sender = sender
    return provider


def resource_of(settings: Settings) -> Resource:
    """The resource of a provider that we make: the project, the service, and what OTEL_RESOURCE_ATTRIBUTES says."""
    told = {PROJECT_ATTRIBUTE: settings.project}
    if settings.environment:
        told["deployment.environment.name"] = settings.environment
    if settings.service:
        told["service.name"] = settings.service
    resource = Resource.create(told)
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": settings.project}))
    return resource


def _span_limits() -> SpanLimits:
    told = any(os.environ.get(name) for name in ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"))
    return SpanLimits() if told else SpanLimits(max_span_attributes=_MAX_ATTRIBUTES)


def span_bytes(span: ReadableSpan) -> int:
    """About what the span holds in memory while it waits: its text, and a flat rate for the rest."""
    total = _SPAN_BASE_BYTES + _attribute_bytes(span.attributes)
    for event in span.events:
        total += _SPAN_BASE_BYTES + _attribute_bytes(event.attributes)
    return total


def _attribute_bytes(attributes: Mapping[str, Any] | None) -> int:
    if not attributes:
        return 0
    # OpenTelemetry's mapping takes a lock for every value that is read through it; its copy is a plain dict, at a quarter of the cost.
    copy = getattr(attributes, "copy", None)
    plain: Mapping[str, Any] = copy() if copy is not None else attributes
    total = len(plain) * _VALUE_BYTES
    for value in plain.values():
        if isinstance(value, str | bytes):
            total += len(value)
        elif isinstance(value, tuple | list):
            total += sum(len(item) if isinstance(item, str | bytes) else _VALUE_BYTES for item in value)
    return total


def span_sender(poster: Poster, project: str) -> Callable[[list[ReadableSpan]], Sent]:
    """How a batch of spans is sent: as one OTLP request; in halves when the server says that it is too large."""

    def send(batch: list[ReadableSpan]) -> Sent:
        request, bad = _encode(batch, project)
        answer = poster.post(request.SerializeToString(), _PROTOBUF)
        if answer.verdict == "later":
            return Sent(again=len(batch), problem=answer.problem, retry_after_s=answer.retry_after_s)
        if answer.verdict == "too_large" and len(batch) > 1:
            return _both_halves(send, batch)
        good = len(batch) - bad
        refused = min(_rejected(answer.body), good) if answer.verdict == "taken" else good
        dropped = {reason: count for reason, count in (("not encodable", bad), (_reason(answer.verdict), refused)) if count}
        return Sent(taken=good - refused, dropped=dropped, problem=answer.problem or (f"{refused} spans refused" if refused else ""))

    return send


def _both_halves(send: Callable[[list[ReadableSpan]], Sent], batch: list[ReadableSpan]) -> Sent:
    middle = len(batch) // 2
    first = send(batch[:middle])
    if first.again:
        return Sent(first.taken, first.dropped, first.again + len(batch) - middle, first.problem, first.retry_after_s)
    second = send(batch[middle:])
    dropped = {reason: first.dropped.get(reason, 0) + second.dropped.get(reason, 0) for reason in first.dropped | second.dropped}
    return Sent(first.taken + second.taken, dropped, second.again, second.problem or first.problem, second.retry_after_s)


def _reason(verdict: str) -> str:
    return "too large" if verdict == "too_large" else "refused by the server"


def _encode(batch: Sequence[ReadableSpan], project: str) -> tuple[ExportTraceServiceRequest, int]:
    """The request, with the project on every resource, and how many spans could not be encoded; one such span does not drop the others."""
    try:
        request, bad = encode_spans(batch), 0
    except Exception:
        good = [span for span in batch if _is_encodable(span)]
        request, bad = encode_spans(good), len(batch) - len(good)
    for spans in request.resource_spans:
        if all(attribute.key != PROJECT_ATTRIBUTE for attribute in spans.resource.attributes):
            spans.resource.attributes.add(key=PROJECT_ATTRIBUTE).value.string_value = project
    return request, bad


def _is_encodable(span: ReadableSpan) -> bool:
    try:
        encode_spans([span])
    except Exception:
        return False
    return True


def _rejected(body: bytes) -> int:
    try:
        return int(ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)
    except Exception:  # a proxy's page in the place of the answer: the batch was taken all the same
        return 0


def suppress_instrumentation() -> None:
    """In the sender's own thread: its requests must not become spans, which would have to be sent in turn."""
    for name in ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY"):
        key = getattr(otel_context, name, None)
        if key is not None:
            otel_context.attach(otel_context.set_value(key, True))
