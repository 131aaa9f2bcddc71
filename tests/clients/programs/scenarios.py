"""What the programs share: a provider with the plain OTLP exporter, as OpenTelemetry's documentation has it, and the calls they make."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

PROJECT = os.environ["PROJECT"]
SESSION = os.environ["SESSION"]
USER = "user-7"
MODEL = "gpt-4o-mini"
QUESTION = "What is the capital of France? ✓"
WEATHER = "What is the weather in Paris?"
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TOOL_RESULT = "21C sunny"


def plain_provider() -> TracerProvider:
    """The provider of an application that knows nothing of Clew but its address (OTEL_EXPORTER_OTLP_ENDPOINT)."""
    provider = TracerProvider(resource=Resource.create({"service.name": PROJECT}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def run_openai(client: Any) -> None:
    """Plain, streamed, tool round, JSON, error and embedding, through the chat completions API."""
    chat = client.chat.completions
    system = {"role": "system", "content": "Be brief."}
    chat.create(model=MODEL, messages=[system, {"role": "user", "content": QUESTION}], temperature=0.5, max_tokens=99)
    stream = chat.create(
        model=MODEL,
        messages=[{"role": "user", "content": f"{QUESTION} [streamed]"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for _ in stream:
        pass
    messages: list[Any] = [{"role": "user", "content": WEATHER}]
    asked = chat.create(model=MODEL, messages=messages, tools=[TOOL]).choices[0].message
    call = asked.tool_calls[0]
    messages += [asked.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": TOOL_RESULT}]
    chat.create(model=MODEL, messages=messages, tools=[TOOL])
    in_json = {"role": "user", "content": "The weather in Paris, in JSON"}
    chat.create(model=MODEL, messages=[in_json], response_format={"type": "json_object"})
    try:
        chat.create(model=MODEL, messages=[{"role": "user", "content": "[status 400]"}])
    except Exception as error:
        print("expected:", type(error).__name__)
    client.embeddings.create(model="text-embedding-3-small", input="a city in France")
