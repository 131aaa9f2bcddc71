"""Traces in the order of time, a page at a time, without reading more of the past than the page needs.

A trace stands where its head starts: its earliest root, or, while no root has arrived, its earliest span. Roots are read in the order of
the primary key. Traces without a root are found among the other spans of the same stretch of time; every span of theirs but the head
stands later in time than the head, so all whose head lies in a stretch show up in it. Stretches grow while a page is not full.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from clew.store import Store
from clew.traces.locate import trace_sums
from clew.traces.question import LAST_NS, SKEW_NS, Question
from clew.traces.rows import id_bytes, statement

FIRST_STRETCH = 4_000  # spans looked through at first, enough for a page of traces of ten spans
FIRST_FILTERED = 100_000  # with a filter: what the engine reads in some ten milliseconds
GROWTH = 10
GROWTH_FILTERED = 20  # a look takes in all that is later besides; so few of them, unless texts are read, which costs by what is found
LONG_STRETCH = 1_000_000
MARKED = 20_000  # from here on a stretch is measured in granules
# A trace that runs longer than this costs a look of its own, or, where those are more than a few, is told by roots from further back.
LONG_TRACE_NS, VERY_LONG_NS, FEW = 10 * 1_000_000_000, 120 * 1_000_000_000, 50
MANY = 2_000  # traces of one stretch that may have no root: read at most at once
BEYOND_IDS = "g"  # sorts after every id


@dataclass(frozen=True, order=True)
class Place:
    """Where a trace stands in a list: its sort value, then its id."""

    value: int
    trace: str


@dataclass(frozen=True)
class Walked:
    """Places in the order of the question, and the head and sums of the traces that were looked at on the way."""

    places: list[Place]
    sums: dict[str, dict[str, Any]]


@dataclass
class _Walk:
    """One walk through time: the question, and what has been learnt so far."""

    store: Store
    asked: Question
    sums: dict[str, dict[str, Any]] = field(default_factory=dict)
    marks: list[tuple[int, int]] | None = None

    def marked_beyond(self, near: int, last: int, spans: int) -> int:
        """About where ``spans`` spans from ``near`` lie behind one, by the granules; ``last`` where that leaves little."""
        if self.marks is None:
            self.marks = self._read_marks(near, last)
        passed = [before for edge, before in self.marks if (edge >= near if self.asked.descending else edge <= near)]
        wanted, most = max(passed, default=0) + spans, max((before for _, before in self.marks), default=0)
        if most <= wanted + spans // 2:
            return last
        return next(edge for edge, before in self.marks if before >= wanted)

    def _read_marks(self, near: int, last: int) -> list[tuple[int, int]]:
        slots = {"sight": "min" if self.asked.descending else "max", "direction": self.asked.direction}
        bound = {"project_id": self.asked.project_id, "low_ns": min(near, last), "high_ns": max(near, last)}
        return [(row["edge_ns"], row["spans"]) for row in self.rows("span_marks", slots, bound)]

    def count(self, near: int, far: int) -> int:
        """The spans between two instants."""
        bound = {"project_id": self.asked.project_id, "low_ns": min(near, far), "high_ns": max(near, far)}
        return int(self.rows("count_spans", {}, bound)[0]["spans"])

    def nth_beyond(self, near: int, last: int, spans: int) -> int:
        """Where the span number ``spans`` in the order of the question starts, counted from ``near``."""
        bound = {"project_id": self.asked.project_id, "low_ns": min(near, last), "high_ns": max(near, last), "spans": spans}
        return int(self.rows("nth_span", {"direction": self.asked.direction}, bound)[0]["start_ns"])

    def rows(self, name: str, slots: Mapping[str, str], params: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self.store.facts.rows(statement(name).fill(**slots), **params)


@dataclass(frozen=True)
class _Stretch:
    """A stretch of time, both ends included, and the place in it after which the page begins."""

    low_ns: int
    high_ns: int
    after: Place | None


def walk(store: Store, asked: Question, after: Place | None) -> Walked:
    """Up to ``limit`` + 1 places after a place, in the order of the question."""
    walking = _Walk(store, asked)
    found: dict[str, Place] = {}
    spans = FIRST_FILTERED if asked.filtered else max(FIRST_STRETCH, 40 * asked.limit)
    near = _near(asked, after)
    while len(found) <= asked.limit and asked.since_ns <= near < asked.until_ns:
        wanted = asked.limit + 1 - len(found)
        far = asked.since_ns if asked.descending else asked.until_ns - 1
        roots = None if asked.filtered else _roots(walking, _stretch(near, far, after), wanted)
        if roots is None or len(roots) < wanted:  # a page of roots bounds itself; with less of them the stretch does
            far = _edge(walking, near, far, spans)
        stretch = _stretch(near, far, after)
        places, reached = _look(
            walking, stretch, _matches(walking, stretch, wanted) if roots is None else _plain(walking, stretch, roots, wanted)
        )
        found |= {place.trace: place for place in places if place.trace not in found}
        if reached is not None:
            near, after = reached.value, reached
            continue
        near, after, spans = (far - 1 if asked.descending else far + 1), None, _next_length(asked, spans, len(found))
    return Walked(sorted(found.values(), reverse=asked.descending)[: asked.limit + 1], walking.sums)


def _next_length(asked: Question, spans: int, found: int) -> int:
    """How many spans to look through next: as many as should fill the page, going by what was found so far."""
    growth = GROWTH_FILTERED if asked.filtered and asked.apart == "1" else GROWTH
    most = spans * (growth if spans < LONG_STRETCH else 3)  # what lies behind a busy hour without a match is like any other
    likely = 3 * spans * (asked.limit + 1 - found) // (2 * found) if found else most
    return min(max(likely, spans // 2), most)


def _near(asked: Question, after: Place | None) -> int:
    if after is not None:
        return min(max(after.value, asked.since_ns), asked.until_ns - 1)
    return asked.until_ns - 1 if asked.descending else asked.since_ns


def _stretch(near: int, far: int, after: Place | None) -> _Stretch:
    return _Stretch(min(near, far), max(near, far), after)


def _edge(walking: _Walk, near: int, last: int, spans: int) -> int:
    """The far end of a stretch that begins at ``near`` and holds about ``spans`` spans; ``last`` where that leaves little behind it.

    The first rows of granules are in memory, and for a short stretch reading off one column costs little.
    """
    if spans >= MARKED:
        return _wide_edge(walking, near, last, spans)
    return last if walking.count(near, last) <= spans + spans // 2 else walking.nth_beyond(near, last, spans)


def _wide_edge(walking: _Walk, near: int, last: int, spans: int) -> int:
    """The far end of a long stretch. What a filter reads beyond the stretch anyway belongs to it: all that is later, an hour that is earlier."""
    if not walking.asked.filtered or walking.asked.of_heads:
        return walking.marked_beyond(near, last, spans)
    return max(last, min(walking.marked_beyond(near, last, spans), near - SKEW_NS)) if walking.asked.descending else last


@dataclass(frozen=True)
class _Candidates:
    """What a look at a stretch brought: roots in order, traces that may have no root, and up to which instant those are complete."""

    roots: list[Place]
    strays: list[str]
    reached: Place | None
    cut: int | None


def _look(walking: _Walk, stretch: _Stretch, found: _Candidates) -> tuple[list[Place], Place | None]:
    """The places in a stretch, and the last place up to which they are complete when that is not all of it."""
    asked, cut = walking.asked, found.cut
    places = [place for place in _verify(walking, stretch, found) if _inside(asked, place, stretch.after, found.reached)]
    if cut is not None:
        # Only traces whose head lies nearer than the last that came into sight are sure to be complete.
        return [place for place in places if (place.value > cut if asked.descending else place.value < cut)], _before(asked, cut)
    return places, found.reached


def _before(asked: Question, edge_ns: int) -> Place:
    """The place before everything that starts at ``edge_ns``."""
    return Place(edge_ns, BEYOND_IDS if asked.descending else "")


def _inside(asked: Question, place: Place, after: Place | None, reached: Place | None) -> bool:
    if asked.descending:
        return (after is None or place < after) and (reached is None or place >= reached)
    return (after is None or place > after) and (reached is None or place <= reached)


def _bound(asked: Question, stretch: _Stretch) -> dict[str, Any]:
    return {**asked.params, "within_ns": max(stretch.low_ns - SKEW_NS, 0), "low_ns": stretch.low_ns, "high_ns": stretch.high_ns}


def _beyond(asked: Question, after: Place | None, value: str) -> tuple[str, dict[str, Any]]:
    """The condition that a trace at ``value`` stands after a place, with what it binds."""
    if after is None or after.trace in ("", BEYOND_IDS):
        return "1", {}
    condition = f"({value}, trace_id) {asked.beyond} ({{after_ns:Int64}}, unhex({{after_trace:String}}))"
    return condition, {"after_ns": after.value, "after_trace": after.trace}


def _roots(walking: _Walk, stretch: _Stretch, wanted: int) -> list[Place]:
    """Roots in the order of the primary key, without a filter."""
    asked = walking.asked
    condition, values = _beyond(asked, stretch.after, "start_ns")
    slots = {"after": condition, "direction": asked.direction}
    rows = walking.rows("roots_in_window", slots, {**_bound(asked, stretch), **values, "limit": wanted})
    return [Place(row["start_ns"], row["trace"]) for row in rows]


def _plain(walking: _Walk, stretch: _Stretch, roots: list[Place], wanted: int) -> _Candidates:
    """Without a filter: the roots there are, and other traces in the stretch that they bound.

    The stretch is short, so traces that began a little before it and still run are told by their roots at once.
    """
    asked = walking.asked
    reached = roots[-1] if len(roots) == wanted else None
    roots = [place for place in roots if stretch.low_ns <= place.value <= stretch.high_ns]
    near = stretch
    if reached is not None:
        near = replace(stretch, low_ns=reached.value) if asked.descending else replace(stretch, high_ns=reached.value)
    strays, cut = _strays(walking, near, wanted, LONG_TRACE_NS)
    if len(strays) > FEW:
        strays, cut = _strays(walking, near, wanted, VERY_LONG_NS)
    return _Candidates(roots, strays, reached, cut)


def _strays(walking: _Walk, stretch: _Stretch, wanted: int, margin_ns: int) -> tuple[list[str], int | None]:
    """Traces with spans in a stretch and no root in it or a margin before it, and the instant up to which these are all there are."""
    asked = walking.asked
    slots = {"sight": "max" if asked.descending else "min", "direction": asked.direction}
    bound = {**_bound(asked, stretch), "roots_from_ns": max(stretch.low_ns - margin_ns, 0)}
    limit = 2 * wanted + 100
    while True:
        rows = walking.rows("strays_in_window", slots, {**bound, "limit": limit})
        traces = [row["trace"] for row in rows]
        if len(rows) < limit:
            return traces, None
        if rows[-1]["seen_ns"] != rows[0]["seen_ns"]:
            return traces, int(rows[-1]["seen_ns"])
        limit *= GROWTH  # all at one instant: only the whole instant is an answer


def _matches(walking: _Walk, stretch: _Stretch, wanted: int) -> _Candidates:
    """With a filter, evaluated once over the stretch: traces with a root that match, and such without one."""
    asked = walking.asked
    condition, values = _beyond(asked, stretch.after, "seen_ns")
    slots = {"sight": "max" if asked.descending else "min", "where": asked.apart, "having": asked.having, "after": condition}
    bound, many = {**_bound(asked, stretch), **values}, MANY
    # What stands at a head is told by the stretch alone; what a trace's other spans say, by all that may belong to it.
    bound |= {"from_ns": stretch.low_ns, "to_ns": stretch.high_ns} if asked.of_heads else {"from_ns": bound["within_ns"], "to_ns": LAST_NS}
    while True:
        rows = walking.rows("matches_in_window", {**slots, "direction": asked.direction}, {**bound, "limit": many})
        roots = [Place(row["seen_ns"], row["trace"]) for row in rows if row["has_root"]][:wanted]
        others = [row for row in rows if not row["has_root"]]
        if len(others) < many or others[0]["seen_ns"] != others[-1]["seen_ns"]:
            break
        many *= GROWTH  # all at one instant: only the whole instant is an answer
    reached = roots[-1] if len(roots) == wanted else None
    cut = int(others[-1]["seen_ns"]) if len(others) == many else None
    if reached is not None:
        others = [row for row in others if (row["seen_ns"] >= reached.value if asked.descending else row["seen_ns"] <= reached.value)]
        cut = None if cut is not None and (cut < reached.value if asked.descending else cut > reached.value) else cut
    return _Candidates(roots, [row["trace"] for row in others], reached, cut)


def _verify(walking: _Walk, stretch: _Stretch, found: _Candidates) -> list[Place]:
    """Of what was found, the traces that truly stand here, by their heads over all of their spans.

    A root that is not its trace's earliest is left out: the trace stands at the earliest.
    """
    asked = walking.asked
    heads = trace_sums(walking.store, asked.project_id, sorted({*found.strays, *(place.trace for place in found.roots)}))
    walking.sums |= {row["trace"]: row for row in heads}
    alone = [row for row in heads if row["root_missing"] and stretch.low_ns <= row["head_ns"] <= stretch.high_ns]
    if asked.filtered and alone:
        ids = {"starts": [row["head_ns"] for row in alone], "heads": id_bytes(row["head"] for row in alone)}
        rows = walking.rows("heads_that_match", {"where": asked.where}, {**_bound(asked, stretch), **ids})
        kept = {row["trace"] for row in rows}
        alone = [row for row in alone if row["trace"] in kept]
    rooted = {Place(row["head_ns"], row["trace"]) for row in heads if not row["root_missing"]}
    return [place for place in found.roots if place in rooted] + [Place(row["head_ns"], row["trace"]) for row in alone]
