"""Whose tokens count where several spans of one trace tell of the same call: exactly one span's do.

A call is told twice when an application's instrumentation and the provider's SDK both make a span (one inside the other, or with the same
response id), and when an outer span repeats the sum of its steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_DEPTH = 256  # ancestors that are looked at; deeper nesting of calls in calls has no meaning

Row = Mapping[
    str, Any
]  # span, parent, has_usage, usage_rollup, response_id, input_tokens, output_tokens; stored: counted already, for good


def counted(spans: Sequence[Row]) -> set[str]:
    """The ids of the spans of ONE trace whose usage counts.

    Stored spans count already and stay. Of calls the outer one counts; a sum over steps counts only where none of its steps does.
    """
    usage = [row for row in spans if row["has_usage"]]
    parents = {row["span"]: row["parent"] for row in spans}
    stored = {row["span"]: row for row in usage if row.get("stored")}
    inside = {ancestor: row for row in stored.values() for ancestor in _ancestors(row["span"], parents)}
    counts: dict[str, Row] = dict(stored)
    responses = {row["response_id"] for row in stored.values() if row.get("response_id")}
    fresh = [row for row in usage if row["span"] not in stored]
    depth = {row["span"]: sum(1 for _ in _ancestors(row["span"], parents)) for row in fresh}
    for row in sorted((row for row in fresh if not row.get("usage_rollup")), key=lambda row: depth[row["span"]]):
        relatives = [counts[ancestor] for ancestor in _ancestors(row["span"], parents) if ancestor in counts]
        if row["span"] in inside:
            relatives.append(inside[row["span"]])
        response = row.get("response_id") or ""
        if (response and response in responses) or any(_same_call(row, relative) for relative in relatives):
            continue
        counts[row["span"]] = row
        responses.add(response)
    _drop_sums(counts, parents)
    holding = {ancestor for span in counts for ancestor in _ancestors(span, parents)}
    for row in sorted((row for row in fresh if row.get("usage_rollup")), key=lambda row: -depth[row["span"]]):
        if row["span"] not in holding and not any(ancestor in stored for ancestor in _ancestors(row["span"], parents)):
            counts[row["span"]] = row
            holding.update(_ancestors(row["span"], parents))
    return set(counts)


def _ancestors(span: str, parents: Mapping[str, str]) -> Iterator[str]:
    """The span's ancestors that are here, nearest first; a cycle is walked once."""
    seen = {span}
    for _ in range(MAX_DEPTH):
        span = parents.get(span, "")
        if span in seen or span not in parents:
            return
        seen.add(span)
        yield span


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


def _drop_sums(counts: dict[str, Row], parents: Mapping[str, str]) -> None:
    """Leaves out a call that is the sum of two or more calls inside it, though its kind does not say so."""
    steps: dict[str, list[Row]] = {}
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
