"""What a person reads of a span's input and output, message by message: the Python twin of ``textsql.py``. A test compares the two.

It is the text that search looks through and previews show: words, tool names with their arguments, results; not roles, ids and types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from clew.core.jsontext import dumps, loads_or_none
from clew.traces.dialects.read import Slots
from clew.traces.dialects.tables import tables
from clew.traces.dialects.textsql import PART_FIELDS, WHOLES

PREVIEW = 200
_SPACES = re.compile(r"[ \t\r\n]+")
_MESSAGE_FIELDS = ("content", "text", "parts", "tool_calls", "name", "arguments", "output", "data", "toolName", "input", "message")


def texts(attributes: Mapping[str, Any], side: str) -> list[str]:
    """The readable text of each message of one side: indexed attributes, or what the best source of the side holds."""
    slots = Slots(attributes)
    found: list[str] = []
    if slots.key(f"{side}_flat"):
        pattern = "|".join(f"({d.groups[side]['flat']})" for d in tables().of(side) if "flat" in d.groups[side])
        found = [value for key, value in attributes.items() if isinstance(value, str) and value and re.search(pattern, key)]
    sent = slots.value(side)
    if not found and isinstance(sent, str):
        found = readable(sent)
    calls = slots.text("calls")
    return [*found, *message_texts(calls)] if side == "output" and calls else found


def readable(sent: str) -> list[str]:
    """The texts of the messages in ``sent``, or ``sent`` itself as one."""
    if found := message_texts(sent):
        return found
    if sent.startswith('"'):
        word = loads_or_none(sent)
        return [word] if isinstance(word, str) and word else [sent]
    if sent[:1] in ("[", "{") and "\\u" in sent:
        value = loads_or_none(sent)
        return [sent if value is None else dumps(value)]
    return [sent] if sent else []


def message_texts(sent: str) -> list[str]:
    """The text of each message in JSON text; empty where it holds none."""
    listed = _as_list(sent)
    if isinstance(listed, str):
        return [listed] if listed else []
    return [text for text in map(_message, listed) if text]


def _as_list(sent: str) -> Any:
    if sent[:1] not in ("[", "{"):
        return []
    value = loads_or_none(sent)
    if isinstance(value, list):
        return value
    if not isinstance(value, Mapping):
        return []
    name = next((name for name in WHOLES if f'"{name}"' in sent), "")
    inner = [value] if name == "role" else value.get(name)
    if isinstance(inner, str):
        return inner if '"model"' in sent or '"system"' in sent else []
    return inner if isinstance(inner, list) else []


def _said(value: Any) -> str:
    """A member as the engine extracts it: text as it is, null and absence as nothing, anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _held(item: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    """The members of an object; of a list, by their place."""
    if isinstance(item, list):
        return dict(zip(names, item, strict=False))
    return item if isinstance(item, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _part(item: Any) -> str:
    held = _held(item, PART_FIELDS)
    words = [_said(held.get(name)) for name in PART_FIELDS]
    return f"{words[0]}{words[1]} {''.join(words[2:])}".strip(" ")


def _call(item: Any) -> str:
    held = _held(item, ("function", "name", "args", "toolName", "input"))
    function = _held(held.get("function"), ("name", "arguments"))
    name = _said(function.get("name")) + _said(held.get("name")) + _said(held.get("toolName"))
    return f"{name} {_said(function.get('arguments'))}{_said(held.get('args'))}{_said(held.get('input'))}".strip(" ")


def _message(item: Any) -> str:
    held = _held(item, _MESSAGE_FIELDS)
    inner = _held(held.get("message"), ("content", "tool_calls"))
    content = _said(held.get("content")) + _said(_held(held.get("data"), ("content",)).get("content")) + _said(inner.get("content"))
    listed = loads_or_none(content) if content.startswith("[") else None
    parts = [_part(part) for part in [*_list(held.get("parts")), *_list(listed)]]
    calls = [_call(call) for call in [*_list(held.get("tool_calls")), *_list(inner.get("tool_calls"))]]
    words = [word for word in [*parts, *calls] if word]
    arguments, flow = _said(held.get("arguments")), _said(held.get("input"))
    own = f"{_said(held.get('name'))} {arguments}" if arguments else _said(held.get("output"))
    said = "" if content.startswith("[") and words else content
    rest = f"{_said(held.get('toolName'))} {flow}" if flow else ""
    return "\n".join(word for word in (said, _said(held.get("text")), *words, own, rest) if word)


def preview(text: str) -> str:
    """The beginning of a text in one line."""
    return _SPACES.sub(" ", text[: 2 * PREVIEW]).strip(" ")[:PREVIEW]
