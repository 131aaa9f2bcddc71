"""Messages in any of the forms senders use → canonical messages.

Known forms: gen_ai parts, OpenAI chat and Responses, Anthropic, Vercel AI, LangChain, indexed attributes. Whatever is not known, or is broken,
becomes one generic part and never takes its neighbours with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from clew.core.jsontext import loads_or_none
from clew.traces.model import Generic, Media, Message, Part, Reasoning, Text, ToolCall, ToolResult

MAX_NESTING = 6  # of objects that hold the messages of objects

_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "AIMessageChunk": "assistant"}
_TEXT = {"text", "input_text", "output_text", "refusal"}
_REASONING = {"reasoning", "thinking", "redacted_thinking", "reasoning_text"}
_CALLS = {"tool_call", "tool_use", "tool-call", "function_call", "server_tool_call", "server_tool_use", "custom_tool_call"}
_RESULTS = {
    "tool_call_response",
    "tool_result",
    "tool-result",
    "function_call_output",
    "server_tool_call_response",
    "custom_tool_call_output",
}
_MEDIA = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "file": "file",
    "input_file": "file",
    "document": "document",
    "blob": "",
    "uri": "",
    "media": "",
}
_INDEX = re.compile(r"^\d+$")


def decode(value: Any) -> Any:
    """JSON text as the value it stands for; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        found = loads_or_none(value)
        return value if found is None else found
    return value


def messages(value: Any, role: str, nesting: int = 0) -> tuple[Message, ...]:
    """The messages in ``value``; ``role`` is whose they are where they do not say."""
    sent, value = value, decode(value)
    if value is None or value == "" or value == []:
        return ()
    if isinstance(value, str):
        return (Message(role, (Text(value),)),)
    if isinstance(value, list):
        if value and all(isinstance(item, list) for item in value):  # LangChain batches: [[message, …]]
            value = [item for batch in value for item in batch]
        return _joined(_one(item, role) for item in value)
    if isinstance(value, Mapping):
        found = _of_object(value, role, nesting)
        if isinstance(sent, str) and len(found) == 1 and found[0].parts and isinstance(found[0].parts[0], Generic):
            return (Message(role, (Text(sent),)),)  # JSON that holds no messages: an answer in JSON mode, a function's arguments
        return found
    return (Message(role, (Generic("value", value),)),)


def _joined(found: Iterable[Message]) -> tuple[Message, ...]:
    """Loose parts of one speaker (Responses items, texts) stay messages of their own; empty ones go."""
    return tuple(message for message in found if message.parts or message.name or message.role)


def _of_object(value: Mapping[str, Any], role: str, nesting: int) -> tuple[Message, ...]:
    if "role" in value or value.get("type") in ("message", "human", "ai", "system", "tool", "function_call", "function_call_output"):
        return (_one(value, role),)
    if nesting < MAX_NESTING:
        system = [
            _one({"role": "system", "content": value[key]}, "system")
            for key in ("system", "instructions")
            if isinstance(value.get(key), str)
        ]
        for key in ("messages", "choices", "generations", "contents", "input", "output", "prompt"):
            inner = value.get(key)
            if isinstance(inner, list | Mapping) or (isinstance(inner, str) and (key == "prompt" or "model" in value or len(value) == 1)):
                found = messages(inner, role, nesting + 1)
                return (*system, *found) if key in ("messages", "input", "prompt") else found
    if isinstance(value.get("content"), str | list) or "tool_calls" in value:
        return (_one(value, role),)
    return (Message(role, (Generic("object", dict(value)),)),)


def _one(item: Any, role: str) -> Message:
    """One message; broken ones become one generic part."""
    try:
        return _message(item, role)
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        return Message(role, (Generic("malformed", item),))


