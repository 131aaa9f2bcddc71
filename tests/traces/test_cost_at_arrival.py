"""Spans are priced when they arrive: through the writer that stores them, and for calls that real clients recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.store import Statement, Store, open_store
from clew.traces.cost import PriceBook, Usage, cost_nanos, set_price
from clew.traces.otlp_json import json_to_traces
from clew.traces.scores import ScoreWriter
from clew.traces.wire import Frame
from clew.traces.write import SpanWriter

T0 = 1_762_000_000 * 10**9
STORED = Statement(
    "stored",
    "SELECT lower(hex(span_id)) AS span, cost_nanos, cost_source, price_version, counted, cache_read_tokens FROM spans"
    " WHERE project_id = {project_id:UInt32} ORDER BY start_ns, span",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("arrival"))
    for number in range(1, 30):
        opened.records.rows(Statement("project", "INSERT INTO projects VALUES (:id, :name, 0)"), id=number, name=f"p{number}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def writer(store: Store) -> SpanWriter:
    return SpanWriter(store, ScoreWriter(store))


def request(*spans: dict[str, Any]) -> bytes:
    """A request of chat spans with these gen_ai attributes."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for number, attributes in enumerate(spans, start=1):
        span = scope.spans.add(trace_id=bytes([number]) * 16, span_id=bytes([number]) * 8, name="chat")
        span.start_time_unix_nano, span.end_time_unix_nano = T0 + number, T0 + number + 10**9
        for key, value in ({"gen_ai.operation.name": "chat"} | attributes).items():
            item = span.attributes.add(key=key)
            setattr(item.value, {str: "string_value", int: "int_value", float: "double_value"}[type(value)], value)
    return message.SerializeToString()


def call(model: str, tokens: int = 1000, **more: Any) -> dict[str, Any]:
    counts = {"gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 100}
    return {"gen_ai.provider.name": "openai", "gen_ai.request.model": model, **counts, **more}


def test_a_commit_prices_what_it_knows_and_says_where_each_cost_is_from(store: Store, writer: SpanWriter) -> None:
    own = set_price(store, 1, model="our-model", rates={"input": "1", "output": "2"})
    told = call("gpt-4o", **{"gen_ai.usage.cost": 0.25})
    spans = (call("gpt-4o"), call("our-model"), call("nobody"), told, {"gen_ai.request.model": "gpt-4o"})
    SpanWriter(store, ScoreWriter(store)).commit([Frame(request(*spans), 1, "", "", T0)])
    found = [(row["cost_nanos"], row["cost_source"], row["price_version"].split(" ")[-1]) for row in store.facts.rows(STORED, project_id=1)]
    assert found == [
        (3_500_000, "price", "openai:gpt-4o"),
        (1_200_000, "own price", own.id),
        (None, "unknown", ""),
        (250_000_000, "sender", ""),
        (None, "none", ""),
    ]


def test_a_commit_of_several_projects_prices_each_by_its_own(store: Store) -> None:
    set_price(store, 2, model="gpt-4o", rates={"input": "0", "output": "0"})
    frames = [Frame(request(call("gpt-4o")), project, "", "", T0) for project in (2, 3)]
    SpanWriter(store, ScoreWriter(store)).commit(frames)
    assert [store.facts.rows(STORED, project_id=project)[0]["cost_nanos"] for project in (2, 3)] == [0, 3_500_000]


CLIENTS = (
    "langfuse-sdk",
    "mlflow-openai",
    "openinference-anthropic",
    "openinference-langchain",
    "openinference-openai",
    "openllmetry-openai",
    "otel-openai-v2-span",
    "vercel-ai",
)


@pytest.mark.field
@pytest.mark.parametrize("client", CLIENTS)
def test_a_recorded_call_costs_what_was_truly_used(store: Store, writer: SpanWriter, field_data: Path, client: str) -> None:
    folder, project = field_data / "otlp" / "clients" / client, 10 + CLIENTS.index(client)
    for told in json.loads((folder / "headers.json").read_text(encoding="utf-8")):
        if told["path"].endswith("/traces"):
            writer.commit([Frame(body_of(folder / told["file"]), project, "", "", T0)])
    stored = {row["span"]: row for row in store.facts.rows(STORED, project_id=project)}
    calls = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["llm_calls"]
    priced = {item["span_id"]: item for item in calls if stored.get(item["span_id"], {}).get("cost_source") == "price"}
    assert len(priced) >= 5
    assert {span: stored[span]["cost_nanos"] for span in priced} == {span: truly(item) for span, item in priced.items()}


def body_of(file: Path) -> bytes:
    if file.suffix == ".pb":
        return file.read_bytes()
    return json_to_traces(file.read_bytes())[0].SerializeToString()


def truly(expected: dict[str, Any]) -> object:
    """The cost of what the provider counted; a part that the client did not record is charged as its whole."""
    recorded = expected["recorded"]
    usage = Usage(
        input_total=expected["prompt_tokens"],
        cache_read=expected["cached_tokens"] if recorded.get("cached_tokens") else None,
        cache_write=expected["cache_creation_tokens"] if recorded.get("cache_creation_tokens") else None,
        output=expected["completion_tokens"],
    )
    return cost_nanos(PriceBook().resolve("", expected["model_answered"] or expected["model_requested"], T0), usage)
