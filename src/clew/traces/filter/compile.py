"""A tree to SQL with bound values, over rows of ``spans``.

One rule runs through it: a comparison needs a value to compare, and is false where there is none, ``!=`` too. So each field is a
``Subject`` that can say two things in SQL, *there is a value* and *some value compares*, and every operator follows from them.

The caller's statement binds ``project_id`` (UInt32). In scope ``span`` the SQL stands over any row of ``spans``; in ``trace`` over the
row that stands for the trace (its head: the earliest root span, or else the earliest span), or, with ``heads=False``, over any row of
it; in ``session`` over anything that has a ``session_id``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from clew.core.errors import FilterError
from clew.traces.filter.fields import STATUSES, Field, place_of, spec, type_of
from clew.traces.filter.sentence import sentence
from clew.traces.filter.text import text_condition
from clew.traces.filter.tree import NEGATIVE, And, Count, FieldRef, Node, Not, Op, Or, Scope, Search, Test, Value

_KINDS_OF = {"text": ("s",), "flag": ("b",), "whole": ("i", "d"), "real": ("i", "d")}
_JSON_OF = {"text": ("String",), "flag": ("Bool",), "whole": ("Int64", "UInt64", "Double"), "real": ("Int64", "UInt64", "Double")}


@dataclass(frozen=True)
class Sql:
    """A condition, the values it binds, and the same in words."""

    where: str
    params: dict[str, object]
    sentence: str = ""


@dataclass
class Frame:
    """What one compilation knows: the scope, the clock, where names come from, and the values bound so far."""

    scope: Scope
    now_ns: int
    prefix: str = "f"
    project: str = "{project_id:UInt32}"
    within: str = ""
    indexed: bool = False
    heads: bool = True
    params: dict[str, object] = field(default_factory=dict)

    def name(self) -> str:
        return f"{self.prefix}{len(self.params)}"

    def bind(self, value: object, kind: str) -> str:
        """The placeholder of a value."""
        name = self.name()
        self.params[name] = value
        return f"{{{name}:{kind}}}"

    def contains(self, column: str, needle: str, indexed: bool = False) -> str:
        sql, params = text_condition(column, self.name(), needle, indexed)
        self.params.update(params)
        return sql

    def spans(self, condition: str, columns: str = "trace_id", source: str = "spans") -> str:
        """The spans of the project that meet a condition."""
        within = f" AND ({self.within})" if self.within else ""
        return f"SELECT {columns} FROM {source} WHERE project_id = {self.project}{within} AND {condition}"

    def some(self, condition: str) -> str:
        """Some span of the trace or session meets the condition."""
        traces = f"trace_id IN ({self.spans(condition)})"
        return traces if self.scope == "trace" else self.sessions_of(traces)

    def sessions_of(self, traces: str) -> str:
        """The sessions that have such a trace. A trace belongs to every session whose id some span of it carries."""
        members = self.spans(f"session_id != '' AND {traces}", "session_id")
        return f"session_id IN ({members})"

    def head(self, condition: str) -> str:
        """The head of the trace meets the condition."""
        if self.heads:
            return condition
        heads = self.spans("1", "trace_id, argMin(span_id, (NOT is_root, start_ns, span_id))") + " GROUP BY trace_id"
        return f"trace_id IN ({self.spans(f'{condition} AND (trace_id, span_id) IN ({heads})')})"

    def having(self, condition: str, where: str = "1") -> str:
        """The spans of the trace or session, those that meet ``where``, reckoned together."""
        if self.scope == "trace":
            return f"trace_id IN ({self.spans(where)} GROUP BY trace_id HAVING {condition})"
        members = self.spans("session_id != ''", "DISTINCT trace_id AS member, session_id AS owner")
        joined = f"spans INNER JOIN ({members}) AS members ON trace_id = member"
        return f"session_id IN ({self.spans(where, 'owner', joined)} GROUP BY owner HAVING {condition})"


class Subject(Protocol):
    """Something that has no value, one, or many."""

    def known(self, values: tuple[Value, ...]) -> str:
        """SQL: there is a value, of the type of ``values`` where some are given."""

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        """SQL: some value compares as asked; ``op`` is never a negative one."""


def compile_filter(
    tree: Node,
    scope: Scope = "span",
    *,
    now_ns: int = 0,
    indexed: bool = False,
    within: str = "",
    heads: bool = True,
    project_param: str = "project_id",
    prefix: str = "f",
) -> Sql:
    """The SQL of a tree that was parsed for ``scope``.

    ``now_ns`` is what ``since = 24h`` counts back from. ``indexed``: use the text index over input_text and output_text. ``within`` is
    SQL of the caller's that bounds which spans are looked at inside subqueries (a time range). ``heads``: whether the rows of a trace list
    are the heads only. ``project_param`` is the statement's own parameter; ``prefix`` starts the names of the filter's.
    """
    frame = Frame(scope, now_ns, prefix, f"{{{project_param}:UInt32}}", within, indexed, heads)
    where = _node(tree, frame)
    return Sql(where, frame.params, sentence(tree, scope))


def compile_span(tree: Node, *, now_ns: int = 0) -> Sql:
    """Over each span."""
    return compile_filter(tree, "span", now_ns=now_ns)


def compile_trace(tree: Node, *, now_ns: int = 0) -> Sql:
    """Over the rows that stand for traces."""
    return compile_filter(tree, "trace", now_ns=now_ns)


def compile_session(tree: Node, *, now_ns: int = 0) -> Sql:
    """Over rows with a ``session_id``."""
    return compile_filter(tree, "session", now_ns=now_ns)


def _node(node: Node, frame: Frame) -> str:
    match node:
        case And(parts):
            return _joined(parts, " AND ", frame) if parts else "1"
        case Or(parts):
            return _joined(parts, " OR ", frame)
        case Not(part):
            return f"NOT ({_node(part, frame)})"
        case Search(text):
            return _search(text, frame)
        case Count(condition, op, number):
            return _count(condition, op, number, frame)
        case Test():
            return _test(node, frame)


def _joined(parts: tuple[Node, ...], word: str, frame: Frame) -> str:
    return "(" + word.join(_node(part, frame) for part in parts) + ")"


def _search(text: str, frame: Frame) -> str:
    either = " OR ".join(frame.contains(column, text, frame.indexed) for column in ("input_text", "output_text"))
    return f"({either})" if frame.scope == "span" else frame.some(f"({either})")


def _inner(frame: Frame) -> Frame:
    """The frame of conditions on one span, inside a trace's or session's; it binds into the same values."""
    return Frame("span", frame.now_ns, frame.prefix, frame.project, frame.within, frame.indexed, params=frame.params)


def _count(condition: Node, op: Op, number: int, frame: Frame) -> str:
    where = _node(condition, _inner(frame))
    if (op, number) == (">", 0):
        return frame.some(where)
    compared = f"count() {op} {frame.bind(number, 'Int64')}"
    if _holds_for_none(op, number):  # no span meets it: then the trace has no group, so ask for those that fail
        return f"NOT ({frame.having(f'NOT ({compared})', where)})"
    return frame.having(compared, where)


def _holds_for_none(op: Op, number: int) -> bool:
    return {"=": number == 0, "!=": number != 0, "<": number > 0, "<=": number >= 0, ">": number < 0, ">=": number <= 0}[op]


def _test(test: Test, frame: Frame) -> str:
    if type_of(test.field) == "since":
        test = _bound_of(test, frame)
    subject = subject_of(test.field, frame)
    if test.op == "exists":
        return subject.known(())
    if test.op == "missing":
        return f"NOT ({subject.known(())})"
    if test.op in NEGATIVE:
        return f"({subject.known(test.values)} AND NOT ({subject.holds(NEGATIVE[test.op], test.values)}))"
    return subject.holds(test.op, test.values)


def _bound_of(test: Test, frame: Frame) -> Test:
    """``since = 24h`` as a comparison of the start with a moment."""
    (value,) = test.values
    assert isinstance(value.raw, int)
    moment = frame.now_ns - value.raw if value.kind == "ago" else value.raw
    return Test(FieldRef("start", root=test.field.root), ">=" if test.field.name == "since" else "<", (Value("moment", moment),))


def subject_of(ref: FieldRef, frame: Frame) -> Subject:
    """What a field is in the scope."""
    place = place_of(ref, frame.scope)
    if not place:
        raise FilterError(f"{ref.name!r} is not a field of {frame.scope}s")
    if ref.name == "trace.score" or (ref.name == "score" and not ref.root):
        return _Score(ref, frame)
    if place == "total":
        return _Total(spec(ref), frame)
    inner = frame if frame.scope == "span" else _inner(frame)
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
        sql = f"{column} IN ({', '.join(told)})" if op == "in" else f"{column} {op} {told[0]}"
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
        kinds = sorted({kind for value in values for kind in _KINDS_OF[value.kind]})
        return f"{self._at('kind')} IN ({', '.join(repr(kind) for kind in kinds)})"

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        return "(" + " OR ".join(self._holds(op, value) for value in values) + ")"

    def _holds(self, op: Op, value: Value) -> str:
        kind, sign = self._at("kind"), "=" if op == "in" else op
        match value.kind:
            case "text" if op == "~":
                return f"({kind} = 's' AND {self.frame.contains(self._at('str'), str(value.raw))})"
            case "text":
                return f"({kind} = 's' AND {self._at('str')} = {self.frame.bind(value.raw, 'String')})"
            case "flag":
                return f"({kind} = 'b' AND {self._at('int')} = {self.frame.bind(int(value.raw), 'Int64')})"
        bound = self.frame.bind(value.raw, "Int64" if value.kind == "whole" else "Float64")
        return f"(({kind} = 'i' AND {self._at('int')} {sign} {bound}) OR ({kind} = 'd' AND {self._at('dbl')} {sign} {bound}))"


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
        types = sorted({kind for value in values for kind in _JSON_OF[value.kind]})
        return f"{self._of('JSONType')} IN ({', '.join(repr(kind) for kind in types)})"

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        return "(" + " OR ".join(self._holds(op, value) for value in values) + ")"

    def _holds(self, op: Op, value: Value) -> str:
        typed, sign = self.known((value,)), "=" if op == "in" else op
        match value.kind:
            case "text" if op == "~":
                return f"({typed} AND {self.frame.contains(self._of('JSONExtractString'), str(value.raw))})"
            case "text":
                return f"({typed} AND {self._of('JSONExtractString')} = {self.frame.bind(value.raw, 'String')})"
            case "flag":
                return f"({typed} AND {self._of('JSONExtractBool')} = {self.frame.bind(value.raw, 'Bool')})"
        return f"({typed} AND {self._of('JSONExtractFloat')} {sign} {self.frame.bind(float(value.raw), 'Float64')})"


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
        sql = f"{column} IN ({', '.join(told)})" if op == "in" else f"{column} {op} {told[0]}"
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
class _Total:
    """A number reckoned over the spans of a trace or session; unknown where no span tells it."""

    field: Field
    frame: Frame

    def known(self, values: tuple[Value, ...]) -> str:
        return self.frame.having(f"isNotNull({self.field.total})")

    def holds(self, op: Op, values: tuple[Value, ...]) -> str:
        told = [self.frame.bind(value.raw, "Int64") for value in values]
        sql = f"{self.field.total} IN ({', '.join(told)})" if op == "in" else f"{self.field.total} {op} {told[0]}"
        return self.frame.having(f"ifNull({sql}, 0)")


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
