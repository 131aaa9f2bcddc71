"""Real clients over the wire: what Clew tells of each call is what the provider was asked and answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from clients.reading import Outcome, ReadSpan
from openai_server import Call

pytestmark = pytest.mark.slow

USER = "user-7"
# USD nanos a token, from the providers' price lists: input, read from the cache, written to the cache, output.
PRICES = {
    "gpt-4o-mini-2024-07-18": (150, 75, 150, 600),
    "claude-sonnet-4-5-20250929": (3_000, 300, 3_750, 15_000),
    "text-embedding-3-small": (20, 20, 20, 0),
}

OutcomeOf = Callable[..., Outcome]


@dataclass(frozen=True)
class Tells:
    """What an instrumentation tells at all; the rest cannot be read back."""

    model_asked: bool = True
    cached: bool = True
    cache_written: bool = False
    reasoning: bool = True
    response_id: bool = True


FULL = Tells()


def expected_micros(call: Call, tells: Tells) -> int:
    """The provider's invoice for the call, from the tokens that the client told; micro-dollars, half up."""
    plain, read, written, output = PRICES[call.model_answered]
    cached = call.usage.cached if tells.cached else 0
    into = call.usage.cache_written if tells.cache_written else 0
    nanos = (call.usage.input - cached - into) * plain + cached * read + into * written + call.usage.output * output
    return (nanos + 500) // 1000


def check_numbers(span: ReadSpan, call: Call, tells: Tells) -> None:
    """Models, tokens and cost of one call."""
    tokens, usage = span.row["tokens"], call.usage
    assert span.record["model_answered"] == call.model_answered
    if tells.model_asked:
        assert span.record["model_asked"] == call.model_asked
    assert tokens["input"] == usage.input
    assert (tokens["output"] or 0) == usage.output
    assert (tokens["cache_read"] or 0) == (usage.cached if tells.cached else 0)
    assert (tokens["cache_write"] or 0) == (usage.cache_written if tells.cache_written else 0)
    assert (tokens["reasoning"] or 0) == (usage.reasoning if tells.reasoning else 0)
    assert span.row["cost_micros"] == expected_micros(call, tells)
    if tells.response_id:
        assert span.record["response_id"] == call.response_id


def check_words(span: ReadSpan, call: Call) -> None:
    """What was asked and answered, and the tools."""
    assert span.asked == call.last_user_text
    assert span.said == call.text
    calls = [(tool["id"], tool["name"], tool["arguments"]) for tool in span.tool_calls]
    assert calls == ([(call.tool_call_id, call.tool_name, {"city": "Paris"})] if call.tool_name else [])
    if call.answer == "after tool":
        assert [result["result"] for result in span.tool_results] == ["21C sunny"]
    if call.answer in ("tool", "after tool"):
        assert [tool["name"] for tool in span.meaning["tools"]] == ["get_weather"]


def check_calls(outcome: Outcome, spans: list[ReadSpan], tells: Tells) -> None:
    """Every answered call of the provider against its span, in order."""
    answered = [call for call in outcome.calls if call.status == 200 and call.api != "openai.embeddings"]
    assert len(spans) == len(answered) > 0
    for span, call in zip(spans, answered, strict=True):
        check_numbers(span, call, tells)
        check_words(span, call)


def check_totals(outcome: Outcome, tells: Tells) -> None:
    """Whatever number of spans tells of a call, its tokens and cost count once; every span belongs to the session and the user."""
    answered = [call for call in outcome.calls if call.status == 200]
    counted = [span.row for span in outcome.spans if span.row["counted"]]
    assert sum(row["tokens"]["input"] or 0 for row in counted) == sum(call.usage.input for call in answered)
    assert sum(row["tokens"]["output"] or 0 for row in counted) == sum(call.usage.output for call in answered)
    assert sum(row["cost_micros"] for row in counted) == sum(expected_micros(call, tells) for call in answered)
    assert {span.row["session_id"] for span in outcome.spans} == {outcome.session}
    assert {span.row["user_id"] for span in outcome.spans} == {USER}


def check_refused(outcome: Outcome, *, spans: int = 1) -> None:
    """The call that the provider refused is an error without tokens and without cost."""
    failed = [span for span in outcome.spans if span.row["status"] == "error"]
    assert len(failed) == spans
    for span in failed:
        assert (span.row["tokens"]["input"], span.row["cost_micros"], span.row["counted"]) == (None, None, False)


def answered_spans(outcome: Outcome) -> list[ReadSpan]:
    return [span for span in outcome.of_kind("LLM") if span.row["status"] != "error"]


def test_openinference_openai(outcome_of: OutcomeOf) -> None:
    outcome = outcome_of("with_openinference_openai")
    check_calls(outcome, answered_spans(outcome), FULL)
    check_totals(outcome, FULL)
    check_refused(outcome)
    first = answered_spans(outcome)[0].meaning
    assert (first["parameters"]["temperature"], first["parameters"]["max_tokens"]) == (0.5, 99)
    assert first["metadata"] == {"tier": "gold"}
    assert first["tags"] == ["a", "b"]
    (embedding,) = outcome.of_kind("EMBEDDING")
    assert (embedding.row["model"], embedding.row["tokens"]["input"]) == ("text-embedding-3-small", 12)


def test_opentelemetry_openai_v2(outcome_of: OutcomeOf) -> None:
    outcome = outcome_of("with_otel_openai_v2")
    tells = Tells(cached=False, reasoning=False)
    check_calls_without_tools_offered(outcome, tells)
    check_totals(outcome, tells)
    check_refused(outcome)
    first = answered_spans(outcome)[0].meaning
    assert (first["parameters"]["temperature"], first["parameters"]["max_tokens"]) == (0.5, 99)


