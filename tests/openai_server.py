"""A local HTTP server that speaks the protocols of OpenAI (chat completions, responses, embeddings, models) and Anthropic (messages).

Real clients are tested against it over the wire. Answers are decided by the request alone, so they are the same on every run:

* the last user text holds ``[status 400]``, ``[status 429]`` or ``[status 500]``: that error, in the provider's own form (429 with
  Retry-After); ``[status 429 once]`` fails the first time that this text is asked and answers the second time;
* tools are offered and no tool has answered yet: a call of the first tool, ``{"city": "Paris"}``;
* JSON is asked for: ``{"city": "Paris", "degrees": 21}``; else a sentence.

``OpenAIServer.calls`` tells what was asked and answered, as the provider knows it, for tests to compare with what a client recorded.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DATED = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}
CREATED = 1_760_000_000
ARGUMENTS = '{"city":"Paris"}'
JSON_TEXT = '{"city":"Paris","degrees":21}'
ANSWERS = {
    "chat": "Paris is the capital of France — voilà ✓",
    "after tool": "It is 21 °C and sunny in Paris.",
    "json": JSON_TEXT,
    "tool": "",
}


@dataclass(frozen=True)
class Usage:
    """Tokens of one call: ``input`` holds the cached and the cache-written, ``output`` holds the reasoning."""

    input: int
    output: int
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0


USAGE = {
    "chat": Usage(212, 34, cached=128, cache_written=20, reasoning=9),
    "tool": Usage(318, 21, cached=256, cache_written=20, reasoning=5),
    "after tool": Usage(366, 40, cached=300, cache_written=20, reasoning=8),
    "json": Usage(151, 25),
    "embedding": Usage(12, 0),
}


@dataclass(frozen=True)
class Call:
    """One call as the provider saw and answered it."""

    number: int
    api: str  # openai.chat, openai.responses, openai.embeddings, anthropic.messages
    stream: bool
    model_asked: str
    model_answered: str
    last_user_text: str
    answer: str
    text: str
    tool_name: str = ""
    tool_call_id: str = ""
    usage: Usage = Usage(0, 0)
    response_id: str = ""
    status: int = 200
    request: dict[str, Any] | None = None


class OpenAIServer:
    """The server on a free port of this machine, with the record of its calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._failed_once: set[str] = set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def openai_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return self.origin + "/v1"

    @property
    def anthropic_url(self) -> str:
        """What ANTHROPIC_BASE_URL is set to."""
        return self.origin

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> OpenAIServer:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def answered(self) -> list[Call]:
        """The calls that got an answer, not an error."""
        return [call for call in self.calls if call.status == 200]

    def take(self, api: str, request: dict[str, Any]) -> Call:
        """Decides the answer to one request and keeps the record of it."""
        with self._lock:
            call = _decide(len(self.calls) + 1, api, request, self._failed_once)
            self.calls.append(call)
            return call


def _decide(number: int, api: str, request: dict[str, Any], failed_once: set[str]) -> Call:
    asked = str(request.get("model", ""))
    text = _last_user_text(api, request)
    answer = "embedding" if api == "openai.embeddings" else _answer_kind(api, request)
    tool = _first_tool(api, request) if answer == "tool" else ""
    return Call(
        number=number,
        api=api,
        stream=bool(request.get("stream")),
        model_asked=asked,
        model_answered=DATED.get(asked, asked),
        last_user_text=text,
        answer=answer,
        text=ANSWERS.get(answer, ""),
        tool_name=tool,
        tool_call_id=f"call_{number:04d}" if tool else "",
        usage=USAGE[answer],
        response_id=f"answer-{number:04d}",
        status=_status(text, failed_once),
        request=request,
    )


def _status(text: str, failed_once: set[str]) -> int:
    if "[status 429 once]" in text:
        if text in failed_once:
            return 200
        failed_once.add(text)
        return 429
    return next((status for status in (400, 429, 500) if f"[status {status}]" in text), 200)