def _message(item: Any, role: str) -> Message:
    if isinstance(item, str):
        word = decode(item)  # Vercel AI writes each text to embed as JSON
        return Message(role, (Text(word if isinstance(word, str) else item),))
    if not isinstance(item, Mapping):
        return Message(role, (Generic("malformed", item),))
    for wrapper in ("message", "data", "kwargs"):
        inner = item.get(wrapper)
        if isinstance(inner, Mapping) and "role" not in item and "content" not in item:
            kind = item.get("type")
            merged = {**inner, **({"finish_reason": item["finish_reason"]} if item.get("finish_reason") else {})}
            return _message({"type": kind, **merged} if kind and wrapper == "data" else merged, role)
    kind = str(item.get("type") or "")
    said = item.get("role") or (kind if kind in (*_ROLES, "system", "tool") and "content" in item else "")
    if not said and kind in _CALLS | _RESULTS | _REASONING | _TEXT | set(_MEDIA):
        speaker = "tool" if kind in _RESULTS else "assistant" if kind in _CALLS else role
        return Message(speaker, tuple(parts([item])))
    name = str(said or role)
    found = [*_content(item, name), *_called(item)]
    finish = item.get("finish_reason") or item.get("stop_reason") or ""
    return Message(_ROLES.get(name, name), tuple(_unique(found)), str(item.get("name") or ""), str(finish))


def _content(item: Mapping[str, Any], role: str) -> list[Part]:
    result_of = item.get("tool_call_id") or item.get("id") if _ROLES.get(role, role) == "tool" else None
    if "parts" in item:
        return parts(item["parts"])
    content = item.get("content", item.get("text", item.get("contents")))
    listed = decode(content) if isinstance(content, str) and content[:2] in ("[{", '["') else content
    if isinstance(listed, list) and listed is not content and not all(isinstance(part, Mapping) and "type" in part for part in listed):
        listed = content
    if result_of is not None and not _holds_results(listed):
        return [ToolResult(listed, str(result_of or ""), str(item.get("name") or ""))]
    if listed is None or listed == "":
        return []
    return parts(listed)


def _holds_results(content: Any) -> bool:
    return isinstance(content, list) and any(isinstance(part, Mapping) and part.get("type") in _RESULTS for part in content)


def _called(item: Mapping[str, Any]) -> list[Part]:
    calls = decode(item.get("tool_calls"))
    found = (
        [_part({"type": "tool_call", **call}) if isinstance(call, Mapping) else Generic("malformed", call) for call in calls]
        if isinstance(calls, list)
        else []
    )
    single = item.get("function_call")
    if isinstance(single, Mapping):
        found.append(_part({**single, "type": "tool_call"}))
    return found


def _unique(found: list[Part]) -> list[Part]:
    """Without tool calls that are told twice: some senders put them into the contents and into a list of their own."""
    kept: list[Part] = []
    seen: set[tuple[str, str]] = set()
    for part in found:
        if isinstance(part, ToolCall) and part.id:
            if (part.id, part.name) in seen:
                continue
            seen.add((part.id, part.name))
        kept.append(part)
    return kept


def parts(value: Any) -> list[Part]:
    """The parts of one message's content."""
    value = value if isinstance(value, list) else [value]
    found = []
    for item in value:
        try:
            found.append(_part(item))
        except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
            found.append(Generic("malformed", item))
    return found


def _part(item: Any) -> Part:
    if isinstance(item, str):
        return Text(item)
    if not isinstance(item, Mapping):
        return Generic("malformed", item)
    kind = str(item.get("type") or "")
    if kind in _CALLS or "function" in item or "functionCall" in item:
        return _tool_call(item)
    if kind in _RESULTS:
        return _tool_result(item)
    if kind in _MEDIA:
        return _media(item, kind)
    words = item.get("content", item.get("text", item.get("thinking", item.get("refusal"))))
    if kind in _REASONING:
        summary = item.get("summary")
        listed = [str(part.get("text", "")) for part in summary if isinstance(part, Mapping)] if isinstance(summary, list) else []
        return Reasoning(words if isinstance(words, str) else "\n".join(listed))
    if (kind in _TEXT or not kind) and isinstance(words, str):
        return Text(words)
    return Generic(kind or "malformed", dict(item))


def _tool_call(item: Mapping[str, Any]) -> Part:
    inner = next((item[key] for key in ("function", "functionCall", "server_tool_call") if isinstance(item.get(key), Mapping)), item)
    name = inner.get("name") or item.get("name") or item.get("toolName") or ""
    sent = next((held[key] for held in (inner, item) for key in ("arguments", "input", "args", "parameters") if key in held), None)
    identifier = item.get("call_id") or item.get("id") or item.get("toolCallId") or ""
    if not name and sent is None and not identifier:
        return Generic("tool_call", dict(item))
    return ToolCall(str(name), decode(sent), str(identifier))