def check_calls_without_tools_offered(outcome: Outcome, tells: Tells) -> None:
    """For an instrumentation that does not tell which tools were offered."""
    spans = [replace(span, meaning={**span.meaning, "tools": [{"name": "get_weather"}]}) for span in answered_spans(outcome)]
    check_calls(outcome, spans, tells)


def test_openinference_langchain(outcome_of: OutcomeOf) -> None:
    outcome = outcome_of("with_openinference_langchain")
    check_calls(outcome, answered_spans(outcome), Tells(response_id=False))
    check_totals(outcome, FULL)
    (tool,) = outcome.of_kind("TOOL")
    assert (tool.row["tool_name"], tool.meaning["tool"]["name"]) == ("get_weather", "get_weather")
    graph = next(span for span in outcome.spans if span.row["name"] == "LangGraph")
    assert graph.kind == "CHAIN"


def test_openllmetry_anthropic_beside_the_packages_own_spans(outcome_of: OutcomeOf) -> None:
    outcome = outcome_of("with_openllmetry_anthropic")
    tells = Tells(cache_written=True, reasoning=False)
    both = answered_spans(outcome)
    check_calls(outcome, [span for span in both if span.row["name"] == "anthropic.chat"], tells)
    assert len(both) == 2 * len([call for call in outcome.calls if call.status == 200])
    check_totals(outcome, tells)
    check_refused(outcome, spans=2)


def test_pydantic_ai(outcome_of: OutcomeOf) -> None:
    outcome = outcome_of("with_pydantic_ai")
    check_calls(outcome, answered_spans(outcome), FULL)
    check_totals(outcome, FULL)
    assert sorted({span.row["agent_name"] for span in outcome.of_kind("AGENT")}) == ["talker", "weather_agent"]
    (tool,) = outcome.of_kind("TOOL")
    assert (tool.meaning["tool"]["name"], tool.meaning["tool"]["result"]) == ("get_weather", "21C sunny")
    assert answered_spans(outcome)[0].row["cost_source"] == "sender"


def test_openai_agents(outcome_of: OutcomeOf) -> None:
    outcome = outcome_of("with_openai_agents")
    check_calls(outcome, answered_spans(outcome), Tells(model_asked=False, response_id=False))
    check_totals(outcome, FULL)
    assert {"weather_agent", "talker"} <= {span.row["agent_name"] for span in outcome.of_kind("AGENT")}
    (tool,) = outcome.of_kind("TOOL")
    assert (tool.row["tool_name"], tool.meaning["tool"]["result"]) == ("get_weather", "21C sunny")


@pytest.mark.parametrize("protocol", ["protobuf", "json", "grpc"])
def test_the_plain_sdk(outcome_of: OutcomeOf, protocol: str) -> None:
    outcome = outcome_of("with_plain_sdk", protocol)
    agent, chat = outcome.spans
    assert chat.row["parent_id"] == agent.row["span_id"]
    assert (agent.kind, agent.row["agent_name"], agent.row["status"], agent.row["status_message"]) == (
        "AGENT",
        "helper",
        "error",
        "on purpose",
    )
    assert (chat.record["model_asked"], chat.record["model_answered"]) == ("gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    tokens = chat.row["tokens"]
    assert (tokens["input"], tokens["uncached"], tokens["cache_read"], tokens["output"]) == (212, 84, 128, 34)
    assert chat.row["cost_micros"] == 43
    assert (chat.asked, chat.said) == ("What is the capital of France? ✓", "Paris — voilà ✓")
    assert (chat.row["session_id"], chat.row["user_id"]) == (outcome.session, USER)
    check_original(chat.otlp)


def check_original(span: dict[str, Any]) -> None:
    """What was sent comes back as it was, over whichever protocol."""
    attributes = {pair["key"]: pair["value"] for pair in span["attributes"]}
    assert attributes["int.max"] == {"intValue": str(2**63 - 1)}
    assert attributes["a.double"] == {"doubleValue": 0.5}
    assert attributes["a.bool"] == {"boolValue": True}
    assert attributes["a.list"] == {"arrayValue": {"values": [{"stringValue": "x"}, {"stringValue": "y"}]}}
    (link,) = span["links"]
    assert (link["traceId"], link["spanId"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")
    assert link["attributes"] == [{"key": "why", "value": {"stringValue": "test"}}]
    assert [event["name"] for event in span["events"]] == ["first token"]
    assert span["kind"] in (3, "SPAN_KIND_CLIENT")


def test_clew_itself(outcome_of: OutcomeOf) -> None:
    outcome = outcome_of("with_clew")
    agent, tool, stream = outcome.spans
    assert [(span.row["name"], span.kind) for span in outcome.spans] == [("answer", "AGENT"), ("get_weather", "TOOL"), ("stream", "LLM")]
    assert {span.row["parent_id"] for span in (tool, stream)} == {agent.row["span_id"]}
    assert {(span.row["session_id"], span.row["user_id"]) for span in outcome.spans} == {(outcome.session, USER)}
    assert (agent.record["input_text"], agent.record["output_text"]) == ("What is the weather in Paris?", "21C sunny")
    assert tool.row["tool_name"] == "get_weather"
    assert (stream.row["model"], stream.row["tokens"]["input"], stream.row["tokens"]["output"]) == ("gpt-4o-mini-2024-07-18", 212, 34)
    assert stream.row["cost_micros"] == (212 * 150 + 34 * 600 + 500) // 1000
    (score,) = agent.scores
    assert (score["name"], score["value"], score["source"], score["reason"]) == ("helpful", 1, "person", "said thanks")
