"""The plain OpenTelemetry SDK with its own exporters, and spans written by hand: ``with_plain_sdk.py protobuf|json|grpc``."""

from __future__ import annotations

import json
import sys
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from scenarios import MODEL, PROJECT, QUESTION, SESSION, USER

ANSWERED = "gpt-4o-mini-2024-07-18"


def exporter(protocol: str) -> SpanExporter:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc(insecure=True)
    if protocol == "json":
        from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter as Json

        return Json()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Protobuf

    return Protobuf()


def main(protocol: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": PROJECT, "deployment.environment.name": "test"}))
    provider.add_span_processor(BatchSpanProcessor(exporter(protocol)))
    tracer = provider.get_tracer("by-hand", "1.2.3")
    message: dict[str, Any] = {"role": "user", "parts": [{"type": "text", "content": QUESTION}]}
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "Paris — voilà ✓"}], "finish_reason": "stop"}
    asked = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODEL,
        "gen_ai.conversation.id": SESSION,
        "user.id": USER,
        "gen_ai.input.messages": json.dumps([message]),
        "int.max": 2**63 - 1,
        "a.double": 0.5,
        "a.list": ["x", "y"],
        "a.bool": True,
    }
    agent_told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    other = SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=True, trace_flags=TraceFlags(1))
    with tracer.start_as_current_span("agent", attributes={**agent_told, "gen_ai.conversation.id": SESSION}) as agent:
        with tracer.start_as_current_span(
            f"chat {MODEL}", kind=SpanKind.CLIENT, attributes=asked, links=[Link(other, {"why": "test"})]
        ) as span:
            span.add_event("first token", {"index": 0})
            span.set_attribute("gen_ai.response.model", ANSWERED)
            span.set_attribute("gen_ai.usage.input_tokens", 212)
            span.set_attribute("gen_ai.usage.output_tokens", 34)
            span.set_attribute("gen_ai.usage.cache_read.input_tokens", 128)
            span.set_attribute("gen_ai.output.messages", json.dumps([answer]))
        agent.set_status(Status(StatusCode.ERROR, "on purpose"))
    provider.shutdown()


main(sys.argv[1])
