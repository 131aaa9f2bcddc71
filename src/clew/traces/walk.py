"""Traces in the order of time, a page at a time, without reading more of the past than the page needs.

A trace stands where its head starts: its earliest root, or, while no root has arrived, its earliest span. Roots are read in the order of
the primary key. Traces without a root are found among the other spans of the same stretch of time; every span of theirs but the head
stands later in time than the head, so all whose head lies in a stretch show up in it. Stretches grow while a page is not full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clew.store import Store
from clew.traces.locate import locate
from clew.traces.question import SKEW_NS, Question
from clew.traces.rows import id_bytes, statement

FIRST_STRETCH = 4_000  # spans looked through at first, enough for a page of traces of ten spans
FIRST_FILTERED = 200_000  # with a filter: what the engine reads in some ten milliseconds
GROWTH = 8


@dataclass(frozen=True, order=True)
class Place:
    """Where a trace stands in a list: its sort value, then its id."""

    value: int
    trace: str


@dataclass(frozen=True)
class _Stretch:
    """A stretch of time, both ends included, and the place in it after which the page begins."""

    low_ns: int
    high_ns: int
    after: Place | None


def walk(store: Store, asked: Question, after: Place | None) -> list[Place]:
    """Up to ``limit`` + 1 places after a place, in the order of the question."""
    found: dict[str, Place] = {}
    spans = FIRST_FILTERED if asked.filtered else max(FIRST_STRETCH, 40 * asked.limit)
    near = _near(asked, after)
    while len(found) <= asked.limit and asked.since_ns <= near < asked.until_ns:
        far = _edge(store, asked, near, spans)
        stretch = _Stretch(min(near, far), max(near, far), after)
        places, reached = _look(store, asked, stretch, asked.limit + 1 - len(found))
        found |= {place.trace: place for place in places if place.trace not in found}
        if reached is not None:
            near, after = reached.value, reached
            continue
        near, after, spans = (far - 1 if asked.descending else far + 1), None, spans * GROWTH
    return sorted(found.values(), reverse=asked.descending)[: asked.limit + 1]


def _near(asked: Question, after: Place | None) -> int:
    if after is not None:
        return min(max(after.value, asked.since_ns), asked.until_ns - 1)
    return asked.until_ns - 1 if asked.descending else asked.since_ns


def _edge(store: Store, asked: Question, near: int, spans: int) -> int:
    """The far end of the stretch that begins at ``near`` and holds about ``spans`` spans."""
    last = asked.since_ns if asked.descending else asked.until_ns - 1
    low, high = (last, near) if asked.descending else (near, last)
    sql = statement("window_edge").fill(direction=asked.direction)
    rows = store.facts.rows(sql, project_id=asked.project_id, low_ns=low, high_ns=high, spans=spans)
    return int(rows[0]["start_ns"]) if rows else last


def _look(store: Store, asked: Question, stretch: _Stretch, wanted: int) -> tuple[list[Place], Place | None]:
    """The places in a stretch, and the last place up to which they are complete when that is not all of it."""
    bound = {
        **asked.params,
        "within_ns": max(stretch.low_ns - SKEW_NS, 0),
        "high_ns": stretch.high_ns,
        "low_ns": stretch.low_ns,
    }
    roots = _roots(store, asked, stretch, bound, wanted)
    reached = roots[-1] if len(roots) == wanted else None
    if reached is not None:
        edge = "low_ns" if asked.descending else "high_ns"
        bound[edge] = reached.value
    strays, cut = _strays(store, asked, bound, roots, 2 * wanted + 100)
    verified = _verify(store, asked, roots, strays, bound)
    places = [place for place in verified if _inside(asked, place, stretch.after, reached)]
    if cut is not None:
        # Only traces whose head lies nearer than the last that came into sight are sure to be complete.
        return [place for place in places if (place.value > cut if asked.descending else place.value < cut)], _before(asked, cut)
    return places, reached


def _before(asked: Question, edge_ns: int) -> Place:
    """The place before everything that starts at ``edge_ns``."""
    return Place(edge_ns, "f" * 33 if asked.descending else "")


def _inside(asked: Question, place: Place, after: Place | None, reached: Place | None) -> bool:
    if asked.descending:
        return (after is None or place < after) and (reached is None or place >= reached)
    return (after is None or place > after) and (reached is None or place <= reached)


def _roots(store: Store, asked: Question, stretch: _Stretch, bound: dict[str, Any], wanted: int) -> list[Place]:
    condition, values = "1", {}
    if stretch.after is not None and len(stretch.after.trace) == 32:
        values = {"after_ns": stretch.after.value, "after_trace": stretch.after.trace}
        condition = f"(start_ns, trace_id) {asked.beyond} ({{after_ns:Int64}}, unhex({{after_trace:String}}))"
    sql = statement("roots_in_window").fill(after=condition, where=asked.where, direction=asked.direction)
    return [Place(row["start_ns"], row["trace"]) for row in store.facts.rows(sql, **bound, **values, limit=wanted)]


def _strays(store: Store, asked: Question, bound: dict[str, Any], roots: list[Place], limit: int) -> tuple[list[str], int | None]:
    """Traces in the stretch that may have no root, and how far they are complete when there are more than ``limit``."""
    while True:
        sql = statement("strays_in_window").fill(sight="max" if asked.descending else "min", where=asked.where, direction=asked.direction)
        rows = store.facts.rows(sql, **bound, rooted=id_bytes({place.trace for place in roots} or {"0" * 32}), limit=limit)
        traces = [row["trace"] for row in rows]
        if len(rows) < limit:
            return traces, None
        if rows[-1]["seen_ns"] != rows[0]["seen_ns"]:
            return traces, int(rows[-1]["seen_ns"])
        limit *= GROWTH  # all at one instant: only the whole instant is an answer


def _verify(store: Store, asked: Question, roots: list[Place], strays: list[str], bound: dict[str, Any]) -> list[Place]:
    """Of what was found, the traces that truly stand here, by their heads over all of their spans.

    A root that is not its trace's earliest is left out: the trace stands at the earliest.
    """
    traces = {*strays, *(place.trace for place in roots)}
    located = locate(store, asked.project_id, sorted(traces))
    if located.where is None:
        return []
    sql = statement("trace_heads").fill(located=located.where)
    heads = store.facts.rows(sql, project_id=asked.project_id, traces=id_bytes(traces), **located.params)
    alone = [row for row in heads if row["root_missing"] and bound["low_ns"] <= row["head_ns"] <= bound["high_ns"]]
    if asked.filtered and alone:
        match = statement("heads_that_match").fill(where=asked.where)
        starts, ids = [row["head_ns"] for row in alone], id_bytes(row["head"] for row in alone)
        kept = {row["trace"] for row in store.facts.rows(match, **bound, starts=starts, heads=ids)}
        alone = [row for row in alone if row["trace"] in kept]
    rooted = {Place(row["head_ns"], row["trace"]) for row in heads if not row["root_missing"]}
    return [place for place in roots if place in rooted] + [Place(row["head_ns"], row["trace"]) for row in alone]
