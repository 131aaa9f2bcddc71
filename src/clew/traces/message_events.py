"""Messages that came as events: one event a message, on the span or as log records of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clew.traces.messages import decode, messages
from clew.traces.model import EventRecord, LogRecord, Message

_ROLE_OF = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_CHOICE = "gen_ai.choice"
_PROMPT, _COMPLETION = "gen_ai.content.prompt", "gen_ai.content.completion"


def messages_of_events(events: Sequence[EventRecord], logs: Sequence[LogRecord]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Input and output messages in the order of their time; the log records win over the span's events where both tell."""
    for told in (
        [(log.time_ns, log.event_name, _body(log)) for log in logs],
        [(e.time_ns, e.name, _attributes(e.attributes)) for e in events],
    ):
        incoming, outgoing = _sorted(told)
        if incoming or outgoing:
            return incoming, outgoing
    return (), ()


def _sorted(told: Sequence[tuple[int, str, Any]]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    incoming: list[Message] = []
    outgoing: list[Message] = []
    for _, name, content in sorted(told, key=lambda item: item[0]):
        if name in _ROLE_OF:
            held = {"role": _ROLE_OF[name], **content} if isinstance(content, Mapping) else {"role": _ROLE_OF[name], "content": content}
            incoming += messages(held, _ROLE_OF[name])
        elif name == _CHOICE:
            outgoing += messages([content], "assistant")
        elif name == _PROMPT:
            incoming += messages(_either(content, "gen_ai.prompt"), "user")
        elif name == _COMPLETION:
            outgoing += messages(_either(content, "gen_ai.completion"), "assistant")
    return tuple(incoming), tuple(outgoing)


def _either(content: Any, key: str) -> Any:
    return content.get(key, content) if isinstance(content, Mapping) else content


def _body(log: LogRecord) -> Any:
    body = decode(log.body)
    return {**log.attributes, **body} if isinstance(body, Mapping) else body if body is not None else _attributes(log.attributes)


def _attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """An event's attributes; some senders put the whole body into one of them as JSON."""
    whole = decode(attributes.get("gen_ai.event.content"))
    if isinstance(whole, Mapping):
        return whole
    return {key: decode(value) if key in ("message", "tool_calls") else value for key, value in attributes.items()}