def _items(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages (chat, Anthropic) or input items (responses) as a list."""
    items = request.get("messages", request.get("input", []))
    return [{"role": "user", "content": items}] if isinstance(items, str) else [item for item in items if isinstance(item, dict)]


def _last_user_text(api: str, request: dict[str, Any]) -> str:
    if api == "openai.embeddings":
        asked = request.get("input", "")
        return asked if isinstance(asked, str) else " ".join(map(str, asked))
    for item in reversed(_items(request)):
        if item.get("role") == "user":
            text = _content_text(item.get("content"))
            if text:
                return text
    return ""


def _content_text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part["text"]) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _answer_kind(api: str, request: dict[str, Any]) -> str:
    if any(_is_tool_answer(item) for item in _items(request)):
        return "after tool"
    if request.get("tools") and request.get("tool_choice") != "none":
        return "tool"
    form = request.get("response_format") or (request.get("text") or {}).get("format") or {}
    return "json" if str(form.get("type", "")).startswith("json") else "chat"


def _is_tool_answer(item: dict[str, Any]) -> bool:
    if item.get("role") == "tool" or item.get("type") == "function_call_output":
        return True
    parts = item.get("content")
    return isinstance(parts, list) and any(isinstance(part, dict) and part.get("type") == "tool_result" for part in parts)


def _first_tool(api: str, request: dict[str, Any]) -> str:
    tool = request["tools"][0]
    return str(tool.get("function", tool).get("name", ""))


# --- chat completions ------------------------------------------------------------------------------------


def _openai_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
    }


def _chat_tool_calls(call: Call) -> list[dict[str, Any]]:
    return [{"id": call.tool_call_id, "type": "function", "function": {"name": call.tool_name, "arguments": ARGUMENTS}}]


def _chat(call: Call) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": call.text or None, "refusal": None}
    if call.tool_name:
        message["tool_calls"] = _chat_tool_calls(call)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if call.tool_name else "stop"}
    return {**_chat_head(call, "chat.completion"), "choices": [choice], "usage": _openai_usage(call.usage)}


def _chat_head(call: Call, what: str) -> dict[str, Any]:
    return {"id": call.response_id, "object": what, "created": CREATED, "model": call.model_answered, "service_tier": "default"}


def _chat_stream(call: Call) -> Iterator[str]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _data({**_chat_head(call, "chat.completion.chunk"), "choices": [choice], "usage": None})

    yield chunk({"role": "assistant", "content": None if call.tool_name else ""})
    if call.tool_name:
        first = {**_chat_tool_calls(call)[0], "index": 0}
        yield chunk({"tool_calls": [{**first, "function": {"name": call.tool_name, "arguments": ""}}]})
        for piece in _pieces(ARGUMENTS):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    for piece in _pieces(call.text):
        yield chunk({"content": piece})
    yield chunk({}, "tool_calls" if call.tool_name else "stop")
    if ((call.request or {}).get("stream_options") or {}).get("include_usage"):
        yield _data({**_chat_head(call, "chat.completion.chunk"), "choices": [], "usage": _openai_usage(call.usage)})
    yield "data: [DONE]\n\n"


# --- responses -------------------------------------------------------------------------------------------


def _response_item(call: Call) -> dict[str, Any]:
    if call.tool_name:
        head = {"type": "function_call", "id": f"fc_{call.number:04d}", "status": "completed"}
        return {**head, "call_id": call.tool_call_id, "name": call.tool_name, "arguments": ARGUMENTS}
    part = {"type": "output_text", "text": call.text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": f"msg_{call.number:04d}", "status": "completed", "role": "assistant", "content": [part]}


def _response(call: Call, *, done: bool = True) -> dict[str, Any]:
    request, usage = call.request or {}, call.usage
    told = {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }
    return {
        "id": call.response_id,
        "object": "response",
        "created_at": CREATED,
        "status": "completed" if done else "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "metadata": {},
        "model": call.model_answered,
        "output": [_response_item(call)] if done else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools", []),
        "top_p": 1.0,
        "usage": told if done else None,
    }


def _response_stream(call: Call) -> Iterator[str]:
    number = iter(range(1_000))

    def event(what: str, **fields: Any) -> str:
        return f"event: {what}\n" + _data({"type": what, "sequence_number": next(number), **fields})

    item = _response_item(call)
    at = {"item_id": item["id"], "output_index": 0}
    started = {**item, "status": "in_progress", **({"arguments": ""} if call.tool_name else {"content": []})}
    yield event("response.created", response=_response(call, done=False))
    yield event("response.output_item.added", output_index=0, item=started)
    if call.tool_name:
        for piece in _pieces(ARGUMENTS):
            yield event("response.function_call_arguments.delta", **at, delta=piece)
        yield event("response.function_call_arguments.done", **at, arguments=ARGUMENTS, name=call.tool_name)
    else:
        part = item["content"][0]
        yield event("response.content_part.added", **at, content_index=0, part={**part, "text": ""})
        for piece in _pieces(call.text):
            yield event("response.output_text.delta", **at, content_index=0, delta=piece, logprobs=[])
        yield event("response.output_text.done", **at, content_index=0, text=call.text, logprobs=[])
        yield event("response.content_part.done", **at, content_index=0, part=part)
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response=_response(call))


# --- Anthropic messages ----------------------------------------------------------------------------------


def _anthropic_usage(usage: Usage) -> dict[str, Any]:
    """Anthropic's input tokens are those that came neither from the cache nor went into it."""
    return {
        "input_tokens": usage.input - usage.cached - usage.cache_written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.cache_written,
        "output_tokens": usage.output,
    }


def _anthropic_message(call: Call, *, done: bool = True) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": call.text}
    if call.tool_name:
        block = {"type": "tool_use", "id": call.tool_call_id, "name": call.tool_name, "input": json.loads(ARGUMENTS)}
    return {
        "id": call.response_id,
        "type": "message",
        "role": "assistant",
        "model": call.model_answered,
        "content": [block] if done else [],
        "stop_reason": ("tool_use" if call.tool_name else "end_turn") if done else None,
        "stop_sequence": None,
        "usage": _anthropic_usage(call.usage) if done else {**_anthropic_usage(call.usage), "output_tokens": 0},
    }


def _anthropic_stream(call: Call) -> Iterator[str]:
    def event(what: str, **fields: Any) -> str:
        return f"event: {what}\n" + _data({"type": what, **fields})

    whole = _anthropic_message(call)
    block = whole["content"][0]
    empty = {**block, "input": {}} if call.tool_name else {"type": "text", "text": ""}
    yield event("message_start", message=_anthropic_message(call, done=False))
    yield event("content_block_start", index=0, content_block=empty)
    for piece in _pieces(ARGUMENTS if call.tool_name else call.text):
        delta = {"type": "input_json_delta", "partial_json": piece} if call.tool_name else {"type": "text_delta", "text": piece}
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=ended, usage={"output_tokens": call.usage.output})
    yield event("message_stop")


