"""OpenLLMetry's instrumentation of the anthropic package, with ``clew.init`` in the place of an exporter's set-up.

The anthropic package writes spans of its own, beside those of the instrumentation: two spans tell of each call.
"""

from __future__ import annotations

import anthropic
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from scenarios import PROJECT, QUESTION, SESSION, TOOL, TOOL_RESULT, USER, WEATHER

import clew

MODEL = "claude-sonnet-4-5"
tool = {"name": "get_weather", "description": "The weather in a city", "input_schema": TOOL["function"]["parameters"]}

clew.init(PROJECT)
AnthropicInstrumentor().instrument()
messages_api = anthropic.Anthropic(max_retries=0).messages
with clew.session(SESSION), clew.user(USER), clew.span("support"):
    messages_api.create(model=MODEL, max_tokens=99, system="Be brief.", messages=[{"role": "user", "content": QUESTION}])
    with messages_api.stream(model=MODEL, max_tokens=99, messages=[{"role": "user", "content": f"{QUESTION} [streamed]"}]) as stream:
        stream.until_done()
    messages = [{"role": "user", "content": WEATHER}]
    asked = messages_api.create(model=MODEL, max_tokens=99, messages=messages, tools=[tool])
    result = {"type": "tool_result", "tool_use_id": asked.content[0].id, "content": TOOL_RESULT}
    messages += [{"role": "assistant", "content": [block.model_dump() for block in asked.content]}, {"role": "user", "content": [result]}]
    messages_api.create(model=MODEL, max_tokens=99, messages=messages, tools=[tool])
    try:
        messages_api.create(model=MODEL, max_tokens=99, messages=[{"role": "user", "content": "[status 400]"}])
    except anthropic.BadRequestError as error:
        print("expected:", type(error).__name__)
