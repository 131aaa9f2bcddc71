"""What the dialect tables promise: one request means one thing in every dialect, nothing is counted twice, one bad part takes nothing with it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.traces.canonical import canonical, evaluations
from clew.traces.dialects import counted, tables
from clew.traces.model import Canonical, Generic, Media, Text, ToolCall, ToolResult
from clew.traces.model import LogRecord as PlainLog
from clew.traces.otlp import any_value, key_values
from clew.traces.record import span_record
from clew.traces.views import Tokens

SYSTEM, QUESTION, ANSWER = "You are terse.", "Weather in Paris? ✓", "It is 21°C — sunny"
GEN_AI_IN = json.dumps(
    [{"role": "system", "parts": [{"type": "text", "content": SYSTEM}]}, {"role": "user", "parts": [{"type": "text", "content": QUESTION}]}]
)
GEN_AI_OUT = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"}])
CURRENT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.response.model": "claude-sonnet-4-5-20250929",
    "gen_ai.response.id": "msg_1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.conversation.id": "s1",
    "gen_ai.usage.input_tokens": 123,
    "gen_ai.usage.output_tokens": 45,
    "gen_ai.usage.cache_read.input_tokens": 80,
    "gen_ai.input.messages": GEN_AI_IN,
    "gen_ai.output.messages": GEN_AI_OUT,
}
SIX: dict[str, dict[str, Any]] = {
    "openinference": {
        "openinference.span.kind": "LLM",
        "llm.provider": "anthropic",
        "llm.system": "anthropic",
        "llm.request.model_name": "claude-sonnet-4-5",
        "llm.response.model_name": "claude-sonnet-4-5-20250929",
        "llm.token_count.prompt": 123,
        "llm.token_count.completion": 45,
        "llm.token_count.prompt_details.cache_read": 80,
        "llm.token_count.prompt_details.cache_write": 20,
        "llm.finish_reason": "stop",
        "session.id": "s1",
        "output.value": json.dumps({"id": "msg_1", "content": [{"type": "text", "text": ANSWER}]}),
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": SYSTEM,
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.contents.0.message_content.type": "text",
        "llm.input_messages.1.message.contents.0.message_content.text": QUESTION,
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": ANSWER,
    },
    "gen_ai": {**CURRENT, "gen_ai.usage.cache_write.input_tokens": 20},
    "gen_ai_v1_41": {**CURRENT, "gen_ai.usage.cache_creation.input_tokens": 20},
    "gen_ai_deprecated": {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.finish_reasons": ["stop"],
        "session.id": "s1",
        "gen_ai.usage.prompt_tokens": 23,  # Anthropic's own count: without the cached part
        "gen_ai.usage.completion_tokens": 45,
        "gen_ai.usage.cache_read_input_tokens": 80,
        "gen_ai.usage.cache_creation_input_tokens": 20,
        "gen_ai.prompt": GEN_AI_IN,
        "gen_ai.completion": json.dumps({"role": "assistant", "content": ANSWER}),
    },
    "openllmetry": {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "Anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.response.id": "msg_1",
        "llm.request.type": "chat",
        "traceloop.association.properties.session_id": "s1",
        "gen_ai.usage.input_tokens": 123,
        "gen_ai.usage.output_tokens": 45,
        "llm.usage.total_tokens": 168,
        "gen_ai.usage.cache_read_input_tokens": 80,
        "gen_ai.usage.cache_creation_input_tokens": 20,
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": SYSTEM,
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": QUESTION,
        "gen_ai.completion.0.role": "assistant",
        "gen_ai.completion.0.content": ANSWER,
        "gen_ai.completion.0.finish_reason": "stop",
    },
    "vercel_ai": {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "anthropic.messages",
        "ai.model.id": "claude-sonnet-4-5",
        "ai.response.model": "claude-sonnet-4-5-20250929",
        "ai.response.id": "msg_1",
        "ai.response.finishReason": "stop",
        "ai.telemetry.metadata.sessionId": "s1",
        "ai.usage.inputTokens": 123,
        "ai.usage.outputTokens": 45,
        "ai.usage.inputTokenDetails.noCacheTokens": 23,
        "ai.usage.inputTokenDetails.cacheReadTokens": 80,
        "ai.usage.inputTokenDetails.cacheWriteTokens": 20,
        "gen_ai.usage.input_tokens": 123,
        "gen_ai.usage.output_tokens": 45,
        "ai.prompt.messages": json.dumps(
            [{"role": "system", "content": SYSTEM}, {"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
        ),
        "ai.response.text": ANSWER,
    },
}


def read(attributes: dict[str, Any], **more: Any) -> Canonical:
    return canonical(span_record(Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="chat", attributes=key_values(attributes), **more)))


@pytest.mark.parametrize("dialect", SIX)
def test_one_request_means_the_same_in_every_dialect(dialect: str) -> None:
    found = read(SIX[dialect])
    assert found.kind == "LLM"
    assert found.provider == "anthropic"
    assert (found.model_asked, found.model_answered) == ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929")
    assert found.tokens == Tokens(input=123, uncached=23, cache_read=80, cache_write=20, output=45)
    assert [(message.role, message.text) for message in found.messages_in] == [("system", SYSTEM), ("user", QUESTION)]
    assert [(message.role, message.text) for message in found.messages_out] == [("assistant", ANSWER)]
    assert found.finish_reasons == ("stop",)
    assert (found.session_id, found.response_id) == ("s1", "msg_1")
    assert found.dialect == dialect


def test_a_span_told_in_two_dialects_is_read_from_one_per_group() -> None:
    both = {**SIX["gen_ai"], "gen_ai.usage.input_tokens": 999, "gen_ai.request.model": "other", **SIX["openinference"]}
    found = read(both)
    assert found.tokens == Tokens(input=123, uncached=23, cache_read=80, cache_write=20, output=45)
    assert found.model_asked == "claude-sonnet-4-5"
    assert len(found.messages_in) == 2
    assert found.dialects[:1] == ("openinference",)
    assert "gen_ai" in found.dialects


def test_a_group_that_the_first_dialect_leaves_out_comes_whole_from_the_second() -> None:
    attributes = {"openinference.span.kind": "LLM", "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}
    assert read(attributes).tokens == Tokens(input=7, uncached=7, output=3)


def test_openai_counts_the_cached_part_inside_and_anthropic_beside() -> None:
    openai = {"gen_ai.system": "openai", "gen_ai.usage.prompt_tokens": 123, "gen_ai.usage.cache_read_input_tokens": 100}
    anthropic = {"gen_ai.system": "anthropic", "gen_ai.usage.prompt_tokens": 123, "gen_ai.usage.cache_read_input_tokens": 100}
    assert read(openai).tokens == Tokens(input=123, uncached=23, cache_read=100)
    assert read(anthropic).tokens == Tokens(input=223, uncached=123, cache_read=100)


def test_more_cached_than_input_means_that_the_input_left_it_out() -> None:
    told = {"gen_ai.provider.name": "openai", "gen_ai.usage.input_tokens": 20, "gen_ai.usage.cache_read.input_tokens": 100}
    assert read(told).tokens == Tokens(input=120, uncached=20, cache_read=100)


def test_counts_that_cannot_be_are_unknown_and_not_zero() -> None:
    told = {"gen_ai.usage.input_tokens": -1, "gen_ai.usage.output_tokens": "many", "llm.usage.total_tokens": 5}
    assert read(told).tokens == Tokens()


def test_structured_values_and_json_text_give_the_same() -> None:
    structured = {**SIX["gen_ai"], "gen_ai.input.messages": json.loads(GEN_AI_IN), "gen_ai.output.messages": json.loads(GEN_AI_OUT)}
    assert read(structured).messages_in == read(SIX["gen_ai"]).messages_in
    assert read(structured).messages_out == read(SIX["gen_ai"]).messages_out


@pytest.mark.parametrize("broken", [17, None, [], {"type": "tool_call"}, {"type": "blob"}, {"content": {"a": 1}}, "text"])
def test_one_broken_part_takes_nothing_with_it(broken: Any) -> None:
    sent: list[Any] = [{"role": "user", "parts": [{"type": "text", "content": f"message {number}"}]} for number in range(50)]
    sent[20]["parts"].append(broken)
    sent[30] = broken
    found = read({"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(sent)})
    texts = [message.text for message in found.messages_in]
    assert [text.splitlines()[0] for number, text in enumerate(texts) if number != 30 and text] == [
        f"message {n}" for n in range(50) if n != 30
    ]
    assert len(found.messages_in[20].parts) == 2


def test_every_kind_of_part_has_its_form() -> None:
    parts = [
        {"type": "tool_call", "id": "1", "name": "get", "arguments": '{"city":"Paris"}'},
        {"type": "tool_call_response", "id": "1", "result": "sunny"},
        {"type": "blob", "modality": "image", "mime_type": "image/png", "data": "aGk="},
        {"type": "uri", "mime_type": "audio/wav", "uri": "https://example.org/a.wav"},
        {"type": "file", "file_id": "f1", "modality": "document"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "compaction", "id": "c"},
    ]
    found = read({"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps([{"role": "user", "parts": parts}])})
    assert found.messages_in[0].parts == (
        ToolCall("get", {"city": "Paris"}, "1"),
        ToolResult("sunny", "1"),
        Media("image", "image/png", data="aGk="),
        Media("audio", "audio/wav", uri="https://example.org/a.wav"),
        Media("document", file_id="f1"),
        Media("image", "image/png", data="aGk="),
        Generic("compaction", {"type": "compaction", "id": "c"}),
    )


def test_messages_may_come_as_log_records_one_each() -> None:
    span = span_record(Span(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=key_values({"gen_ai.operation.name": "chat"})))
    logs = [
        PlainLog("t", "s", "gen_ai.choice", 3, {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}),
        PlainLog("t", "s", "gen_ai.user.message", 2, {"content": QUESTION}),
        PlainLog("t", "s", "gen_ai.system.message", 1, {"content": SYSTEM}),
    ]
    found = canonical(span, logs)
    assert [(message.role, message.text) for message in found.messages_in] == [("system", SYSTEM), ("user", QUESTION)]
    assert found.messages_out[0].parts == (Text(ANSWER),)
    assert found.finish_reasons == ("stop",)


def test_every_kind_has_a_name_of_ours() -> None:
    kinds = {"LLM", "EMBEDDING", "CHAIN", "RETRIEVER", "RERANKER", "TOOL", "AGENT", "GUARDRAIL", "EVALUATOR", "PROMPT", "MEMORY", "SPAN"}
    assert set(tables().kinds().values()) <= kinds


@pytest.mark.parametrize(
    ("operation", "kind"), [("plan", "CHAIN"), ("search_memory", "MEMORY"), ("retrieval", "RETRIEVER"), ("unheard_of", "LLM")]
)
def test_operations_have_kinds_and_unknown_ones_are_inferred(operation: str, kind: str) -> None:
    assert read({"gen_ai.operation.name": operation, "gen_ai.request.model": "m"}).kind == kind


# ── whose tokens count ───────────────────────────────────────────────────────────────────────────────────────────────────────


def usage(span: str, parent: str = "", tokens: int | None = 10, **more: Any) -> dict[str, Any]:
    return {"span": span, "parent": parent, "has_usage": tokens is not None, "input_tokens": tokens, "output_tokens": 1, **more}


def test_a_call_inside_a_span_of_the_same_call_counts_once() -> None:
    assert counted([usage("inner", "outer", response_id="r"), usage("outer", response_id="r")]) == {"outer"}
    assert counted([usage("inner", "outer"), usage("outer")]) == {"outer"}
    assert counted([usage("inner", "between"), usage("between", "outer", None), usage("outer")]) == {"outer"}


def test_different_calls_one_inside_the_other_both_count() -> None:
    assert counted([usage("a", response_id="1"), usage("b", "a", response_id="2")]) == {"a", "b"}


def test_a_sum_counts_only_where_none_of_its_steps_does() -> None:
    agent = usage("agent", "", 30, usage_rollup=True)
    assert counted([agent, usage("one", "agent", 10), usage("two", "agent", 20)]) == {"one", "two"}
    assert counted([agent, usage("silent", "agent", None)]) == {"agent"}
    assert counted([usage("outer", "", 30), usage("one", "outer", 10), usage("two", "outer", 20, output_tokens=0)]) == {"one", "two"}


def test_one_response_id_is_one_call_in_whichever_trace() -> None:
    assert len(counted([usage("a", trace="1", response_id="r"), usage("b", trace="2", response_id="r")])) == 1


def test_what_is_stored_stays_counted() -> None:
    assert counted([usage("parent"), usage("child", "parent", stored=True)]) == {"child"}


def test_a_cycle_of_parents_ends() -> None:
    assert counted([usage("a", "b", 1), usage("b", "a", 2)]) == {"a", "b"}


# ── judgements ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_inline_annotations_have_their_scope() -> None:
    attributes = {
        "session.id": "s1",
        "annotations.0.annotation.name": "quality",
        "annotations.0.annotation.score": 0.9,
        "annotations.0.annotation.annotator_kind": "HUMAN",
        "trace.evaluations.0.evaluation.name": "solved",
        "trace.evaluations.0.evaluation.label": "yes",
        "session.annotations.0.annotation.name": "mood",
        "session.annotations.0.annotation.explanation": "calm",
    }
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=key_values(attributes))
    found = {result.name: result for result in evaluations(span)}
    assert (found["quality"].scope, found["quality"].span_id, found["quality"].source, found["quality"].value) == (
        "span",
        "73" * 8,
        "person",
        0.9,
    )
    assert (found["solved"].scope, found["solved"].span_id, found["solved"].label) == ("trace", "", "yes")
    assert (found["mood"].scope, found["mood"].session_id, found["mood"].trace_id) == ("session", "s1", "")


def test_a_carrier_judges_the_span_that_its_one_link_names() -> None:
    link = Span.Link(trace_id=b"T" * 16, span_id=b"S" * 8)
    attributes = key_values({"evaluations.0.evaluation.name": "ok", "evaluations.0.evaluation.score": 1})
    [found] = evaluations(Span(trace_id=b"t" * 16, span_id=b"s" * 8, attributes=attributes, links=[link]))
    assert (found.trace_id, found.span_id, found.value) == ("54" * 16, "53" * 8, 1.0)


def test_an_evaluation_event_and_a_log_record_say_the_same() -> None:
    told = key_values(
        {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": math.nan, "gen_ai.evaluation.score.label": "bad"}
    )
    event = Span.Event(name="gen_ai.evaluation.result", time_unix_nano=5, attributes=told)
    [from_span] = evaluations(Span(trace_id=b"t" * 16, span_id=b"s" * 8, events=[event]))
    log = LogRecord(
        trace_id=b"t" * 16, span_id=b"s" * 8, event_name="gen_ai.evaluation.result", time_unix_nano=5, attributes=told, body=any_value(None)
    )
    [from_log] = evaluations(log)
    assert from_span.value is not None
    assert math.isnan(from_span.value)  # kept as sent: whoever stores it refuses it and says why
    assert (from_log.name, from_log.label, from_log.span_id, from_log.time_ns) == ("relevance", "bad", "73" * 8, 5)
