"""A newcomer finds every planted fact with the filter that is given for it: a real server holds the demo and is asked through its API."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.demo.facts import measure
from clew.demo.observe import observe
from clew.demo.plan import Plan
from demo_end import UNTIL_NS

WINDOW = {"since_ns": UNTIL_NS - 15 * 86_400 * 10**9, "until_ns": UNTIL_NS + 1}


def items(client: httpx.Client, path: str, **asked: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    out: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get(path, params={**WINDOW, **asked, **cursor, "limit": 500})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        out += page["items"]
        if not page["next"]:
            return out
        cursor = {"cursor": page["next"]}


def test_the_filters_of_the_facts_find_just_their_cases_in_a_server(
    serve_clew: Callable[..., Any], requests: list[ExportTraceServiceRequest], spans: list[tuple[str, Span]]
) -> None:
    server = serve_clew()
    with httpx.Client(base_url=server.url, timeout=120) as client:
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        for request in requests:
            answer = client.post("/v1/traces", content=gzip.compress(request.SerializeToString(), 1), headers=headers)
            assert answer.status_code == 200, answer.text
        ledger = _settled(client, len(spans))
        assert ledger["spans"] == {"received": len(spans), "stored": len(spans), "duplicates": 0, "replaced": 0, "refused": {}}
        assert ledger["scores"]["stored"] == ledger["scores"]["received"] == _scores(spans)
        wrong = {}
        for fact in measure(Plan(1, UNTIL_NS), observe(requests)):
            for filter_text, sample in ((fact.where, fact.found), (fact.versus, fact.compared)):
                found = items(client, f"/api/v1/projects/{fact.project}/{fact.scope}s", filter=filter_text)
                wanted = round(sample.value * sample.n) if fact.key == "weekend" else sample.n  # traces a day, over so many days
                if len(found) != wanted:
                    wrong[filter_text] = (len(found), wanted)
        assert wrong == {}
        _costs(client)


def _settled(client: httpx.Client, spans: int) -> dict[str, Any]:
    """The ledger once everything that was acknowledged can be read."""
    deadline = time.monotonic() + 120
    while True:
        told = client.get("/api/v1/ingest").json()
        if (told["accounts"]["spans"]["received"] >= spans and not told["queued_requests"]) or time.monotonic() > deadline:
            return dict(told["accounts"])
        time.sleep(0.2)


def _scores(spans: list[tuple[str, Span]]) -> int:
    told = Counter[bool]()
    for _, span in spans:
        told[True] += sum(event.name == "gen_ai.evaluation.result" for event in span.events)
        told[True] += any(item.key.endswith("annotations.0.annotation.name") for item in span.attributes)
    return told[True]


def _costs(client: httpx.Client) -> None:
    """Every answered model call has a price, and the dear model's two days cost more than all the rest of the shop's calls."""
    calls = items(client, "/api/v1/projects/shop-assistant/spans", filter="kind = LLM and status != error")
    assert all(call["cost_micros"] is not None for call in calls)
    cost = Counter[bool]()
    for call in calls:
        cost[call["model"].startswith("o3-pro")] += call["cost_micros"]
    assert cost[True] > cost[False] > 0
