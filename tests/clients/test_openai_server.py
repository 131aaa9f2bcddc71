"""The local provider speaks the protocols as the real ones do: whole and streamed answers, tools, JSON, embeddings, errors, usage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from openai_server import Call, OpenAIServer

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def post(server: OpenAIServer, path: str, text: str, **fields: Any) -> httpx.Response:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **fields}
    return httpx.post(server.origin + path, json=body)


def events(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def last(server: OpenAIServer) -> Call:
    return server.calls[-1]


def test_a_chat_is_answered_and_kept(server: OpenAIServer) -> None:
    answer = post(server, "/v1/chat/completions", "hello").json()
    call = last(server)
    assert (answer["model"], answer["choices"][0]["message"]["content"]) == ("gpt-4o-mini-2024-07-18", call.text)
    usage = answer["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (call.usage.input, call.usage.output)
    assert usage["prompt_tokens_details"]["cached_tokens"] == call.usage.cached
    assert usage["completion_tokens_details"]["reasoning_tokens"] == call.usage.reasoning
    assert (call.api, call.model_asked, call.last_user_text, call.status) == ("openai.chat", "gpt-4o-mini", "hello", 200)


def test_a_streamed_chat_says_the_same_and_its_usage_when_asked(server: OpenAIServer) -> None:
    for asked in (True, False):
        response = post(server, "/v1/chat/completions", "hello", stream=True, stream_options={"include_usage": asked})
        chunks = events(response)
        text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
        assert text == last(server).text
        assert [chunk["usage"]["prompt_tokens"] for chunk in chunks if chunk["usage"]] == ([last(server).usage.input] if asked else [])
        assert response.text.endswith("data: [DONE]\n\n")


def test_tools_are_called_then_answered_and_json_is_json(server: OpenAIServer) -> None:
    asked = post(server, "/v1/chat/completions", "weather", tools=[TOOL]).json()["choices"][0]
    assert asked["finish_reason"] == "tool_calls"
    call = asked["message"]["tool_calls"][0]
    assert (call["id"], call["function"]["name"]) == (last(server).tool_call_id, "get_weather")
    messages = [{"role": "user", "content": "weather"}, asked["message"], {"role": "tool", "tool_call_id": call["id"], "content": "21C"}]
    body = {"model": "gpt-4o", "messages": messages, "tools": [TOOL]}
    done = httpx.post(server.openai_url + "/chat/completions", json=body).json()
    assert (done["choices"][0]["finish_reason"], last(server).answer) == ("stop", "after tool")
    in_json = post(server, "/v1/chat/completions", "x", response_format={"type": "json_object"}).json()
    assert json.loads(in_json["choices"][0]["message"]["content"])["city"] == "Paris"


def test_errors_have_the_providers_form(server: OpenAIServer) -> None:
    for status in (400, 429, 500):
        response = post(server, "/v1/chat/completions", f"[status {status}]")
        assert (response.status_code, last(server).status) == (status, status)
        assert response.json()["error"]["type"]
        assert response.headers.get("retry-after") == ("1" if status == 429 else None)
    assert post(server, "/v1/messages", "[status 400]").json()["type"] == "error"
    assert [post(server, "/v1/chat/completions", "[status 429 once]").status_code for _ in range(2)] == [429, 200]
    assert httpx.post(server.openai_url + "/chat/completions", content=b"{").status_code == 400
    assert httpx.post(server.openai_url + "/nothing", json={}).status_code == 404


def test_embeddings_come_one_for_each_input(server: OpenAIServer) -> None:
    body = {"model": "text-embedding-3-small", "input": ["a", "b"]}
    answer = httpx.post(server.openai_url + "/embeddings", json=body).json()
    assert [item["index"] for item in answer["data"]] == [0, 1]
    assert answer["usage"]["prompt_tokens"] == last(server).usage.input


def test_responses_are_whole_and_streamed(server: OpenAIServer) -> None:
    whole = post(server, "/v1/responses", "", input="hello").json()
    assert whole["output"][0]["content"][0]["text"] == last(server).text
    assert whole["usage"]["input_tokens_details"]["cached_tokens"] == last(server).usage.cached
    told = events(post(server, "/v1/responses", "", input="hello", stream=True))
    assert (told[0]["type"], told[-1]["type"]) == ("response.created", "response.completed")
    assert "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta") == last(server).text
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    tool = {"type": "function", "name": "get_weather", "parameters": {}}
    called = events(post(server, "/v1/responses", "", input="weather", stream=True, tools=[tool]))
    assert called[-1]["response"]["output"][0]["call_id"] == last(server).tool_call_id


def test_anthropic_tells_its_input_without_the_cache(server: OpenAIServer) -> None:
    whole = post(server, "/v1/messages", "hello", max_tokens=9).json()
    usage, call = whole["usage"], last(server)
    assert usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"] == call.usage.input
    assert whole["content"] == [{"type": "text", "text": call.text}]
    told = events(post(server, "/v1/messages", "hello", max_tokens=9, stream=True))
    assert "".join(event["delta"]["text"] for event in told if event["type"] == "content_block_delta") == call.text
    assert told[-2]["usage"]["output_tokens"] == call.usage.output
    called = post(server, "/v1/messages", "weather", tools=[{"name": "get_weather", "input_schema": {}}]).json()
    assert (called["stop_reason"], called["content"][0]["input"]) == ("tool_use", {"city": "Paris"})


def test_the_same_request_gets_the_same_answer(server: OpenAIServer) -> None:
    def said(number: int) -> dict[str, Any]:
        answer = post(server, "/v1/chat/completions", "hello").json()
        return {key: value for key, value in answer.items() if key != "id"}

    assert said(1) == said(2)
