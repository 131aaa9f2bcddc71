"""The demo is whole, in order, the same for the same seed, and reads like different people."""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.demo import PROJECTS, generate
from demo_end import UNTIL_NS

DAY_NS = 86_400 * 10**9
Spans = list[tuple[str, Span]]


def attributes(span: Span) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for item in span.attributes:
        assert item.key not in out, f"{span.name} has {item.key} twice"
        kind = item.value.WhichOneof("value")
        out[item.key] = [v.string_value for v in item.value.array_value.values] if kind == "array_value" else getattr(item.value, str(kind))
    return out


def test_there_are_twenty_thousand_spans_of_two_projects_over_fourteen_days(spans: Spans) -> None:
    assert len(spans) >= 20_000
    assert {project for project, _ in spans} == set(PROJECTS)
    starts = [span.start_time_unix_nano for _, span in spans]
    assert min(starts) >= UNTIL_NS - 14 * DAY_NS
    assert max(span.end_time_unix_nano for _, span in spans) <= UNTIL_NS
    assert len({start // DAY_NS for start in starts}) >= 14
    assert min(starts) < UNTIL_NS - 13.9 * DAY_NS
    assert len({start % 1000 for start in starts}) > 900  # nanoseconds, not milliseconds


def test_requests_are_small_and_in_the_order_of_time(requests: list[ExportTraceServiceRequest]) -> None:
    ends = []
    for request in requests:
        assert sum(len(resource.scope_spans[0].spans) for resource in request.resource_spans) <= 300
        ends.append(max(span.end_time_unix_nano for resource in request.resource_spans for span in resource.scope_spans[0].spans))
        for resource in request.resource_spans:
            told = {item.key for item in resource.resource.attributes}
            assert {"service.name", "service.version", "deployment.environment.name", "clew.project.name"} <= told
    assert ends == sorted(ends)


def test_every_trace_is_whole_and_children_lie_and_end_within_their_parents(spans: Spans) -> None:
    traces: dict[bytes, list[Span]] = defaultdict(list)
    for _, span in spans:
        traces[span.trace_id].append(span)
    assert len({span.span_id for _, span in spans}) == len(spans)
    for trace in traces.values():
        known = {span.span_id: span for span in trace}
        assert [bool(span.parent_span_id) for span in trace].count(False) == 1
        assert not trace[-1].parent_span_id
        assert [span.end_time_unix_nano for span in trace] == sorted(span.end_time_unix_nano for span in trace)
        for span in trace:
            assert span.start_time_unix_nano < span.end_time_unix_nano
            if span.parent_span_id:
                parent = known[span.parent_span_id]
                assert parent.start_time_unix_nano <= span.start_time_unix_nano
                assert span.end_time_unix_nano <= parent.end_time_unix_nano
            for event in span.events:
                assert span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano


def test_the_same_seed_and_end_make_the_same_bytes_and_another_seed_others() -> None:
    def made(seed: int, until_ns: int) -> list[bytes]:
        return [request.SerializeToString(deterministic=True) for request in generate(seed, until_ns, sessions=60)]

    assert made(5, UNTIL_NS) == made(5, UNTIL_NS)
    assert made(5, UNTIL_NS) != made(6, UNTIL_NS)
    assert made(5, UNTIL_NS) != made(5, UNTIL_NS + DAY_NS)


def test_it_is_made_in_seconds_of_one_core() -> None:
    begin = time.process_time()
    count = sum(len(resource.scope_spans[0].spans) for request in generate(2, UNTIL_NS) for resource in request.resource_spans)
    assert (time.process_time() - begin) * 20_000 / count < 15


def test_token_counts_add_up(spans: Spans) -> None:
    cached = reasoning = written = 0
    for _, span in spans:
        told = attributes(span)
        if "llm.token_count.total" in told:
            prompt, completion = told["llm.token_count.prompt"], told.get("llm.token_count.completion", 0)
            assert told["llm.token_count.total"] == prompt + completion
            assert 0 <= told.get("llm.token_count.prompt_details.cache_read", 0) <= prompt
            assert 0 <= told.get("llm.token_count.completion_details.reasoning", 0) < max(completion, 1)
            cached += told.get("llm.token_count.prompt_details.cache_read", 0)
        if "gen_ai.usage.input_tokens" in told:
            read, wrote = (told.get(f"gen_ai.usage.{key}.input_tokens", 0) for key in ("cache_read", "cache_creation"))
            assert read >= 0 <= wrote
            assert read + wrote <= told["gen_ai.usage.input_tokens"]
            thought = told.get("gen_ai.usage.reasoning.output_tokens", 0)
            assert thought < told["gen_ai.usage.output_tokens"]
            assert 0 < told["gen_ai.response.time_to_first_chunk"] * 1e9 <= span.end_time_unix_nano - span.start_time_unix_nano
            reasoning, written = reasoning + thought, written + wrote
    assert min(cached, reasoning, written) > 0


def test_json_attributes_are_json_and_messages_follow_the_schema(spans: Spans) -> None:
    for _, span in spans:
        told = attributes(span)
        for key, value in told.items():
            if (
                key.endswith((".messages", ".definitions", ".instructions", ".arguments", ".parameters", "json_schema"))
                or key == "metadata"
            ):
                json.loads(value)
        for key in ("gen_ai.input.messages", "gen_ai.output.messages"):
            for message in json.loads(told.get(key, "[]")):
                assert message["role"] in ("user", "assistant", "tool")
                assert all(part["type"] in ("text", "tool_call", "tool_call_response") for part in message["parts"])


def test_a_tool_result_in_the_messages_answers_a_call_made_before(spans: Spans) -> None:
    for _, span in spans:
        called: set[str] = set()
        for message in json.loads(attributes(span).get("gen_ai.input.messages", "[]")):
            for part in message["parts"]:
                if part["type"] == "tool_call":
                    called.add(part["id"])
                elif part["type"] == "tool_call_response":
                    assert part["id"] in called


def questions(spans: Spans) -> list[tuple[str, str]]:
    """Language and words of every turn."""
    out = []
    for _, span in spans:
        told = attributes(span)
        if span.name == "answer_customer":
            out.append((told["app.language"], told["input.value"]))
        elif span.name.startswith("invoke_agent"):
            out.append((told["app.language"], json.loads(told["gen_ai.input.messages"])[0]["parts"][0]["content"]))
    return out


def test_customers_write_in_five_languages_and_rarely_the_same(spans: Spans) -> None:
    said = questions(spans)
    shares = Counter(language for language, _ in said)
    assert set(shares) == {"en", "de", "es", "zh", "ar"}
    assert shares["en"] > shares["de"] > shares["zh"] > shares["ar"] > 0.01 * len(said)


def test_conversations_do_not_begin_alike(spans: Spans) -> None:
    first: dict[str, str] = {}
    for _, span in spans:
        told = attributes(span)
        if span.name == "answer_customer":
            first.setdefault(told["session.id"], told["input.value"])
        elif span.name.startswith("invoke_agent"):
            first.setdefault(told["gen_ai.conversation.id"], json.loads(told["gen_ai.input.messages"])[0]["parts"][0]["content"])
    assert len(set(first.values())) > 0.97 * len(first) > 1500


def test_no_piece_of_the_grammar_shows_through(spans: Spans) -> None:
    for _, text in questions(spans):
        assert text.strip()
        assert not re.search(r"[{}\[\]|]|  | ,|\bNone\b", text), text


def test_sessions_have_several_turns_of_one_person(spans: Spans) -> None:
    turns, people = Counter[str](), defaultdict[str, set[str]](set)
    for _, span in spans:
        told = attributes(span)
        session = told.get("session.id") or told.get("gen_ai.conversation.id")
        if session and span.name in ("answer_customer", "invoke_agent booking_agent"):
            turns[session] += 1
            people[session].add(told["user.id"])
    assert all(len(who) == 1 for who in people.values())
    assert 1.8 < sum(turns.values()) / len(turns) < 4
    assert max(turns.values()) >= 6


def test_failures_are_of_real_kinds_with_status_type_and_exception(spans: Spans) -> None:
    kinds = set()
    for _, span in spans:
        if span.status.code == 2:
            assert span.status.message
            assert any(event.name == "exception" for event in span.events)
            kinds.add(attributes(span)["error.type"])
    assert {"TimeoutError", "RateLimitError", "ValidationError", "timeout", "429", "400", "invalid_arguments"} <= kinds


def test_feedback_links_to_one_trace_that_was_sent_before(spans: Spans) -> None:
    sent: set[bytes] = set()
    names = Counter[str]()
    for _, span in spans:
        if span.name == "feedback":
            told = attributes(span)
            if "session.annotations.0.annotation.name" in told:
                assert told["session.id"]
                names[told["session.annotations.0.annotation.name"]] += 1
            else:
                assert [link.trace_id in sent for link in span.links] == [True]
                names[told["trace.annotations.0.annotation.name"]] += 1
        sent.add(span.trace_id)
    assert min(names[name] for name in ("user_thumbs", "review", "csat")) > 50


def test_retrieved_documents_come_with_falling_scores(spans: Spans) -> None:
    seen = 0
    for _, span in spans:
        told = attributes(span)
        scores = [told[key] for i in range(9) if (key := f"retrieval.documents.{i}.document.score") in told]
        if scores:
            seen += 1
            assert scores == sorted(scores, reverse=True)
            assert all(0 < score < 1 for score in scores)
            assert all(told[f"retrieval.documents.{i}.document.content"] for i in range(len(scores)))
    assert seen > 300
