"""A tree to SQL with bound values, over rows of ``spans``.

The caller's statement binds ``project_id`` (UInt32). In scope ``span`` the SQL stands over any row of ``spans``; in ``trace`` over the
row that stands for the trace (its head: the earliest root span, or else the earliest span), or, with ``heads=False``, over any row of
it; in ``session`` over anything that has a ``session_id``. What a field is in each scope is told in ``subjects.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from clew.core.errors import FilterError
from clew.traces.filter.fields import place_of, type_of
from clew.traces.filter.sentence import sentence
from clew.traces.filter.subjects import Frame, Total, inner_frame, subject_of
from clew.traces.filter.text import SPAN_TEXT, index_condition, pieces
from clew.traces.filter.tree import NEGATIVE, And, Count, FieldRef, Node, Not, Op, Or, Scope, Search, Test, Value

WIDE = ("input", "output", "session", "attr", "metadata")  # fields that an index answers, or that take long to read


@dataclass(frozen=True)
class Sql:
    """A condition, the values it binds, and the same in words."""

    where: str
    params: dict[str, object]
    sentence: str = ""


@dataclass(frozen=True)
class GroupedSql:
    """A condition over the spans of each trace together: ``where`` over the rows before they are grouped, ``having`` over the groups.

    ``of_heads``: the groups are asked for their heads only, so that later spans do not matter.
    """

    where: str
    having: str
    params: dict[str, object]
    of_heads: bool = False


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


def compile_grouped(tree: Node, *, now_ns: int = 0, within: str = "", prefix: str = "g") -> GroupedSql:
    """A tree of scope ``trace`` as a condition over spans that are grouped by ``trace_id``, so that one pass answers all of its parts.

    What an index answers, or what is wide, is asked apart, as which traces have such a span; where it must hold, only their spans are grouped.
    """
    frame = Frame("trace", now_ns, prefix, within=within, indexed=True, heads=False, grouped=True)
    parts = tree.parts if isinstance(tree, And) else (tree,)
    apart = [_node(part, frame) for part in parts if _is_apart(part)]
    together = And(tuple(part for part in parts if not _is_apart(part)))
    return GroupedSql(" AND ".join(apart) or "1", _node(together, frame), frame.params, _is_of_heads(tree))


def _is_apart(node: Node) -> bool:
    """Whether a leaf is asked in a statement of its own."""
    match node:
        case Search():
            return True
        case Test(field):
            return field.name in WIDE
        case Count(condition):
            return _has_apart(condition)
    return False


def _is_of_heads(node: Node) -> bool:
    """Whether a filter of traces asks nothing of the spans of a group but its head."""
    match node:
        case And(parts) | Or(parts):
            return all(_is_of_heads(part) for part in parts)
        case Not(part):
            return _is_of_heads(part)
        case Test(field) if place_of(field, "trace") == "own":
            return True
    return _is_apart(node)


def _has_apart(node: Node) -> bool:
    match node:
        case And(parts) | Or(parts):
            return any(_has_apart(part) for part in parts)
        case Not(part):
            return _has_apart(part)
    return _is_apart(node)


def _node(node: Node, frame: Frame) -> str:
    if frame.grouped and _is_apart(node):
        frame = replace(frame, grouped=False)  # binds into the same values
    match node:
        case And(parts):
            return _all(parts, frame) if parts else "1"
        case Or(parts):
            return "(" + " OR ".join(_node(part, frame) for part in parts) + ")"
        case Not(part):
            return f"NOT ({_node(part, frame)})"
        case Search(text):
            return _search(text, frame)
        case Count(condition, op, number):
            return _count(condition, op, number, frame)
        case Test():
            return _test(node, frame)


def _all(parts: tuple[Node, ...], frame: Frame) -> str:
    """Every part holds. What is reckoned over the same spans is reckoned once."""
    totals: list[str] = []
    others: list[str] = []
    for part in parts:
        reckoned = _reckoned(part, frame)
        (totals if reckoned else others).append(reckoned or _node(part, frame))
    return "(" + " AND ".join([*others, *([frame.having(" AND ".join(totals))] if totals else [])]) + ")"


def _reckoned(part: Node, frame: Frame) -> str:
    """The condition on the spans of a trace or session together, where the part is one; else nothing."""
    if frame.scope == "span" or not isinstance(part, Test) or part.op in NEGATIVE or part.op == "missing":
        return ""
    test = _bound_of(part, frame)
    subject = subject_of(test.field, frame)
    return subject.condition(test.op, test.values) if isinstance(subject, Total) else ""


def _search(text: str, frame: Frame) -> str:
    sides = " OR ".join(frame.contains(column, text) for column in ("input_text", "output_text"))
    either = f"({sides})"
    if frame.indexed:
        needed, params = index_condition(SPAN_TEXT, frame.name(), text)
        frame.params.update(params)
        # A piece of one word is answered by the index alone; it differs only where a letter beyond ASCII has a lower case in ASCII.
        either = f"({needed})" if pieces(text) == (text.lower(),) else f"({needed} AND {either})" if needed else either
    return either if frame.scope == "span" else frame.some(either)


def _count(condition: Node, op: Op, number: int, frame: Frame) -> str:
    if frame.scope == "span":
        raise FilterError("any(…) and count(…) ask of the spans of a trace or session; a span is asked by itself")
    where = _node(condition, inner_frame(frame))
    if (op, number) == (">", 0):
        return frame.some(where)
    told = frame.bind(number, "Int64")
    if frame.grouped:
        return f"(countIf({where}) {op} {told})"
    compared = f"count() {op} {told}"
    if _holds_for_none(op, number):  # no span meets it: then the trace has no group, so ask for those that fail
        return f"NOT ({frame.having(f'NOT ({compared})', where)})"
    return frame.having(compared, where)


def _holds_for_none(op: Op, number: int) -> bool:
    return {"=": number == 0, "!=": number != 0, "<": number > 0, "<=": number >= 0, ">": number < 0, ">=": number <= 0}[op]


def _test(test: Test, frame: Frame) -> str:
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
    """``since = 24h`` as a comparison of the start with a moment; any other test as it is."""
    if type_of(test.field) != "since":
        return test
    (value,) = test.values
    moment = frame.now_ns - int(value.raw) if value.kind == "ago" else value.raw
    return Test(FieldRef("start", root=test.field.root), ">=" if test.field.name == "since" else "<", (Value("moment", moment),))
