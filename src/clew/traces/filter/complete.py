"""What can be typed next: fields, operators, values and connectives, from the same table and the same reader as everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clew.core.errors import FilterError
from clew.traces.filter.fields import FIELDS, OPS, place_of, spec, type_of
from clew.traces.filter.parse import Reader, Wanted, resolve
from clew.traces.filter.tokens import ENDS_WORD, Token
from clew.traces.filter.tree import FieldRef, Scope
from clew.traces.filter.values import examples

_OPERATOR_HELP = {
    "=": "is", "!=": "is something else", "<": "below", "<=": "at most", ">": "above", ">=": "at least", "~": "contains, in either case",
    "!~": "does not contain", "in": "is one of", "not in": "is none of", "exists": "has a value", "missing": "has no value",
}  # fmt: skip


@dataclass(frozen=True)
class Completion:
    """One proposal: put ``text`` in the place of the characters from ``start`` to ``end``."""

    text: str
    start: int
    end: int
    kind: Literal["field", "operator", "value", "connective"]
    help: str = ""


def complete(text: str, cursor: int, scope: Scope = "span") -> list[Completion]:
    """The proposals at ``cursor``, those that go on from the word before it; none where the text before has a mistake."""
    cursor = max(0, min(cursor, len(text)))
    start = cursor
    while start > 0 and not text[start - 1].isspace() and text[start - 1] not in ENDS_WORD:
        start -= 1
    typed = text[start:cursor].lower()
    wanted, within = _wanted(text[:start], scope)
    proposals = _proposals(wanted, within) if wanted else []
    return [Completion(word, start, cursor, kind, help_) for word, kind, help_ in proposals if word.lower().lstrip('"').startswith(typed)]


_Proposal = tuple[str, Literal["field", "operator", "value", "connective"], str]


def _wanted(before: str, scope: Scope) -> tuple[Wanted | None, Scope]:
    """What the reader waits for at the end of ``before``, and the scope it is in there."""
    try:
        reader = Reader(before, scope)
    except FilterError:
        return None, scope
    if field := _unfinished_field(reader.tokens):
        return Wanted("operator", field), scope
    if len(reader.tokens) == 1:
        return Wanted("condition"), scope
    try:
        reader.read()
    except FilterError as error:
        return (reader.wanted if error.position >= len(before.rstrip()) else None), reader.scope
    return Wanted("connective"), scope


def _unfinished_field(tokens: list[Token]) -> FieldRef | None:
    """The field at the end that still waits for its operator."""
    if len(tokens) < 2 or tokens[-2].kind != "word":
        return None
    before = tokens[-3] if len(tokens) > 2 else None
    if before and (before.kind in ("op", ",") or before.keyword in ("has", "in")):
        return None
    if before and before.kind == "(" and len(tokens) > 3 and tokens[-4].keyword == "in":
        return None
    return resolve(tokens[-2].parts)


def _proposals(wanted: Wanted, scope: Scope) -> list[_Proposal]:
    field = wanted.field
    match wanted.what:
        case "connective":
            return [("and", "connective", "both"), ("or", "connective", "either")]
        case "close":
            return [(",", "connective", "another value"), (")", "connective", "the end of the list")]
        case "open":
            return [("(", "connective", "the values")]
        case "operator" if field is not None:
            return [(op, "operator", _OPERATOR_HELP[op]) for op in OPS[type_of(field)]]
        case "operator":
            return [(op, "operator", _OPERATOR_HELP[op]) for op in ("=", "!=", "<", "<=", ">", ">=")]
        case "value" if field is not None:
            return [(value, "value", spec(field).help) for value in examples(field, wanted.op or "=")]
    return _conditions(scope)


def _conditions(scope: Scope) -> list[_Proposal]:
    fields: list[_Proposal] = [
        (f"{field.name}." if field.family else field.name, "field", field.help) for field in FIELDS if place_of(FieldRef(field.name), scope)
    ]
    extra: list[_Proposal] = [("not", "connective", "the opposite"), ("has score", "field", "any score at all")]
    if scope != "span":
        extra += [("any(", "field", "some span meets a condition"), ("count(", "field", "how many spans meet a condition")]
    if scope == "trace":
        extra.append(("root.", "field", "the root span itself"))
    return [*fields, *extra]
