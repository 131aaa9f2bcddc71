"""A trace's spans as a tree: order, depth, self time, critical path, sums. Pure, and without recursion: a trace may be 100,000 deep.

What arrived broken is shown, not dropped: a span whose parent is not here stands at the top (``orphan``), a ring of parents is opened
at its earliest span (``cycle``), a second span with the same id stands beside the first (``duplicate``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from clew.traces.views import NO_TOKENS, TOKEN_KINDS, Cost, SpanRow, Tokens, TreeNode

TOP = -1
_NOTHING = (None,) * len(TOKEN_KINDS)


@dataclass
class _Shape:
    """Indexes into the spans: who hangs below whom, in which order."""

    children: list[list[int]]
    tops: list[int]
    marks: list[list[str]]
    order: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)


def build_tree(spans: Sequence[SpanRow], nanos: Sequence[int | None]) -> tuple[TreeNode, ...]:
    """The nodes in the order in which a reader meets them: parents first, siblings by start. ``nanos`` is each span's cost, unrounded."""
    shape = _shape(spans)
    self_ns = _self_times(spans, shape)
    critical = _critical(spans, shape)
    tokens = _subtree_tokens(spans, shape)
    costs = _subtree_costs(spans, nanos, shape)
    return tuple(
        TreeNode(
            span=spans[at],
            depth=shape.depth[at],
            children=len(shape.children[at]),
            self_ns=self_ns[at],
            critical=critical[at],
            subtree_tokens=tokens[at],
            subtree_cost=costs[at],
            marks=(*spans[at].marks, *shape.marks[at]) if shape.marks[at] else spans[at].marks,
        )
        for at in shape.order
    )


# ── shape ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _shape(spans: Sequence[SpanRow]) -> _Shape:
    by_start = sorted(range(len(spans)), key=lambda at: (spans[at].start_ns, spans[at].span_id))
    first: dict[str, int] = {}
    marks: list[list[str]] = [[] for _ in spans]
    for at in by_start:
        if spans[at].span_id in first:
            marks[at].append("duplicate")
        first.setdefault(spans[at].span_id, at)
    parent = [first.get(span.parent_id, TOP) if span.parent_id else TOP for span in spans]
    for at, span in enumerate(spans):
        if span.parent_id and parent[at] == TOP:
            marks[at].append("orphan")
    _open_rings(by_start, parent, marks)
    children: list[list[int]] = [[] for _ in spans]
    for at in by_start:
        if parent[at] != TOP:
            children[parent[at]].append(at)
    shape = _Shape(children, [at for at in by_start if parent[at] == TOP], marks, parent=parent)
    _mark_times(spans, shape)
    _number(shape)
    return shape


def _open_rings(by_start: list[int], parent: list[int], marks: list[list[str]]) -> None:
    """Cuts every ring of parents above its earliest span."""
    rank = {at: position for position, at in enumerate(by_start)}
    walked = [0] * len(parent)  # by which walk a span was passed; 0: not yet
    for walk, start in enumerate(by_start, start=1):
        at = start
        while at != TOP and walked[at] == 0:
            walked[at] = walk
            at = parent[at]
        if at != TOP and walked[at] == walk:  # came back to where this walk has been
            ring, seen = [at], parent[at]
            while seen != at:
                ring.append(seen)
                seen = parent[seen]
            earliest = min(ring, key=rank.__getitem__)
            parent[earliest] = TOP
            marks[earliest].append("cycle")


def _mark_times(spans: Sequence[SpanRow], shape: _Shape) -> None:
    for above, below in enumerate(shape.children):
        start, end = spans[above].start_ns, spans[above].start_ns + spans[above].duration_ns
        for at in below:
            if spans[at].start_ns < start:
                shape.marks[at].append("before_parent")
            if spans[at].start_ns + spans[at].duration_ns > end:
                shape.marks[at].append("after_parent")