def _tool_result(item: Mapping[str, Any]) -> ToolResult:
    keys = ("response", "result", "output", "content", "server_tool_call_response")
    sent = decode(next((item[key] for key in keys if key in item), None))
    if isinstance(sent, Mapping) and set(sent) == {"type", "value"}:  # Vercel AI says what kind of output it is
        sent = sent["value"]
    identifier = next((item[key] for key in ("call_id", "tool_use_id", "toolCallId", "tool_call_id", "id") if item.get(key)), "")
    return ToolResult(sent, str(identifier), str(item.get("name") or item.get("toolName") or ""))


def _media(item: Mapping[str, Any], kind: str) -> Part:
    """By reference: a URL, a file's id, or the bytes that came with it (a data URL is split)."""
    held = next(
        (item[key] for key in ("image_url", "image", "input_audio", "audio", "source", "file", "document", "url") if key in item), item
    )
    held = held if isinstance(held, Mapping) else {"url": held}
    if isinstance(held.get("image"), Mapping):  # OpenInference: image.image.url
        held = held["image"]
    mime = _first_text(item, held, ("mime_type", "mimeType", "media_type", "mediaType"))
    uri = _first_text(item, held, ("uri", "url", "file_uri"))
    data = _first_text(held, item, ("data", "content", "base64"))
    if match := re.match(r"^data:([^;,]*)(?:;[^,]*)?,", uri):
        mime, data, uri = mime or match[1], uri[match.end() :], ""
    modality = str(item.get("modality") or _MEDIA[kind] or mime.partition("/")[0] or "file")
    file_id = _first_text(item, held, ("file_id", "fileId"))
    if not (uri or data or file_id):
        return Generic(kind, dict(item))
    return Media(modality, mime, uri, file_id, data)


def _first_text(one: Mapping[str, Any], other: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((held[key] for key in keys for held in (one, other) if isinstance(held.get(key), str) and held[key]), "")


# ── indexed attributes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def unflatten(attributes: Mapping[str, Any], prefix: str) -> list[Any]:
    """Attributes like ``prefix0.message.role`` as a list of nested values, in the order of their numbers."""
    root: dict[str, Any] = {}
    for key, value in attributes.items():
        if not key.startswith(prefix):
            continue
        steps = key[len(prefix) :].split(".")
        held = root
        for step in steps[:-1]:
            inner = held.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            held = inner
        else:
            held.setdefault(steps[-1], value)
    listed = _listed(root)
    return listed if isinstance(listed, list) else []


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(_INDEX.match(key) for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(inner) for key, inner in value.items()}


def openinference_messages(attributes: Mapping[str, Any], prefix: str, role: str) -> tuple[Message, ...]:
    """OpenInference's ``llm.input_messages.0.message.…``."""
    found = []
    for item in unflatten(attributes, prefix):
        message = item.get("message") if isinstance(item, Mapping) else None
        if isinstance(message, Mapping):
            found.append(_one(_plain(message), role))
    return tuple(found)


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenInference message in the common form: wrappers off, its list of contents as parts."""
    plain = {key: message[key] for key in ("role", "name", "tool_call_id", "finish_reason") if key in message}
    contents = message.get("contents")
    listed = [_plain_part(part) for part in contents if isinstance(part, Mapping)] if isinstance(contents, list) else []
    text = message.get("content")
    plain["content"] = [*_beside(text, listed), *listed] if listed else text
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        plain["tool_calls"] = [call.get("tool_call", call) if isinstance(call, Mapping) else call for call in calls]
    if "function_call_name" in message:
        plain["function_call"] = {"name": message["function_call_name"], "arguments": message.get("function_call_arguments_json")}
    return plain


def _beside(text: Any, listed: list[Any]) -> list[dict[str, str]]:
    """The text beside a list of contents, unless the list tells it too (the OpenAI Agents instrumentation tells both)."""
    told = [part.get("text") for part in listed if isinstance(part, Mapping)]
    return [{"type": "text", "text": text}] if isinstance(text, str) and text and text not in told else []


def _plain_part(part: Mapping[str, Any]) -> Any:
    content = part.get("message_content", {})
    content = content if isinstance(content, Mapping) else {"type": "text", "text": str(content)}
    called = part.get("tool_call")
    if content.get("type") == "tool_use" and isinstance(called, Mapping):
        return {**called, "type": "tool_call"}
    return dict(content)
