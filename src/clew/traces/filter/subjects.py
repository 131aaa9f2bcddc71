"""What a field is in SQL: something that has no value, one, or many.

One rule runs through it: a comparison needs a value to compare, and is false where there is none, ``!=`` too. So each field is a
``Subject`` that can say two things, *there is a value* and *some value compares*; every operator follows from them (``compile.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clew.core.errors import FilterError
from clew.traces.filter.fields import STATUSES, Field, place_of, spec
from clew.traces.filter.text import SPAN_TEXT, text_condition
from clew.traces.filter.tree import FieldRef, Op, Scope, Value

_KINDS_OF = {"text": ("s",), "flag": ("b",), "whole": ("i", "d"), "real": ("i", "d")}
_JSON_OF = {"text": ("String",), "flag": ("Bool",), "whole": ("Int64", "UInt64", "Double"), "real": ("Int64", "UInt64", "Double")}

# A trace's head is the least by this: roots before others, then by start, then by id. One number, because the engine compares tuples slowly.
HEAD_FIRST = (
    "bitOr(bitShiftLeft(toUInt128(NOT is_root), 127), bitOr(bitShiftLeft(toUInt128(start_ns), 64),"
    " toUInt128(reinterpretAsUInt64(reverse(span_id)))))"
)


@dataclass
class Frame:
    """What one compilation knows: the scope, the clock, where names come from, and the values bound so far.

    ``grouped``: the SQL stands in the HAVING of a statement that groups the spans by trace.
    """

    scope: Scope
    now_ns: int
    prefix: str = "f"
    project: str = "{project_id:UInt32}"
    within: str = ""
    indexed: bool = False
    heads: bool = True
    grouped: bool = False
    params: dict[str, object] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def name(self) -> str:
        return f"{self.prefix}{len(self.params)}"

    def bind(self, value: object, kind: str) -> str:
        """The placeholder of a value; the same value is bound once."""
        name = self.names.setdefault((kind, repr(value)), self.name())
        self.params[name] = value
        return f"{{{name}:{kind}}}"

    def listed(self, values: Sequence[object], kind: str) -> str:
        """The placeholders of a list of values, in brackets."""
        return f"({', '.join(self.bind(value, kind) for value in values)})"

    def contains(self, column: str, needle: str, indexed: bool = False) -> str:
        sql, params = text_condition(column, self.name(), needle, indexed, SPAN_TEXT)
        self.params.update(params)
        return sql

    def spans(self, condition: str, columns: str = "trace_id", source: str = "spans") -> str:
        """The spans of the project that meet a condition."""
        within = f" AND ({self.within})" if self.within else ""
        return f"SELECT {columns} FROM {source} WHERE project_id = {self.project}{within} AND {condition}"

    def some(self, condition: str) -> str:
        """Some span of the trace or session meets the condition."""
        if self.grouped:
            return f"(countIf({condition}) > 0)"
        traces = f"trace_id IN ({self.spans(condition)})"
        return traces if self.scope == "trace" else self.sessions_of(traces)

    def sessions_of(self, traces: str) -> str:
        """The sessions that have such a trace. A trace belongs to every session whose id some span of it carries."""
        members = self.spans(f"session_id != '' AND {traces}", "session_id")
        return f"session_id IN ({members})"

    def head(self, condition: str) -> str:
        """The head of the trace meets the condition."""
        if self.grouped:
            return f"argMin({condition}, {HEAD_FIRST})"
        if self.heads:
            return condition
        heads = self.spans("1", "trace_id, argMin(span_id, (NOT is_root, start_ns, span_id))") + " GROUP BY trace_id"
        return f"trace_id IN ({self.spans(f'{condition} AND (trace_id, span_id) IN ({heads})')})"

    def having(self, condition: str, where: str = "1") -> str:
        """The spans of the trace or session, those that meet ``where``, reckoned together."""
        if self.grouped:
            return f"ifNull({condition}, 0)"
        if self.scope == "trace":
            return f"trace_id IN ({self.spans(where)} GROUP BY trace_id HAVING {condition})"
        members = self.spans("session_id != ''", "DISTINCT trace_id AS member, session_id AS owner")
        joined = f"spans INNER JOIN ({members}) AS members ON trace_id = member"
        return f"session_id IN ({self.spans(where, 'owner', joined)} GROUP BY owner HAVING {condition})"


def inner_frame(frame: Frame) -> Frame:
    """The frame of conditions on one span, inside a trace's or session's; it binds into the same values."""
    return Frame("span", frame.now_ns, frame.prefix, frame.project, frame.within, frame.indexed, params=frame.params, names=frame.names)


class Subject(Protocol):
    """Something that has no value, one, or many."""

    def known(self, values: tuple[Value, ...]) -> str:
        """SQL: there is a value, of the type of ``values`` where some are given."""

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        """SQL: some value compares as asked; ``op`` is never a negative one."""


def _compared(expression: str, op: Op, told: Sequence[str]) -> str:
    """A positive comparison with values that are bound."""
    return f"{expression} IN ({', '.join(told)})" if op == "in" else f"{expression} {op} {told[0]}"


def subject_of(ref: FieldRef, frame: Frame) -> Subject:
    """What a field is in the scope."""
    place = place_of(ref, frame.scope)
    if not place:
        raise FilterError(f"{ref.name!r} is not a field of {frame.scope}s")
    if ref.name == "trace.score" or (ref.name == "score" and not ref.root):
        return _Score(ref, frame)
    if place == "total":
        return Total(spec(ref), frame)
    inner = frame if frame.scope == "span" else inner_frame(frame)
    subject: Subject
    if ref.name == "score":
        subject = _Score(ref, inner)
    elif ref.name == "attr":
        subject = _Attribute(ref.key, inner)
    elif ref.name == "metadata":
        subject = _Metadata(ref.key, inner)
    elif spec(ref).type == "many":
        subject = _Many(spec(ref), inner)
    else:
        subject = _Column(spec(ref), inner)
    if frame.scope == "trace" and place == "own":
        return _Head(subject, frame)
    return _Some(subject, frame) if place == "some" and frame.scope != "span" else subject


@dataclass(frozen=True)
class _Column:
    """A column of one span."""

    field: Field
    frame: Frame

    def known(self, values: tuple[Value, ...]) -> str:
        column = self.field.column
        if self.field.type == "text":
            return f"{column} != ''"
        if self.field.name == "parent":
            return "NOT is_root"
        return f"isNotNull({column})" if self.field.nullable else "1"

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        column = self.field.column
        if op == "~":
            return self.frame.contains(column, str(values[0].raw), self.frame.indexed and self.field.name in ("input", "output"))
        told = [self.bind(value) for value in values]
        sql = _compared(column, op, told)
        return f"ifNull({sql}, 0)" if self.field.nullable else sql

    def bind(self, value: Value) -> str:
        match self.field.type:
            case "id":
                return f"unhex({self.frame.bind(value.raw, 'String')})"
            case "choice" if self.field.name == "status":
                return self.frame.bind(STATUSES.index(str(value.raw)), "UInt8")
            case "flag":
                return self.frame.bind(value.raw, "Bool")
            case "text" | "choice":
                return self.frame.bind(value.raw, "String")
            case _:
                return self.frame.bind(value.raw, "Int64")


@dataclass(frozen=True)
class _Many:
    """A column that holds a list of texts."""

    field: Field
    frame: Frame

    def known(self, values: tuple[Value, ...]) -> str:
        return f"notEmpty({self.field.column})"

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        if op == "~":
            return f"arrayExists(item -> {self.frame.contains('item', str(values[0].raw))}, {self.field.column})"
        told = [f"has({self.field.column}, {self.frame.bind(value.raw, 'String')})" for value in values]
        return f"({' OR '.join(told)})"


def _sorted_by_type(values: tuple[Value, ...]) -> tuple[list[Value], list[Value], list[Value]]:
    """The texts, the flags and the numbers among values."""
    kinds = ("text",), ("flag",), ("whole", "real")
    texts, flags, numbers = ([value for value in values if value.kind in kind] for kind in kinds)
    return texts, flags, numbers


@dataclass(frozen=True)
class _Attribute:
    """An attribute as it was sent: a value of another type than the one asked is no value to compare."""

    key: str
    frame: Frame

    def _at(self, column: str) -> str:
        return f"attr.{column}[indexOf(attr.key, {self.frame.bind(self.key, 'String')})]"

    def known(self, values: tuple[Value, ...]) -> str:
        if not values:
            return f"{self._at('kind')} != 'no'"
        return self._kind(*sorted({kind for value in values for kind in _KINDS_OF[value.kind]}))

    def _kind(self, *kinds: str) -> str:
        return f"{self._at('kind')} IN ({', '.join(repr(kind) for kind in kinds)})"

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        if op == "~":
            return f"({self._kind('s')} AND {self.frame.contains(self._at('str'), str(values[0].raw))})"
        if op not in ("=", "in"):
            told = self.frame.bind(values[0].raw, "Int64" if values[0].kind == "whole" else "Float64")
            typed = ((kind, self._at(column)) for kind, column in (("i", "int"), ("d", "dbl")))
            return "(" + " OR ".join(f"({self._kind(kind)} AND {column} {op} {told})" for kind, column in typed) + ")"
        texts, flags, numbers = _sorted_by_type(values)
        wholes = [int(value.raw) for value in numbers if value.kind == "whole"]
        reals = [float(value.raw) for value in numbers if float(value.raw) == value.raw]  # beyond 2**53 a double is not every whole number
        among = (
            ("s", "str", "String", [value.raw for value in texts]),
            ("b", "int", "Int64", [int(value.raw) for value in flags]),
            ("i", "int", "Int64", wholes),
            ("d", "dbl", "Float64", reals),
        )
        groups = [
            f"({self._kind(kind)} AND {self._at(column)} IN {self.frame.listed(raws, form)})" for kind, column, form, raws in among if raws
        ]
        return f"({' OR '.join(groups)})"


@dataclass(frozen=True)
class _Metadata:
    """An entry of the metadata, which is one JSON object. Nested entries are not reached."""

    key: str
    frame: Frame

    def _of(self, function: str) -> str:
        return f"{function}(metadata, {self.frame.bind(self.key, 'String')})"

    def known(self, values: tuple[Value, ...]) -> str:
        if not values:
            return f"{self._of('JSONType')} != 'Null'"
        return self._type(*sorted({kind for value in values for kind in _JSON_OF[value.kind]}))

    def _type(self, *types: str) -> str:
        return f"{self._of('JSONType')} IN ({', '.join(repr(kind) for kind in types)})"

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        if op == "~":
            return f"({self._type('String')} AND {self.frame.contains(self._of('JSONExtractString'), str(values[0].raw))})"
        if op not in ("=", "in"):
            told = self.frame.bind(float(values[0].raw), "Float64")
            return f"({self._type(*_JSON_OF['real'])} AND {self._of('JSONExtractFloat')} {op} {told})"
        texts, flags, numbers = _sorted_by_type(values)
        among = (
            ("text", "JSONExtractString", "String", [value.raw for value in texts]),
            ("flag", "JSONExtractBool", "Bool", [value.raw for value in flags]),
            ("real", "JSONExtractFloat", "Float64", [float(value.raw) for value in numbers]),
        )
        groups = [
            f"({self._type(*_JSON_OF[kind])} AND {self._of(function)} IN {self.frame.listed(raws, form)})"
            for kind, function, form, raws in among
            if raws
        ]
        return f"({' OR '.join(groups)})"


@dataclass(frozen=True)
class _Score:
    """The scores of a name: of the span itself; of a trace and its spans; of a session, its traces and their spans."""

    ref: FieldRef
    frame: Frame

    def known(self, values: tuple[Value, ...]) -> str:
        part = self.ref.part or ("value" if values else "")
        return self._scored({"value": "isNotNull(value)", "label": "label != ''", "source": "source != ''", "": "1"}[part])

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        if op == "~":
            return self._scored(self.frame.contains(self.ref.part, str(values[0].raw)))
        column = self.ref.part or "value"
        kind = "String" if self.ref.part else "Float64"
        told = [self.frame.bind(value.raw if kind == "String" else float(value.raw), kind) for value in values]
        sql = _compared(column, op, told)
        return self._scored(sql if self.ref.part else f"ifNull({sql}, 0)")

    def _scored(self, condition: str) -> str:
        if self.frame.scope == "span" and self.ref.name == "score":
            return f"(trace_id, span_id) IN ({self._scores('trace_id, span_id', ('span',), condition)})"
        traces = f"trace_id IN ({self._scores('trace_id', ('span', 'trace'), condition)})"
        if self.frame.scope != "session":
            return traces
        own = f"session_id IN ({self._scores('session_id', ('session',), condition)})"
        return f"({own} OR {self.frame.sessions_of(traces)})"

    def _scores(self, columns: str, scopes: tuple[str, ...], condition: str) -> str:
        named = f" AND name = {self.frame.bind(self.ref.key, 'String')}" if self.ref.key else ""
        among = ", ".join(repr(scope) for scope in scopes)
        return f"SELECT {columns} FROM scores FINAL WHERE project_id = {self.frame.project} AND scope IN ({among}){named} AND {condition}"


@dataclass(frozen=True)
class Total:
    """A number reckoned over the spans of a trace or session; unknown where no span tells it."""

    field: Field
    frame: Frame

    def known(self, values: tuple[Value, ...]) -> str:
        return self.frame.having(self.condition("exists", values))

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        return self.frame.having(self.condition(op, values))

    def condition(self, op: Op, values: tuple[Value, ...]) -> str:
        """What a group of spans must meet, so that several conditions can share one reckoning."""
        if op == "exists":
            return f"isNotNull({self.field.total})"
        told = [self.frame.bind(value.raw, "Int64") for value in values]
        return _compared(self.field.total, op, told)  # a group whose comparison is unknown is not kept


@dataclass(frozen=True)
class _Some:
    """Some span of the trace or session has the value: what a trace has many of."""

    span: Subject
    frame: Frame

    def known(self, values: tuple[Value, ...]) -> str:
        return self.frame.some(f"({self.span.known(values)})")

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        return self.frame.some(f"({self.span.holds(op, values)})")


@dataclass(frozen=True)
class _Head:
    """The head of the trace has the value."""

    span: Subject
    frame: Frame

    def known(self, values: tuple[Value, ...]) -> str:
        return self.frame.head(self.span.known(values))

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        return self.frame.head(self.span.holds(op, values))
