"""What a filter is, once read: a frozen tree of six kinds of node. Its meaning lies in ``compile.py``, its text in ``write.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["span", "trace", "session"]
Op = Literal["=", "!=", "<", "<=", ">", ">=", "~", "!~", "in", "not in", "exists", "missing"]

#: What a value is: text, a yes or no, a whole number (also nanoseconds and nano-dollars), a fraction, a moment (ns since 1970),
#: or a time before now (ns).
ValueKind = Literal["text", "flag", "whole", "real", "moment", "ago"]


@dataclass(frozen=True)
class Value:
    """One value, in the unit its field is kept in (durations in ns, money in nano-dollars, times in ns since 1970)."""

    kind: ValueKind
    raw: str | bool | int | float


@dataclass(frozen=True)
class FieldRef:
    """A field of the table.

    ``key`` is the name in an open family (``attr.KEY``), ``part`` the part of a score (``label``, ``source``, "" for its value), and
    ``root`` says that the root span of a trace is asked.
    """

    name: str
    key: str = ""
    part: str = ""
    root: bool = False


@dataclass(frozen=True)
class Test:
    """One comparison. ``exists`` and ``missing`` have no value, ``in`` and ``not in`` have one or more, the others one."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    field: FieldRef
    op: Op
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Search:
    """A text anywhere in the input or the output."""

    text: str


@dataclass(frozen=True)
class Count:
    """How many spans of the trace or session meet a condition. ``any(…)`` is ``count(…) > 0``."""

    condition: Node
    op: Op
    number: int


@dataclass(frozen=True)
class Not:
    """True where ``part`` is false."""

    part: Node


@dataclass(frozen=True)
class And:
    """True where every part is. Without parts: always true, the empty filter."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """True where some part is."""

    parts: tuple[Node, ...]


Node = And | Or | Not | Test | Search | Count

EVERYTHING = And(())


def all_of(parts: tuple[Node, ...]) -> Node:
    """The conjunction in normal form: flat, and one part stands alone."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,)))
    return flat[0] if len(flat) == 1 else And(flat)


def any_of(parts: tuple[Node, ...]) -> Node:
    """The disjunction in normal form: flat, and one part stands alone."""
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,)))
    return flat[0] if len(flat) == 1 else Or(flat)


NEGATIVE: dict[Op, Op] = {"!=": "=", "!~": "~", "not in": "in"}
