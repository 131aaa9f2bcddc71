"""Recorded requests of real clients as records, with what was truly sent and answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.traces.model import LogRecord, SpanRecord
from clew.traces.otlp import json_to_traces
from clew.traces.record import log_record, span_record

CLIENTS = (
    "langfuse-sdk",
    "logfire-openai",
    "mlflow-openai",
    "openinference-anthropic",
    "openinference-langchain",
    "openinference-openai",
    "openllmetry-openai",
    "otel-openai-v2-event",
    "otel-openai-v2-legacy",
    "otel-openai-v2-span",
    "pydantic-ai",
    "vercel-ai",
)


@dataclass
class Recording:
    """One client's spans and log records by span id, the requests as sent, and the provider's side."""

    expected: dict[str, Any]
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    spans: dict[str, SpanRecord] = field(default_factory=dict)
    logs: dict[str, list[LogRecord]] = field(default_factory=dict)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [call for call in self.expected["llm_calls"] if call["span_id"]]


@cache
def recording(folder: Path, client: str) -> Recording:
    """What ``client`` sent."""
    base = folder / "otlp" / "clients" / client
    found = Recording(json.loads((base / "expected.json").read_text()))
    for entry in json.loads((base / "headers.json").read_text()):
        body = (base / entry["file"]).read_bytes()
        if entry["path"].endswith("/logs"):
            for group in ExportLogsServiceRequest.FromString(body).resource_logs:
                for scope in group.scope_logs:
                    for record in map(log_record, scope.log_records):
                        found.logs.setdefault(record.span_id, []).append(record)
            continue
        request = json_to_traces(body)[0] if entry["file"].endswith(".json") else ExportTraceServiceRequest.FromString(body)
        found.requests.append(request)
        for group in request.resource_spans:
            for scope in group.scope_spans:
                for span in scope.spans:
                    found.spans[span.span_id.hex()] = span_record(span, scope.scope, group.resource)
    return found
