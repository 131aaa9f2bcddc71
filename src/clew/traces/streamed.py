"""Tool calls put together from the pieces of a recorded stream (MLflow keeps one event a chunk and loses the call itself)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clew.traces.messages import decode
from clew.traces.model import EventRecord, ToolCall

_CHUNK = "mlflow.chunk.item."
MAX_CHUNKS = 100_000


def streamed_calls(events: Sequence[EventRecord]) -> tuple[tuple[ToolCall, ...], str]:
    """The calls whose pieces the events hold, by their index in the answer, and the finish reason that the last piece gave."""
    calls: dict[int, dict[str, str]] = {}
    finish = ""
    for choice in _choices(events):
        finish = choice.get("finish_reason") or finish
    for piece in _pieces(events):
        index = piece.get("index")
        held = calls.setdefault(index if isinstance(index, int) else 0, {"id": "", "name": "", "arguments": ""})
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        for name, value in (("id", piece.get("id")), ("name", function.get("name"))):
            if isinstance(value, str) and value:
                held[name] = value
        if isinstance(arguments := function.get("arguments"), str):
            held["arguments"] += arguments
    found = tuple(ToolCall(held["name"], decode(held["arguments"]), held["id"]) for _, held in sorted(calls.items()) if held["name"])
    return found, str(finish)


def _pieces(events: Sequence[EventRecord]) -> Iterator[Mapping[str, Any]]:
    for choice in _choices(events):
        delta = choice.get("delta")
        called = delta.get("tool_calls") if isinstance(delta, Mapping) else None
        yield from (piece for piece in called if isinstance(piece, Mapping)) if isinstance(called, list) else ()


def _choices(events: Sequence[EventRecord]) -> Iterator[Mapping[str, Any]]:
    for event in events[:MAX_CHUNKS]:
        if not event.name.startswith(_CHUNK):
            continue
        chunk = decode(event.attributes.get("mlflow.chunk.value"))
        choices = chunk.get("choices") if isinstance(chunk, Mapping) else None
        yield from (choice for choice in choices if isinstance(choice, Mapping)) if isinstance(choices, list) else ()
