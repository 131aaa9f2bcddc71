"""What twelve real clients sent comes out as what was truly asked and answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.traces.recorded import CLIENTS, Recording, recording

from clew.traces.canonical import canonical
from clew.traces.dialects import counted
from clew.traces.model import Canonical, SpanRecord, ToolCall

pytestmark = pytest.mark.field

TOKENS = {
    "prompt_tokens": "input",
    "completion_tokens": "output",
    "cached_tokens": "cache_read",
    "cache_creation_tokens": "cache_write",
    "reasoning_tokens": "reasoning",
}


@pytest.fixture(params=CLIENTS)
def recorded(request: pytest.FixtureRequest, field_data: Path) -> Recording:
    return recording(field_data, request.param)


def meant(recorded: Recording, call: dict[str, Any]) -> Canonical:
    return canonical(recorded.spans[call["span_id"]], recorded.logs.get(call["span_id"], ()))


def told(call: dict[str, Any], name: str) -> bool:
    """Whether the client recorded the field on the span, an event or a log record."""
    return bool(call["recorded"].get(name))


def name_of(call: dict[str, Any]) -> str:
    return f"{call['scenario']} {call['span_name']} {call['span_id']}"


def test_models_asked_and_answered_are_the_providers(recorded: Recording) -> None:
    for call in recorded.calls:
        found = meant(recorded, call)
        if told(call, "model_answered") and call["model_answered"]:
            assert found.model_answered == call["model_answered"] or "companion_span" in call, name_of(call)
        if told(call, "model_requested"):
            # Langfuse has one name for both and keeps the answered one, which begins with the one asked.
            assert found.model_asked.startswith(call["model_requested"]), name_of(call)
            assert found.model_asked == call["model_requested"] or found.dialect == "langfuse", name_of(call)


def test_tokens_are_the_providers(recorded: Recording) -> None:
    for call in recorded.calls:
        tokens = meant(recorded, call).tokens
        for name, column in TOKENS.items():
            if not told(call, name) or call[name] is None:
                continue
            assert getattr(tokens, column) == call[name], (name_of(call), name)
        if tokens.input is not None and tokens.cache_read is not None:
            assert tokens.uncached == tokens.input - tokens.cache_read - (tokens.cache_write or 0), name_of(call)


def test_nothing_is_counted_that_the_provider_did_not_say(recorded: Recording) -> None:
    for call in recorded.calls:
        if not call["usage_sent_to_client"]:
            assert meant(recorded, call).tokens.input is None, name_of(call)


def test_the_users_words_and_the_answer_are_there(recorded: Recording) -> None:
    for call in recorded.calls:
        found = meant(recorded, call)
        if told(call, "last_user_text"):
            words = found.last_user_text or next((embedding.text for embedding in found.embeddings), "")
            assert words == call["last_user_text"], name_of(call)
        if told(call, "output_text") and call["output_text"]:
            assert same_text(found.output_text, call["output_text"]), name_of(call)


def same_text(found: str, wanted: str) -> bool:
    """Equal, or equal as JSON: a client that parses a JSON answer writes it in its own spacing."""
    return found == wanted or (wanted.startswith("{") and json.loads(found) == json.loads(wanted))


def test_tool_calls_have_their_names_arguments_and_ids(recorded: Recording) -> None:
    for call in recorded.calls:
        if not told(call, "tool_call_name"):
            continue
        parts = [part for message in meant(recorded, call).messages_out for part in message.parts if isinstance(part, ToolCall)]
        assert [part.name for part in parts] == [wanted["name"] for wanted in call["tool_calls"]], name_of(call)
        if told(call, "tool_call_arguments"):
            assert [part.arguments for part in parts] == [wanted["arguments"] for wanted in call["tool_calls"]], name_of(call)
        lost = {mismatch.split()[3] for mismatch in call["mismatches"] if mismatch.startswith("tool call id")}
        for part, wanted_id in zip(parts, call["tool_call_ids"], strict=False):
            assert part.id in (wanted_id, "") or wanted_id in lost or part.id.startswith("fc_"), name_of(call)


def test_sessions_and_users_are_found(recorded: Recording) -> None:
    for call in recorded.calls:
        found = meant(recorded, call)
        if told(call, "session_id"):
            assert found.session_id == call["session_id"], name_of(call)
        if told(call, "user_id"):
            assert found.user_id == call["user_id"], name_of(call)


def test_response_ids_and_finish_reasons_are_found_where_they_are_told(recorded: Recording) -> None:
    for call in recorded.calls:
        found = meant(recorded, call)
        lost = " ".join(call["mismatches"])
        if call["response_id"] and "response id" not in lost and call["span_id"] in recorded.spans:
            assert found.response_id == call["response_id"], name_of(call)
        if call["finish_reason"] and "finish reason" not in lost and call["finish_reason"] != "completed":
            assert call["finish_reason"] in found.finish_reasons, name_of(call)


def test_errors_say_what_happened(recorded: Recording) -> None:
    for call in recorded.calls:
        found = meant(recorded, call)
        assert (found.problem is not None) == call["error"], name_of(call)
        if found.problem and told(call, "error_text"):
            assert call["error_text"] in found.problem.message, name_of(call)


def test_offered_tools_are_found(recorded: Recording) -> None:
    for call in recorded.calls:
        found = meant(recorded, call)
        if call["tools_offered"] and found.tools:
            assert [tool.name for tool in found.tools] == call["tools_offered"], name_of(call)
            assert all(isinstance(tool.parameters, dict) for tool in found.tools), name_of(call)


def test_tool_runs_have_their_arguments_and_result(recorded: Recording) -> None:
    wanted = recorded.expected["tool_executions_by_the_framework"]
    for execution in wanted["spans"]:
        tool = canonical(recorded.spans[execution["span_id"]]).tool
        assert tool is not None
        assert tool.name == wanted["expected_each"]["tool"]
        assert tool.arguments in (wanted["expected_each"]["arguments"], "Paris")
        assert tool.result == wanted["expected_each"]["result"]


def test_tokens_count_once_a_call(recorded: Recording) -> None:
    """Summed over what counts, the tokens of a recording are the provider's, though several spans tell of one call."""
    rows = [usage_row(span) for span in recorded.spans.values()]
    counts = [row for row in rows if row["span"] in counted(rows)]
    found = {side: sum(row[f"{side}_tokens"] or 0 for row in counts) for side in ("input", "output")}
    calls = [call for call in recorded.calls if call["usage_sent_to_client"]]
    seen = [call for call in calls if told(call, "prompt_tokens") or call.get("companion_span") or call["api"] == "openai.embeddings"]
    assert found["input"] == sum(call["prompt_tokens"] for call in seen if call["prompt_tokens"])
    assert found["output"] == sum(call["completion_tokens"] for call in seen if call["completion_tokens"])


def usage_row(span: SpanRecord) -> dict[str, Any]:
    found = canonical(span)
    return {
        "trace": span.trace_id,
        "span": span.span_id,
        "parent": span.parent_id,
        "has_usage": found.tokens.input is not None or found.tokens.output is not None,
        "usage_rollup": found.usage_rollup,
        "kind": found.kind,
        "response_id": found.response_id,
        "input_tokens": found.tokens.input,
        "output_tokens": found.tokens.output,
    }