# --- the rest of the protocol ----------------------------------------------------------------------------


def _embeddings(call: Call) -> dict[str, Any]:
    asked = (call.request or {}).get("input", "")
    texts = [asked] if isinstance(asked, str) else list(asked)
    vectors = [{"object": "embedding", "index": index, "embedding": [0.1, -0.2, 0.3, 0.4]} for index in range(len(texts))]
    usage = {"prompt_tokens": call.usage.input, "total_tokens": call.usage.input}
    return {"object": "list", "data": vectors, "model": call.model_answered, "usage": usage}


def _error(call: Call) -> dict[str, Any]:
    kinds = {400: "invalid_request_error", 429: "rate_limit_error", 500: "api_error"}
    error = {"type": kinds[call.status], "message": f"asked for status {call.status}"}
    if call.api.startswith("anthropic"):
        return {"type": "error", "error": error}
    return {"error": {**error, "param": None, "code": None}}


def _data(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _pieces(text: str, size: int = 9) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


APIS = {
    "/v1/chat/completions": ("openai.chat", _chat, _chat_stream),
    "/v1/responses": ("openai.responses", _response, _response_stream),
    "/v1/embeddings": ("openai.embeddings", _embeddings, None),
    "/v1/messages": ("anthropic.messages", _anthropic_message, _anthropic_stream),
}


def _handler(server: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            models = [{"id": name, "object": "model", "created": CREATED, "owned_by": "local"} for name in DATED]
            self._answer(200, {"object": "list", "data": models})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            known = APIS.get(self.path.partition("?")[0])
            if known is None:
                self._answer(404, {"error": {"type": "not_found_error", "message": "there is no such path"}})
                return
            try:
                request = json.loads(body)
            except ValueError:
                self._answer(400, {"error": {"type": "invalid_request_error", "message": "the body is not JSON"}})
                return
            api, whole, stream = known
            call = server.take(api, request)
            if call.status != 200:
                self._answer(call.status, _error(call), {"Retry-After": "1"} if call.status == 429 else {})
            elif call.stream and stream is not None:
                self._stream(stream(call))
            else:
                self._answer(200, whole(call))

        def _answer(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            for key, text in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(key, text)
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, events: Iterator[str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in events:
                data = event.encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it so)
            return

    return Handler