def _number(shape: _Shape) -> None:
    shape.depth = [0] * len(shape.parent)
    stack = shape.tops[::-1]
    while stack:
        at = stack.pop()
        shape.order.append(at)
        for below in shape.children[at]:
            shape.depth[below] = shape.depth[at] + 1
        stack.extend(reversed(shape.children[at]))


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _self_times(spans: Sequence[SpanRow], shape: _Shape) -> list[int]:
    """Duration minus the union of the children's intervals, as far as they lie inside."""
    found = []
    for at, span in enumerate(spans):
        covered, reach, end = 0, span.start_ns, span.start_ns + span.duration_ns
        for below in shape.children[at]:  # in the order of start
            start = max(spans[below].start_ns, reach)
            stop = min(spans[below].start_ns + spans[below].duration_ns, end)
            if stop > start:
                covered += stop - start
                reach = stop
        found.append(span.duration_ns - covered)
    return found


def _critical(spans: Sequence[SpanRow], shape: _Shape) -> list[bool]:
    """Which spans the end of the trace waited for.

    Walked back from the end: the child that ended last, then the one that ended last before that child began, and so on down.
    A child that runs on after its parent counts up to the parent's end.
    """
    critical = [False] * len(spans)
    if not spans:
        return critical
    ends = [span.start_ns + span.duration_ns for span in spans]
    roots = [at for at in shape.tops if not spans[at].parent_id] or shape.tops
    pending = [(roots, max(ends[at] for at in roots))]
    while pending:
        siblings, until = pending.pop()
        reach = until
        for at in sorted(siblings, key=lambda at: (-min(ends[at], until), spans[at].start_ns)):
            end = min(ends[at], until)
            if end <= reach and spans[at].start_ns < end:
                critical[at] = True
                pending.append((shape.children[at], end))
                reach = spans[at].start_ns
    return critical


# ── sums ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _subtree_tokens(spans: Sequence[SpanRow], shape: _Shape) -> list[Tokens]:
    own = [span.tokens if span.counted else NO_TOKENS for span in spans]
    told = {kind: sums for kind in TOKEN_KINDS if (sums := _subtree_sums([getattr(tokens, kind) for tokens in own], shape)) is not None}
    if not told:
        return own
    every = zip(*(told.get(kind) or [None] * len(spans) for kind in TOKEN_KINDS), strict=True)
    return [NO_TOKENS if counts == _NOTHING else Tokens(*counts) for counts in every]


def _subtree_sums(counts: list[int | None], shape: _Shape) -> list[int | None] | None:
    """Each count with those below it; nothing where no span tells this kind."""
    if counts.count(None) == len(counts):
        return None
    for at in reversed(shape.order):
        above, count = shape.parent[at], counts[at]
        if above != TOP and count is not None:
            so_far = counts[above]
            counts[above] = count if so_far is None else so_far + count
    return counts


def add_tokens(every: Iterable[Tokens]) -> Tokens:
    """The sum, kind by kind; what nobody tells stays unknown."""
    tokens = [one for one in every if one is not NO_TOKENS]
    told = ([count for one in tokens if (count := getattr(one, kind)) is not None] for kind in TOKEN_KINDS)
    return Tokens(*(sum(counts) if counts else None for counts in told))


def _subtree_costs(spans: Sequence[SpanRow], nanos: Sequence[int | None], shape: _Shape) -> list[Cost]:
    money = [0] * len(spans)
    known = [0] * len(spans)
    unknown = [0] * len(spans)
    for at in reversed(shape.order):
        span, own = spans[at], nanos[at]
        if span.counted and own is not None:
            money[at] += own
            known[at] += 1
        elif span.counted and (span.tokens.input is not None or span.tokens.output is not None):
            unknown[at] += 1
        above = shape.parent[at]
        if above != TOP:
            money[above] += money[at]
            known[above] += known[at]
            unknown[above] += unknown[at]
    nothing = Cost(None, 0, 0)
    return [
        nothing if not known[at] and not unknown[at] else Cost((money[at] + 500) // 1000 if known[at] else None, known[at], unknown[at])
        for at in range(len(spans))
    ]
