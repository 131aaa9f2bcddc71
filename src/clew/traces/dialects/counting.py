"""Whose tokens count where several spans tell of the same call: exactly one span's do.

A call is told twice when an application's instrumentation and the provider's SDK both make a span (one inside the other, or with the same
response id), and when an outer span repeats the sum of its steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_DEPTH = 256  # ancestors that are looked at; deeper nesting of calls in calls has no meaning

Row = Mapping[str, Any]  # trace, span, parent, has_usage, usage_rollup, response_id, input_tokens, output_tokens; stored: counts already
Place = tuple[str, str]  # trace and span


def counted(spans: Sequence[Row]) -> set[str]:
    """The ids of the spans whose usage counts, of one trace or of several of one project.

    Stored spans count already and stay. Of calls the outer one counts; a sum over steps counts only where none of its steps does. Two spans
    with one response id tell of one call even where an SDK started a trace of its own for it.
    """
    usage = [row for row in spans if row["has_usage"]]
    parents = {_place(row): (row.get("trace", ""), row["parent"]) for row in spans}
    stored = {_place(row): row for row in usage if row.get("stored")}
    inside = {ancestor: row for place, row in stored.items() for ancestor in _ancestors(place, parents)}
    counts: dict[Place, Row] = dict(stored)
    responses = {row["response_id"] for row in stored.values() if row.get("response_id")}
    fresh = [row for row in usage if _place(row) not in stored]
    depth = {_place(row): sum(1 for _ in _ancestors(_place(row), parents)) for row in fresh}
    for row in sorted((row for row in fresh if not row.get("usage_rollup")), key=lambda row: depth[_place(row)]):
        place = _place(row)
        relatives = [counts[ancestor] for ancestor in _ancestors(place, parents) if ancestor in counts]
        relatives += [inside[place]] if place in inside else []
        response = row.get("response_id") or ""
        if (response and response in responses) or any(_same_call(row, relative) for relative in relatives):
            continue
        counts[place] = row
        responses.add(response)
    _drop_sums(counts, parents)
    holding = {ancestor for place in counts for ancestor in _ancestors(place, parents)}
    for row in sorted((row for row in fresh if row.get("usage_rollup")), key=lambda row: -depth[_place(row)]):
        place = _place(row)
        if place not in holding and not any(ancestor in stored for ancestor in _ancestors(place, parents)):
            counts[place] = row
            holding.update(_ancestors(place, parents))
    return {span for _, span in counts}


def _place(row: Row) -> Place:
    return row.get("trace", ""), row["span"]


def _ancestors(place: Place, parents: Mapping[Place, Place]) -> Iterator[Place]:
    """The span's ancestors that are here, nearest first; a cycle is walked once."""
    seen = {place}
    for _ in range(MAX_DEPTH):
        place = parents.get(place, ("", ""))
        if place in seen or place not in parents:
            return
        seen.add(place)
        yield place


def _same_call(row: Row, relative: Row) -> bool:
    """Whether two spans, one inside the other, tell of one call. A stored relative of which only the place is known is taken to."""
    mine, theirs = row.get("response_id") or "", relative.get("response_id") or ""
    if mine and theirs:
        return bool(mine == theirs)
    if relative.get("stored") and relative.get("input_tokens") is None and relative.get("output_tokens") is None:
        return True
    if relative.get("usage_rollup"):
        return True
    pairs = [(row.get(name), relative.get(name)) for name in ("input_tokens", "output_tokens")]
    return all(one == other or one is None or other is None for one, other in pairs)


def _drop_sums(counts: dict[Place, Row], parents: Mapping[Place, Place]) -> None:
    """Leaves out a call that is the sum of two or more calls inside it, though its kind does not say so."""
    steps: dict[Place, list[Row]] = {}
    for span, row in counts.items():
        for ancestor in _ancestors(span, parents):
            if ancestor in counts:
                steps.setdefault(ancestor, []).append(row)
    for span, inner in steps.items():
        outer = counts[span]
        if len(inner) > 1 and not outer.get("stored") and all(_sums(outer, inner, name) for name in ("input_tokens", "output_tokens")):
            del counts[span]


def _sums(outer: Row, inner: Sequence[Row], name: str) -> bool:
    return bool((outer.get(name) or 0) == sum(row.get(name) or 0 for row in inner))
