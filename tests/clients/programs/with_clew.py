"""Clew's own client: a traced function, a tool, a streamed answer told by hand, and a score."""

from __future__ import annotations

from collections.abc import Iterator

from scenarios import PROJECT, SESSION, TOOL_RESULT, USER, WEATHER

import clew

clew.init(PROJECT)


@clew.trace(kind="TOOL", attributes={"tool.name": "get_weather"})
def get_weather(city: str) -> str:
    return TOOL_RESULT


def stream() -> Iterator[str]:
    with clew.span("stream", kind="LLM", input=WEATHER) as s:
        s.set(model="gpt-4o-mini-2024-07-18", provider="openai", input_tokens=212, output_tokens=34)
        yield "It is sunny."


with clew.session(SESSION), clew.user(USER), clew.span("answer", kind="AGENT", input=WEATHER) as answer:
    answer.output = get_weather("Paris")
    for _ in stream():
        pass
clew.score("helpful", value=True, source="person", reason="said thanks", trace_id=answer.trace_id, span_id=answer.span_id)
