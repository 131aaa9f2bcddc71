"""OTLP requests made by hand, for tests of the pages over the whole way in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

NOW_NS = time.time_ns()
MS = 1_000_000


@dataclass(frozen=True)
class Step:
    """One span; times in ms from the trace's start."""

    name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    parent: int | None = 0  # index of the parent in the trace; None for a root
    start_ms: int = 0
    took_ms: int = 100
    error: str = ""
    events: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Trace:
    """A trace of steps; the first is the root. ``number`` makes its ids."""

    number: int
    steps: tuple[Step, ...]
    ago_s: int = 60

    @property
    def id(self) -> str:
        return f"{self.number:032x}"

    def span_id(self, index: int) -> str:
        return f"{self.number * 100_000 + index + 1:016x}"


def value(of: Any) -> dict[str, Any]:
    """A value as OTLP/JSON writes it."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(item) for item in of]}}
    return {"stringValue": of}


def attributes(of: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP/JSON writes them."""
    return [{"key": key, "value": value(item)} for key, item in of.items()]


def _span(trace: Trace, index: int, step: Step) -> dict[str, Any]:
    start = NOW_NS - trace.ago_s * 1_000 * MS + step.start_ms * MS
    return {
        "traceId": trace.id,
        "spanId": trace.span_id(index),
        "parentSpanId": "" if step.parent is None or index == 0 else trace.span_id(step.parent),
        "name": step.name,
        "kind": 1,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + step.took_ms * MS),
        "attributes": attributes(step.attributes),
        "events": list(step.events),
        "status": {"code": 2, "message": step.error} if step.error else {"code": 1},
    }


def otlp(project: str, traces: Iterable[Trace]) -> dict[str, Any]:
    """One ExportTraceServiceRequest."""
    spans = [_span(trace, index, step) for trace in traces for index, step in enumerate(trace.steps)]
    resource = {"attributes": attributes({"service.name": project})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "test", "version": "1"}, "spans": spans}]}]}


def message(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    """A message of the gen_ai conventions."""
    return {"role": role, "parts": list(parts)}


def text(words: str) -> dict[str, Any]:
    """A text part."""
    return {"type": "text", "content": words}


def call(model: str, asked: list[dict[str, Any]], answered: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The attributes of a model call."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(answered),
        **more,
    }


def agent_trace(number: int, *, words: str = "I want my money back", answer: str = "It is on its way", error: str = "", ago_s: int = 60,
                session: str = "visit-1", user: str = "ada", tool: str = "refund_order") -> Trace:  # fmt: skip
    """An agent that asks a model, calls a tool and answers."""
    who = {"session.id": session, "user.id": user}
    asked = [message("system", text("You are a shop.")), message("user", text(words))]
    wants = message("assistant", {"type": "tool_call", "id": "c1", "name": tool, "arguments": {"order": 7}})
    told = message("tool", {"type": "tool_call_response", "id": "c1", "response": {"ok": not error}})
    tokens = {"gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 40}
    run = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.tool.call.arguments": '{"order": 7}'}
    root = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "shop", **who}
    root |= {"gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps([message("assistant", text(answer))])}
    return Trace(
        number,
        (
            Step("invoke_agent shop", root, None, 0, 2_000, error),
            Step("chat gpt-4o", call("gpt-4o", asked, [wants], **tokens, **who), 0, 10, 700),
            Step(f"execute_tool {tool}", {**run, **who, "gen_ai.tool.call.result": "done"}, 0, 720, 90, error),
            Step(
                "chat gpt-4o", call("gpt-4o", [*asked, wants, told], [message("assistant", text(answer))], **tokens, **who), 0, 820, 1_100
            ),
        ),
        ago_s,
    )
