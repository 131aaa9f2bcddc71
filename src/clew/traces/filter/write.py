"""The canonical text of a tree: ``format_filter(parse(text))`` reads back to the same tree, and formatting it again changes nothing."""

from __future__ import annotations

import re

from clew.core.jsontext import dumps
from clew.traces.filter.fields import SCORE_PARTS, type_of
from clew.traces.filter.tree import And, Count, FieldRef, Node, Not, Op, Or, Search, Test, Value
from clew.traces.filter.values import duration_text, moment_text, money_text

_PLAIN_KEY = re.compile(r"[\w\-/:@$]+(?:\.[\w\-/:@$]+)*")
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def format_filter(tree: Node) -> str:
    """The one spelling of a tree. The empty filter is the empty text."""
    match tree:
        case And(parts):
            return " and ".join(_inside(part, within=And) for part in parts)
        case Or(parts):
            return " or ".join(_inside(part, within=Or) for part in parts)
        case Not(part):
            return f"not {_inside(part, within=Not)}"
        case Search(text):
            return quoted(text)
        case Count(condition, op, number):
            inner = format_filter(condition)
            return f"any({inner})" if (op, number) == (">", 0) else f"count({inner}) {op} {number}"
        case Test(field, op, values):
            return f"{field_text(field)} {op}{_values(field, op, values)}"


def _inside(part: Node, within: type[And] | type[Or] | type[Not]) -> str:
    text = format_filter(part)
    needs = isinstance(part, Or) or (isinstance(part, And) and within is not Or)
    return f"({text})" if needs else text


def _values(field: FieldRef, op: Op, values: tuple[Value, ...]) -> str:
    if op in ("exists", "missing"):
        return ""
    told = [value_text(field, op, value) for value in values]
    return f" ({', '.join(told)})" if op in ("in", "not in") else f" {told[0]}"


def quoted(text: str) -> str:
    """A text in quotes."""
    return f'"{text.translate(_ESCAPED)}"'


def field_text(field: FieldRef) -> str:
    """The field as one types it, its key in quotes where it must be."""
    root = "root." if field.root else ""
    if not field.key:
        return root + field.name
    plain = _PLAIN_KEY.fullmatch(field.key) and not _hides_part(field)
    part = f".{field.part}" if field.part else ""
    return f"{root}{field.name}.{field.key if plain else quoted(field.key)}{part}"


def _hides_part(field: FieldRef) -> bool:
    """Whether a score's name would be read as another name and a part of it."""
    return field.name in ("score", "trace.score") and field.key.lower().endswith(tuple(f".{part}" for part in SCORE_PARTS))


def value_text(field: FieldRef, op: Op, value: Value) -> str:
    """A value as one types it, with the unit of its field."""
    raw = value.raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return raw if type_of(field) in ("choice", "id") else quoted(raw)
    kind = type_of(field)
    if value.kind == "ago" or kind == "duration":
        return duration_text(int(raw))
    if value.kind == "moment":
        return moment_text(int(raw))
    return money_text(int(raw)) if kind == "money" else dumps(raw)
