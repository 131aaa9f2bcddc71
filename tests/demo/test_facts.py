"""What docs/demo.md says was planted is there, as large as it says: measured again here, straight from the spans, by other code."""

from __future__ import annotations

import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from genai_prices import Usage
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.demo import Fact, planted_facts
from clew.demo.facts import measure
from clew.demo.observe import observe
from clew.demo.plan import Plan
from demo_end import UNTIL_NS

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
DAY_0 = UNTIL_NS // DAY_NS * DAY_NS
Spans = list[tuple[str, Span]]


@pytest.fixture(scope="module")
def facts(requests: list[ExportTraceServiceRequest]) -> dict[str, Fact]:
    return {fact.key: fact for fact in measure(Plan(1, UNTIL_NS), observe(requests))}


@pytest.fixture(scope="module")
def rows(spans: Spans) -> list[dict[str, Any]]:
    """Spans as flat dictionaries, scores of the trace under score.NAME on its root."""
    out, by_trace = [], dict[bytes, dict[str, Any]]()
    for project, span in spans:
        told: dict[str, Any] = {item.key: getattr(item.value, str(item.value.WhichOneof("value"))) for item in span.attributes}
        row = told | {"project": project, "name": span.name, "root": not span.parent_span_id, "start": span.start_time_unix_nano}
        row |= {"ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6, "error": span.status.code == 2, "trace": span.trace_id}
        for event in span.events:
            if event.name == "gen_ai.evaluation.result":
                score = {item.key: item.value for item in event.attributes}
                row["score." + score["gen_ai.evaluation.name"].string_value] = score["gen_ai.evaluation.score.value"].double_value
        if "annotations.0.annotation.name" in told:
            row["score." + told["annotations.0.annotation.name"]] = told["annotations.0.annotation.score"]
        if span.name == "feedback" and span.links:
            by_trace[span.links[0].trace_id]["score." + told["trace.annotations.0.annotation.name"]] = told[
                "trace.annotations.0.annotation.score"
            ]
        if row["root"]:
            by_trace[span.trace_id] = row
        out.append(row)
    return out


def versions(rows: list[dict[str, Any]]) -> dict[bytes, str]:
    return {row["trace"]: row["llm.prompt_template.version"] for row in rows if "llm.prompt_template.version" in row}


def same(sample: Any, values: list[float], middle: Any = statistics.fmean) -> None:
    assert sample.n == len(values)
    assert sample.value == pytest.approx(middle(values))


@pytest.mark.parametrize(
    ("key", "score", "language"),
    [
        ("prompt-v7-better", "task_success", None),
        ("prompt-v7-german", "task_success", "de"),
        ("prompt-v7-thumbs", "user_thumbs", "de"),
        ("prompt-v7-language", "language_match", "de"),
    ],
)
def test_prompt_v7(facts: dict[str, Fact], rows: list[dict[str, Any]], key: str, score: str, language: str | None) -> None:
    version = versions(rows)
    for name, sample in (("v7", facts[key].found), ("v6", facts[key].compared)):
        same(
            sample,
            [
                row[f"score.{score}"]
                for row in rows
                if version.get(row["trace"]) == name and f"score.{score}" in row and row["root"] and language in (None, row["app.language"])
            ],
        )


def test_prompt_v7_begins_on_day_6_at_nine(rows: list[dict[str, Any]]) -> None:
    starts = defaultdict(list)
    for row in rows:
        if "llm.prompt_template.version" in row:
            starts[row["llm.prompt_template.version"]].append(row["start"])
    change = DAY_0 - 6 * DAY_NS + 9 * HOUR_NS
    assert min(starts["v7"]) >= change
    assert max(starts["v6"]) < change + HOUR_NS  # a conversation keeps the prompt it began with


def test_other_languages_gained_from_prompt_v7(rows: list[dict[str, Any]]) -> None:
    version = versions(rows)
    for language in ("en", "es"):
        mean = {
            name: statistics.fmean(
                row["score.task_success"]
                for row in rows
                if version.get(row["trace"]) == name and "score.task_success" in row and row["app.language"] == language
            )
            for name in ("v6", "v7")
        }
        assert mean["v7"] > mean["v6"] + 0.1


def test_dear_model_is_one_tenant_for_two_days_and_costs_what_the_page_says(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row.get("openinference.span.kind") == "LLM" and not row["error"]:
            calls[row["llm.model_name"]].append(row)
    dear, usual = calls["o3-pro"], calls["gpt-4.1-mini"]
    assert {row["app.tenant"] for row in dear} == {"lumen-home"}
    assert min(row["start"] for row in dear) >= DAY_0 - 9 * DAY_NS
    assert max(row["start"] for row in dear) < DAY_0 - 7 * DAY_NS + HOUR_NS
    same(facts["dear-model"].found, [row["llm.token_count.completion"] for row in dear])
    same(facts["dear-model"].compared, [row["llm.token_count.completion"] for row in usual])

    prices = [genai_prices.calc_price(Usage(output_tokens=10**6), model, provider_id="openai") for model in ("o3-pro", "gpt-4.1-mini")]
    assert prices[0].total_price / prices[1].total_price == pytest.approx(50, rel=0.05)


def test_slow_search_is_day_10(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    searches = [row for row in rows if row.get("openinference.span.kind") == "RETRIEVER"]
    slow = [row["ms"] for row in searches if row["start"] // DAY_NS * DAY_NS == DAY_0 - 10 * DAY_NS]
    rest = [row["ms"] for row in searches if row["start"] // DAY_NS * DAY_NS != DAY_0 - 10 * DAY_NS]
    same(facts["slow-search"].found, slow, statistics.median)
    same(facts["slow-search"].compared, rest, statistics.median)


def test_slow_bookings_is_day_3(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    tools = [row for row in rows if row.get("gen_ai.operation.name") == "execute_tool" and not row["error"]]
    slow = [row["ms"] for row in tools if row["start"] // DAY_NS * DAY_NS == DAY_0 - 3 * DAY_NS]
    rest = [row["ms"] for row in tools if row["start"] // DAY_NS * DAY_NS != DAY_0 - 3 * DAY_NS]
    same(facts["slow-bookings"].found, slow, statistics.median)
    same(facts["slow-bookings"].compared, rest, statistics.median)


def test_rate_limited_is_day_5_from_15_to_21(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    begin = DAY_0 - 5 * DAY_NS + 15 * HOUR_NS
    sides: dict[bool, list[float]] = {True: [], False: []}
    for row in rows:
        if row.get("openinference.span.kind") == "LLM":
            sides[begin <= row["start"] < begin + 6 * HOUR_NS].append(float(row.get("error.type") == "RateLimitError"))
    same(facts["rate-limited"].found, sides[True])
    same(facts["rate-limited"].compared, sides[False])


def test_caching_begins_on_day_11_at_eight(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    change = DAY_0 - 11 * DAY_NS + 8 * HOUR_NS
    sides: dict[bool, list[float]] = {True: [], False: []}
    for row in rows:
        if row.get("openinference.span.kind") == "LLM" and row.get("llm.token_count.prompt"):
            share = row["llm.token_count.prompt_details.cache_read"] / row["llm.token_count.prompt"]
            sides[row["start"] >= change].append(share)
    same(facts["caching"].found, sides[True])
    same(facts["caching"].compared, sides[False])
    assert max(sides[False]) == 0


def test_retry_loop_is_day_7(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    sizes: dict[bytes, int] = defaultdict(int)
    for row in rows:
        sizes[row["trace"]] += 1
    searched = {row["trace"] for row in rows if row.get("gen_ai.tool.name") == "search_flights"}
    sides: dict[bool, list[float]] = {True: [], False: []}
    for row in rows:
        if row["root"] and row["trace"] in searched:
            sides[row["start"] // DAY_NS * DAY_NS == DAY_0 - 7 * DAY_NS].append(float(sizes[row["trace"]]))
    same(facts["retry-loop"].found, sides[True])
    same(facts["retry-loop"].compared, sides[False])


def test_groups_are_served_badly_by_two_tools(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    roots = [row for row in rows if row["project"] == "airline-agent" and row["root"] and "score.task_success" in row]
    same(facts["groups"].found, [row["score.task_success"] for row in roots if row["app.party_size"] >= 5])
    same(facts["groups"].compared, [row["score.task_success"] for row in roots if row["app.party_size"] < 5])
    limited = [
        row
        for row in rows
        if row.get("error.type") == "invalid_arguments" and row.get("gen_ai.tool.name") in ("assign_seats", "change_flight")
    ]
    assert len([row for row in limited if row["app.party_size"] >= 5]) > 20


def test_the_faster_model_begins_on_day_4(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    chats = [row for row in rows if row.get("gen_ai.operation.name") == "chat" and not row["error"]]
    times = {
        model: [row["ms"] for row in chats if row["gen_ai.request.model"] == model] for model in ("claude-haiku-4-5", "claude-sonnet-4-5")
    }
    same(facts["faster-model"].found, times["claude-haiku-4-5"], statistics.median)
    same(facts["faster-model"].compared, times["claude-sonnet-4-5"], statistics.median)
    assert min(row["start"] for row in chats if row["gen_ai.request.model"] == "claude-haiku-4-5") >= DAY_0 - 4 * DAY_NS


def test_weekends_are_busier(facts: dict[str, Fact], rows: list[dict[str, Any]]) -> None:
    days = {DAY_0 // DAY_NS - back: 0 for back in range(1, 14)}
    for row in rows:
        if row["name"] == "answer_customer" and row["start"] // DAY_NS in days:
            days[row["start"] // DAY_NS] += 1
    saturday_or_sunday = {day for day in days if (day + 3) % 7 >= 5}
    same(facts["weekend"].found, [count for day, count in days.items() if day in saturday_or_sunday])
    same(facts["weekend"].compared, [count for day, count in days.items() if day not in saturday_or_sunday])


@pytest.mark.parametrize(("seed", "later_h"), [(2, 41), (3, 100)])
def test_every_fact_is_as_large_as_planted_whatever_the_seed_and_the_day(seed: int, later_h: int) -> None:
    found = planted_facts(seed, UNTIL_NS + later_h * HOUR_NS)
    assert [f"{fact.key}: {fact.size:.3f}, wanted {fact.least}" for fact in found if not fact.holds] == []
    assert min(min(fact.found.n, fact.compared.n) for fact in found if fact.key != "weekend") >= 10


def test_the_page_names_every_fact_and_its_least_size(facts: dict[str, Fact], repository: Path) -> None:
    page = (repository / "docs" / "demo.md").read_text(encoding="utf-8")
    for fact in facts.values():
        _, found, told = page.partition(f"**{fact.key}**")
        assert found, f"{fact.key} is not in docs/demo.md"
        assert f"{abs(fact.least):g} " in " ".join(told.split("\n- **")[0].split()) + " ", f"{fact.key}: {fact.least}"
