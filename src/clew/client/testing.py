"""For the tests of applications that use Clew: spans in memory, ids that count, a clock that ticks. Nothing is sent.

with clew.client.testing.capture() as spans:
    answer("Where is my parcel?")
assert spans[0].name == "answer"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from clew.client import state
from clew.client.export import ClewProcessor, OtelRecorder, resource_of
from clew.client.lane import Lane, Sent
from clew.client.sender import Sender
from clew.client.settings import Limits, resolve

START_NS = 1_700_000_000_000_000_000
TICK_NS = 1_000_000


@dataclass(frozen=True)
class CapturedSpan:
    """One ended span, with what tests ask for most."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    end_ns: int
    failed: bool
    attributes: Mapping[str, Any]

    @property
    def input(self) -> str | None:
        return self.attributes.get("input.value")

    @property
    def output(self) -> str | None:
        return self.attributes.get("output.value")


class CountingIds(IdGenerator):
    """Trace and span ids 1, 2, 3, …"""

    def __init__(self) -> None:
        self._traces = 0
        self._spans = 0

    def generate_trace_id(self) -> int:
        self._traces += 1
        return self._traces

    def generate_span_id(self) -> int:
        self._spans += 1
        return self._spans


class TickingClock:
    """Each reading is one tick after the one before."""

    def __init__(self, start_ns: int = START_NS, tick_ns: int = TICK_NS) -> None:
        self._now_ns = start_ns
        self._tick_ns = tick_ns

    def __call__(self) -> int:
        self._now_ns += self._tick_ns
        return self._now_ns


class _Capturing(ClewProcessor):
    def __init__(self, sender: Sender, spans: list[CapturedSpan]) -> None:
        super().__init__(sender)
        self._spans = spans

    def on_end(self, span: ReadableSpan) -> None:
        self._spans.append(_captured(span))


@contextmanager
def capture(
    *, project: str = "test", capture_content: bool = True, limits: Limits | None = None, clock: Callable[[], int] | None = None
) -> Iterator[list[CapturedSpan]]:
    """Spans that end inside, in the order in which they ended. Scores are accepted and thrown away."""
    settings = resolve({}, project=project, capture_content=capture_content, limits=limits)
    sender = _nowhere(settings.limits)
    spans: list[CapturedSpan] = []
    provider = TracerProvider(resource=resource_of(settings), id_generator=CountingIds(), shutdown_on_exit=False)
    provider.add_span_processor(_Capturing(sender, spans))
    recorder = OtelRecorder(provider, clock or TickingClock())
    before = state.replace(state.Client(settings, recorder, sender))
    try:
        yield spans
    finally:
        state.replace(before)
        sender.close(1.0)


def _nowhere(limits: Limits) -> Sender:
    def swallow(batch: list[Any]) -> Sent:
        return Sent(taken=len(batch))

    def lane() -> Lane[Any]:
        return Lane(swallow, limits.buffered_spans, limits.buffered_bytes, limits.buffered_spans, limits.batch_bytes)

    return Sender(lane(), lane(), limits, target="memory", on_thread_start=lambda: None)


def _captured(span: ReadableSpan) -> CapturedSpan:
    context = span.get_span_context()
    attributes = dict(span.attributes or {})
    return CapturedSpan(
        name=span.name,
        kind=str(attributes.get("openinference.span.kind", "")),
        trace_id=f"{context.trace_id:032x}" if context else "",
        span_id=f"{context.span_id:016x}" if context else "",
        parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        failed=not span.status.is_ok and span.status.status_code.name == "ERROR",
        attributes=attributes,
    )
