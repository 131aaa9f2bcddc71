"""The meaning of a filter, told a second time: over plain Python rows, slowly, and without a look at the SQL.

It shares the tree with the compiler and nothing else, so that a mistake in either shows as a difference between them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from clew.traces.filter import And, Count, FieldRef, Node, Not, Or, Scope, Search, Test, Value

Row = dict[str, Any]

COLUMNS = {
    "message": "status_message", "error": "error_type", "agent": "agent_name", "tool": "tool_name", "prompt": "prompt_name",
    "session": "session_id", "user": "user_id", "tag": "tags", "mark": "marks", "input": "input_text", "output": "output_text",
    "latency": "duration_ns", "ttft": "ttft_ns", "start": "start_ns", "end": "end_ns", "cost": "cost_nanos", "root": "is_root",
    "trace": "trace_id", "span": "span_id",
}  # fmt: skip
OF_HEAD = {"name", "status", "start", "root", "trace"}
SUMMED = {
    "tokens", "input_tokens", "uncached_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "audio_input_tokens", "audio_output_tokens", "cost",
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """All that is stored of a project."""

    spans: list[Row]
    scores: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """One thing that may be selected: a span, a trace or a session, with its spans and the scores that speak of it."""

    scope: Scope
    id: Any
    spans: list[Row]
    scores: list[Row]
    trace_scores: list[Row]
    world: World


def select(tree: Node, scope: Scope, world: World, now_ns: int = 0) -> set[Any]:
    """The ids of what a filter selects: (trace, span), trace, or session."""
    return {subject.id for subject in subjects(scope, world) if meets(tree, subject, now_ns)}


def subjects(scope: Scope, world: World) -> Iterable[Subject]:
    if scope == "span":
        return [span_subject(span, world) for span in world.spans]
    traces = {span["trace_id"] for span in world.spans}
    if scope == "trace":
        return [trace_subject(trace, world) for trace in traces]
    return [session_subject(session, world) for session in {span["session_id"] for span in world.spans} - {""}]


def span_subject(span: Row, world: World) -> Subject:
    about_trace = [score for score in world.scores if score["scope"] != "session" and score["trace_id"] == span["trace_id"]]
    about_span = [score for score in about_trace if score["scope"] == "span" and score["span_id"] == span["span_id"]]
    return Subject("span", (span["trace_id"], span["span_id"]), [span], about_span, about_trace, world)


def trace_subject(trace: str, world: World) -> Subject:
    spans = [span for span in world.spans if span["trace_id"] == trace]
    scores = [score for score in world.scores if score["scope"] != "session" and score["trace_id"] == trace]
    return Subject("trace", trace, spans, scores, [], world)


def session_subject(session: str, world: World) -> Subject:
    traces = {span["trace_id"] for span in world.spans if span["session_id"] == session}
    spans = [span for span in world.spans if span["trace_id"] in traces]
    own = [score for score in world.scores if score["scope"] == "session" and score["session_id"] == session]
    within = [score for score in world.scores if score["scope"] != "session" and score["trace_id"] in traces]
    return Subject("session", session, spans, own + within, [], world)


def meets(node: Node, subject: Subject, now_ns: int) -> bool:
    match node:
        case And(parts):
            return all(meets(part, subject, now_ns) for part in parts)
        case Or(parts):
            return any(meets(part, subject, now_ns) for part in parts)
        case Not(part):
            return not meets(part, subject, now_ns)
        case Search(text):
            return any(contains(span[column], text) for span in subject.spans for column in ("input_text", "output_text"))
        case Count(condition, op, number):
            found = sum(meets(condition, span_subject(span, subject.world), now_ns) for span in subject.spans)
            return ORDER[op](found, number)
        case Test():
            return tested(node, subject, now_ns)
    raise AssertionError(node)


def tested(test: Test, subject: Subject, now_ns: int) -> bool:
    if test.field.name in ("since", "until"):
        (wanted,) = test.values
        moment = now_ns - wanted.raw if wanted.kind == "ago" else wanted.raw
        (start,) = values(FieldRef("start", root=test.field.root), subject)
        return start >= moment if test.field.name == "since" else start < moment
    known = values(test.field, subject)
    if test.op in ("exists", "missing"):
        return bool(known) == (test.op == "exists")
    comparable = [value for value in known if any(alike(value, wanted) for wanted in test.values)]
    positive = {"!=": "=", "!~": "~", "not in": "in"}.get(test.op, test.op)
    found = any(compares(value, positive, wanted) for value in comparable for wanted in test.values if alike(value, wanted))
    return found if positive == test.op else bool(comparable) and not found


def alike(value: Any, wanted: Value) -> bool:
    if isinstance(value, Thing):
        return False
    if isinstance(value, bool) or wanted.kind == "flag":
        return isinstance(value, bool) and wanted.kind == "flag"
    return isinstance(value, str) == (wanted.kind == "text")


def compares(value: Any, op: str, wanted: Value) -> bool:
    return contains(value, str(wanted.raw)) if op == "~" else ORDER["=" if op == "in" else op](value, wanted.raw)


ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def contains(text: str, needle: str) -> bool:
    return fold(needle) in fold(text)


def fold(text: str) -> str:
    """Letters in lower case, one character at a time, so that no character grows or goes."""
    return "".join(mark.lower() if len(mark.lower()) == 1 else mark for mark in text)


@dataclass(frozen=True)
class Thing:
    """A value that is there and compares with nothing: a list, a map, bytes, an object."""


def values(ref: FieldRef, subject: Subject) -> list[Any]:
    """The known values of a field: none, one or many."""
    if ref.name in ("score", "trace.score") and not ref.root:
        return score_values(ref, subject.trace_scores if ref.name == "trace.score" else subject.scores)
    if subject.scope == "span":
        return span_values(ref, subject)
    if ref.root or (subject.scope == "trace" and ref.name in OF_HEAD):
        return span_values(ref, span_subject(head(subject.spans), subject.world))
    if subject.scope == "session" and ref.name == "session":
        return [subject.id]
    total = total_values(ref, subject.spans)
    if total is not None:
        return total
    return [value for span in subject.spans for value in span_values(ref, span_subject(span, subject.world))]


def head(spans: list[Row]) -> Row:
    return min(spans, key=lambda span: (not span["is_root"], span["start_ns"], span["span_id"]))


def total_values(ref: FieldRef, spans: list[Row]) -> list[Any] | None:
    starts = [span["start_ns"] for span in spans]
    ends = [max(span["end_ns"], span["start_ns"]) for span in spans]
    simple = {
        "spans": len(spans),
        "errors": sum(span["status"] == 2 for span in spans),
        "traces": len({span["trace_id"] for span in spans}),
        "start": min(starts),
        "end": max(ends),
        "latency": max(ends) - min(starts),
    }
    if ref.name in simple:
        return [simple[ref.name]]
    if ref.name in SUMMED:
        known = [value for span in spans if span["counted"] for value in numbers_of(ref.name, span)]
        return [sum(known)] if known else []
    return None


def numbers_of(name: str, span: Row) -> list[int]:
    if name == "tokens":
        known = [span[column] for column in ("input_tokens", "output_tokens") if span[column] is not None]
        return [sum(known)] if known else []
    value = span[COLUMNS.get(name, name)]
    return [] if value is None else [value]


def span_values(ref: FieldRef, subject: Subject) -> list[Any]:
    (span,) = subject.spans
    match ref.name:
        case "score":
            return score_values(ref, subject.scores)
        case "attr":
            return attribute_values(ref.key, span)
        case "metadata":
            return metadata_values(ref.key, span)
        case "status":
            return [("unset", "ok", "error")[span["status"]]]
        case "parent":
            return [] if span["is_root"] else [span["parent_id"]]
        case "tokens":
            return numbers_of("tokens", span)
    value = span[COLUMNS.get(ref.name, ref.name)]
    return value if isinstance(value, list) else [] if value is None or value == "" else [value]


def attribute_values(key: str, span: Row) -> list[Any]:
    for name, kind, value in span["attributes"]:
        if name == key:
            return [] if kind == "no" else [value] if kind in "sbid" else [Thing()]
    return []


def metadata_values(key: str, span: Row) -> list[Any]:
    entries = json.loads(span["metadata"]) if span["metadata"] else {}
    value = entries.get(key)
    return [] if value is None else [Thing()] if isinstance(value, dict | list) else [value]


def score_values(ref: FieldRef, scores: list[Row]) -> list[Any]:
    """The values of the scores of a name. A score without what is asked of it is there all the same: it compares with nothing."""
    named = newest([score for score in scores if not ref.key or score["name"] == ref.key])
    if ref.part in ("label", "source"):
        return [score[ref.part] for score in named if score[ref.part] != ""]
    return [Thing() if score["value"] is None or math.isnan(score["value"]) else score["value"] for score in named]


def score_key(score: Row) -> tuple[Any, ...]:
    """What makes two rows the same score, given twice."""
    return tuple(score[column] for column in ("scope", "trace_id", "span_id", "session_id", "name", "identifier"))


def newest(scores: list[Row]) -> list[Row]:
    kept: dict[Any, Row] = {}
    for score in sorted(scores, key=lambda row: row["received_ns"]):
        kept[score_key(score)] = score
    return list(kept.values())
