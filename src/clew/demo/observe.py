"""Reads generated requests back into plain rows, so that what was planted is measured on what is sent and not on what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

_WANTED = frozenset(
    {
        "app.tenant",
        "app.language",
        "app.party_size",
        "llm.prompt_template.version",
        "llm.model_name",
        "gen_ai.request.model",
        "llm.token_count.prompt",
        "llm.token_count.completion",
        "llm.token_count.prompt_details.cache_read",
        "gen_ai.tool.name",
        "openinference.span.kind",
        "gen_ai.operation.name",
        "error.type",
    }
)
_FEEDBACK = "trace.annotations.0.annotation."
_INLINE = "annotations.0.annotation."


@dataclass(frozen=True)
class Seen:
    """One span, as far as the facts need it."""

    name: str
    start_ns: int
    duration_ns: int
    failed: bool
    attributes: Mapping[str, str | int]

    def text(self, key: str) -> str:
        return str(self.attributes.get(key, ""))

    def count(self, key: str) -> int:
        return int(self.attributes.get(key, 0))

    @property
    def kind(self) -> str:
        return self.text("openinference.span.kind") or self.text("gen_ai.operation.name")

    @property
    def model(self) -> str:
        return self.text("llm.model_name") or self.text("gen_ai.request.model")


@dataclass
class SeenTrace:
    """One trace: its spans, the root last, and all scores it was given, those that came later too."""

    project: str
    spans: list[Seen] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    feedback: bool = False

    @property
    def root(self) -> Seen:
        return self.spans[-1]

    @property
    def prompt_version(self) -> str:
        return next((version for span in self.spans if (version := span.text("llm.prompt_template.version"))), "")


def observe(requests: Iterable[ExportTraceServiceRequest]) -> list[SeenTrace]:
    """All traces, without those that only carry feedback."""
    traces: dict[bytes, SeenTrace] = {}
    for request in requests:
        for resource in request.resource_spans:
            project = next(item.value.string_value for item in resource.resource.attributes if item.key == "clew.project.name")
            for span in resource.scope_spans[0].spans:
                if span.name == "feedback":
                    _feedback(traces, span)
                else:
                    trace = traces.setdefault(span.trace_id, SeenTrace(project))
                    trace.spans.append(_seen(span))
                    _scores(trace, span)
    return list(traces.values())


def _seen(span: Span) -> Seen:
    told = {item.key: _value(item) for item in span.attributes if item.key in _WANTED}
    failed = span.status.code == Status.STATUS_CODE_ERROR
    return Seen(span.name, span.start_time_unix_nano, span.end_time_unix_nano - span.start_time_unix_nano, failed, told)


def _value(item: KeyValue) -> str | int:
    return item.value.int_value if item.value.HasField("int_value") else item.value.string_value


def _scores(trace: SeenTrace, span: Span) -> None:
    for event in span.events:
        if event.name == "gen_ai.evaluation.result":
            told = {item.key: item.value for item in event.attributes}
            trace.scores[told["gen_ai.evaluation.name"].string_value] = told["gen_ai.evaluation.score.value"].double_value
    _annotation(trace, span, _INLINE)


def _annotation(trace: SeenTrace, span: Span, prefix: str) -> None:
    told = {item.key.removeprefix(prefix): item.value for item in span.attributes if item.key.startswith(prefix)}
    if "name" in told:
        trace.scores[told["name"].string_value] = told["score"].double_value


def _feedback(traces: dict[bytes, SeenTrace], span: Span) -> None:
    """A carrier's one link says which trace is judged; it is sent after that trace."""
    for link in span.links:
        _annotation(traces[link.trace_id], span, _FEEDBACK)
