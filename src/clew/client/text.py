"""Any Python value as text: bounded in size and work, safe on cycles, never raising, running as little of the object's code as it can."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import deque
from datetime import date, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

PLAIN = "text/plain"
JSON = "application/json"
_MAX_DEPTH = 12
_MAX_NODES = 20_000
_SEQUENCES = (list, tuple, set, frozenset, deque)
_AS_STR = (UUID, Decimal, PurePath)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_text(value: Any, limit: int) -> tuple[str, str]:
    """The value as text of at most about ``limit`` characters, and its MIME type: strings stay plain, everything else is JSON.

    What is cut says so in the text. JSON stays valid JSON, because the value is cut before it is written.
    """
    try:
        if isinstance(value, str):
            return _cut(_clean(str(value)), limit), PLAIN
        return _json_text(value, limit), JSON
    except Exception as problem:  # a host's object may raise anything from repr or getattr; telemetry must not
        return f"<{_type_name(value)}: not readable, {type(problem).__name__}>", PLAIN


def json_text(value: Any, limit: int) -> str:
    """The value as JSON text, strings quoted."""
    try:
        return _json_text(value, limit)
    except Exception as problem:
        return json.dumps(f"<{_type_name(value)}: not readable, {type(problem).__name__}>")


def _json_text(value: Any, limit: int) -> str:
    return _clean(_encode(_Simplifier(limit).simple(value, 0)))


class _Simplifier:
    """Turns one value into dicts, lists and scalars within a budget of characters and nodes."""

    def __init__(self, limit: int) -> None:
        self.chars = limit
        self.nodes = _MAX_NODES
        self.open: set[int] = set()  # ids of the containers above the one being read: meeting one again is a cycle

    def simple(self, value: Any, depth: int) -> Any:
        self.nodes -= 1
        if value is None or value is True or value is False:
            return value
        kind = type(value)
        if kind is str:
            return self._string(value)
        if kind is int:
            return value if -(2**63) <= value < 2**63 else self._string(_big_int(value))
        if kind is float:
            return value if math.isfinite(value) else str(value)
        return self._composite(value, depth)

    def _composite(self, value: Any, depth: int) -> Any:
        items = _fields(value)
        if items is None and not isinstance(value, _SEQUENCES):
            return self._scalar(value)
        if id(value) in self.open:
            return f"<cycle: {_type_name(value)}>"
        if depth >= _MAX_DEPTH:
            return f"<{_type_name(value)}: nested deeper than {_MAX_DEPTH}>"
        self.open.add(id(value))
        try:
            return self._mapping(items, depth) if items is not None else self._sequence(value, depth)
        finally:
            self.open.discard(id(value))

    def _mapping(self, items: dict[Any, Any], depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for index, (key, item) in enumerate(items.items()):
            if self._spent():
                result["…"] = f"+{len(items) - index} more"
                break
            result[self._string(key if isinstance(key, str) else repr(key)[:200])] = self.simple(item, depth + 1)
        return result

    def _sequence(self, items: Any, depth: int) -> list[Any]:
        result: list[Any] = []
        for index, item in enumerate(items):
            if self._spent():
                result.append(f"… +{len(items) - index} more")
                break
            result.append(self.simple(item, depth + 1))
        return result

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, Enum):
            return self.simple(value.value, _MAX_DEPTH)
        if isinstance(value, (str, int, float)):  # subclasses of the exact types above
            return self.simple(next(base(value) for base in (str, int, float) if isinstance(value, base)), _MAX_DEPTH)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return f"<{len(value)} bytes>"
        if isinstance(value, (date, time)):
            return value.isoformat()
        if isinstance(value, _AS_STR):
            return self._string(str(value))
        return self._string(_safe_repr(value))

    def _string(self, text: str) -> str:
        cut = _cut(text, max(self.chars, 16))
        self.chars -= len(cut) + 4
        return cut

    def _spent(self) -> bool:
        return self.chars <= 0 or self.nodes <= 0


def _fields(value: Any) -> dict[Any, Any] | None:
    """The named parts of a dict, dataclass, named tuple, pydantic or attrs object; None for anything else. Runs no method of the object."""
    if isinstance(value, dict):
        return value
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(kind) if field.repr}
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return dict(zip(kind._fields, value, strict=False))
    if hasattr(kind, "model_fields") or hasattr(kind, "__attrs_attrs__"):
        return {key: item for key, item in vars(value).items() if not key.startswith("_")}
    return None


def _big_int(value: int) -> str:
    """Beyond 64 bits: most JSON readers lose digits, and Python refuses to print more than 4300 of them."""
    return str(value) if value.bit_length() < 4096 else f"<integer of {value.bit_length()} bits>"


def _safe_repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as problem:
        return f"<{_type_name(value)}: repr raised {type(problem).__name__}>"


def _type_name(value: Any) -> str:
    return type(value).__name__


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… (+{len(text) - limit} characters)"


def _clean(text: str) -> str:
    """Without lone surrogates, which protobuf cannot carry."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
