"""Builds one trace as OTLP spans, children within their parents, in the order in which they end."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from clew.core.jsontext import dumps

Value = str | bool | int | float | Sequence[str]
INTERNAL, SERVER, CLIENT = Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT


@dataclass(frozen=True)
class Trace:
    """A finished trace of one project. ``service_version`` is that of the program that made it."""

    project: str
    service_version: str
    end_ns: int
    spans: tuple[Span, ...]


@dataclass
class TraceBuilder:
    """Spans of one trace under construction; ``common`` attributes are put on every one of them."""

    rng: random.Random
    common: Mapping[str, Value] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trace_id = self.rng.randbytes(16)

    def open(
        self,
        name: str,
        start_ns: int,
        attributes: Mapping[str, Value],
        parent: Span | None = None,
        kind: Span.SpanKind.ValueType = INTERNAL,
    ) -> Span:
        """A span that has started."""
        span = Span(trace_id=self.trace_id, span_id=self.rng.randbytes(8), name=name, kind=kind, start_time_unix_nano=start_ns, flags=0x101)
        if parent is not None:
            span.parent_span_id = parent.span_id
        put(span, self.common)
        put(span, attributes)
        return span

    def close(self, span: Span, end_ns: int, attributes: Mapping[str, Value] | None = None) -> int:
        """The span has ended; returns when."""
        span.end_time_unix_nano = end_ns
        if attributes:
            put(span, attributes)
        self.spans.append(span)
        return end_ns

    def fail(self, span: Span, at_ns: int, error: str, message: str) -> None:
        """Marks a span as failed the way SDKs do: status, error.type and an exception event."""
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = message
        put(span, {"error.type": error})
        self.event(span, at_ns, "exception", {"exception.type": error, "exception.message": message})

    def event(self, span: Span, at_ns: int, name: str, attributes: Mapping[str, Value]) -> None:
        put(span.events.add(time_unix_nano=at_ns, name=name), attributes)

    def evaluation(self, span: Span, at_ns: int, name: str, value: float, label: str, explanation: str) -> None:
        """A score as the semantic conventions have it: an event on the span that was judged."""
        told: dict[str, Value] = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": value}
        told["gen_ai.evaluation.annotator_kind"] = "LLM"  # not in the conventions, which do not say who judged
        if label:
            told["gen_ai.evaluation.score.label"] = label
        self.event(span, at_ns, "gen_ai.evaluation.result", told | {"gen_ai.evaluation.explanation": explanation})

    def done(self, project: str, service_version: str) -> Trace:
        """The trace; its spans in the order in which they ended."""
        self.spans.sort(key=lambda span: span.end_time_unix_nano)
        return Trace(project, service_version, self.spans[-1].end_time_unix_nano, tuple(self.spans))


def put(target: Span | Span.Event | Resource, attributes: Mapping[str, Value]) -> None:
    """Adds attributes in their own types."""
    for key, value in attributes.items():
        held = target.attributes.add(key=key).value
        if isinstance(value, str):
            held.string_value = value
        elif isinstance(value, bool):
            held.bool_value = value
        elif isinstance(value, int):
            held.int_value = value
        elif isinstance(value, float):
            held.double_value = value
        else:
            array = held.array_value
            for item in value:
                array.values.add(string_value=item)


def carrier(rng: random.Random, at_ns: int, target: Span, annotation: Mapping[str, Value], common: Mapping[str, Value]) -> TraceBuilder:
    """Feedback given later: a span of its own whose one link leads to the trace that is judged (OpenInference's annotation contract)."""
    builder = TraceBuilder(rng, common)
    span = builder.open("feedback", at_ns, {"openinference.span.kind": "EVALUATOR"})
    put(span, {f"trace.annotations.0.annotation.{key}": value for key, value in annotation.items()})
    span.links.add(trace_id=target.trace_id, span_id=target.span_id)
    builder.close(span, at_ns + 200_000 + rng.randrange(900_000))
    return builder


def json_text(value: object) -> str:
    """JSON as instrumentations put it into attributes."""
    return dumps(value)
