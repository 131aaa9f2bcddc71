"""Lists of traces and spans: one page at a time, stable while spans arrive, filtered and sorted by the engine.

A list is read in two steps: which rows stand on the page (key columns only, in the order of the primary key where the sort allows),
then the narrow columns and sums of just those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from clew.core.errors import InputError, NotFound
from clew.store import Store
from clew.traces.cursor import Cursor, decode_cursor
from clew.traces.locate import locate, trace_sums
from clew.traces.question import LAST_NS, Question, question
from clew.traces.rows import (
    SPAN_ROW_COLUMNS,
    Row,
    cost_of,
    id_bytes,
    span_views,
    statement,
    tokens_of,
    trace_hex,
    trace_scores,
)
from clew.traces.views import Page, Score, SpanRow, TraceRow
from clew.traces.walk import BEYOND_IDS, Place, Walked, walk

TRACE_KEYS = {
    "latency": "max(greatest(end_ns, start_ns)) - min(start_ns)",
    "cost": "ifNull(sumIf(cost_nanos, counted), -1)",
    "tokens": "ifNull(sumIf(input_tokens, counted), 0) + ifNull(sumIf(output_tokens, counted), 0)",
    "errors": "countIf(status = 2)",
}


@dataclass(frozen=True)
class _Lowest:
    """The sum of a trace of which no span tells anything, and which spans tell something."""

    value: int
    telling: str


LOWEST = {
    "cost": _Lowest(-1, "counted AND isNotNull(cost_nanos)"),
    "tokens": _Lowest(0, "counted AND ifNull(input_tokens, 0) + ifNull(output_tokens, 0) > 0"),
    "errors": _Lowest(0, "status = 2"),
}
SPAN_KEYS = {
    "start": "start_ns",
    "latency": "duration_ns",
    "cost": "ifNull(cost_nanos, -1)",
    "tokens": "ifNull(input_tokens, 0) + ifNull(output_tokens, 0)",
    "errors": "toInt64(status = 2)",
}


def list_traces(
    store: Store,
    project_id: int,
    *,
    filter_text: str = "",
    since_ns: int | None = None,
    until_ns: int | None = None,
    sort: str = "start",
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TraceRow]:
    """One page of the traces that start in the window, each with the sums over all of its spans."""
    asked = question(
        project_id, "trace", filter_text, since_ns, until_ns, limit=limit, sort=sort, sorts=("start", *TRACE_KEYS), descending=descending
    )
    after = _after(decode_cursor(cursor, asked.order)) if cursor else None
    walked = _walk(store, asked, after)
    places = walked.places
    rows = trace_rows(store, project_id, [place.trace for place in places[:limit]], walked.sums)
    following = Cursor(asked.order, places[limit - 1].value, (places[limit - 1].trace,)).encode() if len(places) > limit else None
    return Page(rows, following, asked.sentence)


def list_spans(
    store: Store,
    project_id: int,
    *,
    filter_text: str = "",
    since_ns: int | None = None,
    until_ns: int | None = None,
    sort: str = "start",
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[SpanRow]:
    """One page of the spans that start in the window."""
    asked = question(
        project_id, "span", filter_text, since_ns, until_ns, limit=limit, sort=sort, sorts=tuple(SPAN_KEYS), descending=descending
    )
    key, condition, bound = SPAN_KEYS[sort], "1", {}
    if cursor:
        place = decode_cursor(cursor, asked.order)
        bound = {"after_value": place.value, "after_trace": place.ids[0], "after_span": place.ids[1]}
        condition = (
            f"({key} {asked.beyond}= {{after_value:Int64}} AND ({key}, trace_id, span_id) {asked.beyond}"
            " ({after_value:Int64}, unhex({after_trace:String}), unhex({after_span:String})))"
        )
    found = store.facts.rows(
        statement("span_places").fill(key=key, after=condition, where=asked.where, direction=asked.direction),
        **asked.params,
        **bound,
        limit=limit + 1,
    )
    last = found[limit - 1] if len(found) > limit else None
    following = Cursor(asked.order, last["sort_key"], (last["trace"], last["span"])).encode() if last else None
    return Page(span_rows(store, project_id, found[:limit]), following, asked.sentence)


def trace_neighbours(
    store: Store,
    project_id: int,
    trace_id: str,
    *,
    filter_text: str = "",
    since_ns: int | None = None,
    until_ns: int | None = None,
    sort: str = "start",
    descending: bool = True,
) -> tuple[str | None, str | None]:
    """The traces before and after one in the list that the same question to ``list_traces`` gives; None at its ends."""
    found = []
    for way in (not descending, descending):
        asked = question(
            project_id, "trace", filter_text, since_ns, until_ns, limit=1, sort=sort, sorts=("start", *TRACE_KEYS), descending=way
        )
        after = _place_of(store, asked, trace_hex(trace_id))
        places = _walk(store, asked, after).places
        found.append(places[0].trace if places else None)
    return found[0], found[1]


def tail_traces(store: Store, project_id: int, *, filter_text: str = "", after: str | None = None, limit: int = 50) -> Page[TraceRow]:
    """What has arrived since the last call: the traces that got spans, the newest first. ``next`` is always given, for the next call.

    Without ``after`` it gives the place from which to follow, and no rows.
    """
    asked = question(project_id, "trace", filter_text, None, None, limit=limit)
    rows, following = _arrived(store, asked, "traces_arrived", "tail traces", after, limit)
    return Page(trace_rows(store, project_id, [row["trace"] for row in rows]), following, asked.sentence)


def tail_spans(store: Store, project_id: int, *, filter_text: str = "", after: str | None = None, limit: int = 50) -> Page[SpanRow]:
    """As ``tail_traces``, for spans."""
    asked = question(project_id, "span", filter_text, None, None, limit=limit)
    rows, following = _arrived(store, asked, "spans_arrived", "tail spans", after, limit)
    return Page(span_rows(store, project_id, rows), following, asked.sentence)


def trace_rows(store: Store, project_id: int, traces: Sequence[str], known: Mapping[str, Row] | None = None) -> tuple[TraceRow, ...]:
    """The rows of these traces, in this order; a trace that is not stored is left out. ``known``: sums that were read already."""
    sums = {trace: known[trace] for trace in traces if trace in known} if known else {}
    sums |= {row["trace"]: row for row in trace_sums(store, project_id, [trace for trace in traces if trace not in sums])}
    if not sums:
        return ()
    scores = trace_scores(store, project_id, list(sums))
    places = [{"trace": row["trace"], "span": row["head"], "start_ns": row["head_ns"]} for row in sums.values()]
    heads = {span.trace_id: span for span in span_views(_narrow(store, project_id, places), scores)}
    return tuple(_trace_row(sums[trace], heads[trace], scores.get(trace, [])) for trace in traces if trace in heads)


def span_rows(store: Store, project_id: int, places: Sequence[Row]) -> tuple[SpanRow, ...]:
    """The spans at these places (rows with ``trace``, ``span``, ``start_ns``), in this order, each with its scores."""
    if not places:
        return ()
    scores = trace_scores(store, project_id, sorted({row["trace"] for row in places}))
    spans = {(span.trace_id, span.span_id): span for span in span_views(_narrow(store, project_id, places), scores)}
    keys = [(place["trace"], place["span"]) for place in places]
    return tuple(spans[key] for key in keys if key in spans)


def _narrow(store: Store, project_id: int, places: Sequence[Row]) -> pa.Table:
    return store.facts.arrow(
        statement("spans_at").fill(columns=SPAN_ROW_COLUMNS),
        project_id=project_id,
        starts=sorted({place["start_ns"] for place in places}),
        traces=id_bytes(sorted({place["trace"] for place in places})),
        spans=id_bytes(sorted({place["span"] for place in places})),
    )


def _trace_row(sums: Row, head: SpanRow, scores: list[Score]) -> TraceRow:
    return TraceRow(
        root=head,
        root_missing=bool(sums["root_missing"]),
        spans=sums["spans"],
        errors=sums["errors"],
        end_ns=sums["last_ns"],
        tokens=tokens_of(sums),
        cost=cost_of(sums),
        models=tuple(sums["models"]),
        scores=tuple(scores),
    )


def _walk(store: Store, asked: Question, after: Place | None) -> Walked:
    return walk(store, asked, after) if asked.sort == "start" else _by_key(store, asked, after)


def _by_key(store: Store, asked: Question, after: Place | None) -> Walked:
    """Places in the order of a sum. Traces that began before the window show only a part of their spans there; they are found out and left out."""
    found: list[Place] = []
    sums: dict[str, dict[str, Any]] = {}
    lowest = LOWEST.get(asked.sort)
    # The biggest sums come from the spans that tell something; only after the last of them all spans are gone through.
    telling = asked.descending and asked.until_ns == LAST_NS and lowest is not None and (after is None or after.value > lowest.value)
    while True:
        rows = _keyed(store, asked, after, lowest.telling if telling and lowest else "1")
        places = [Place(row["sort_key"], row["trace"]) for row in rows]
        sums |= {row["trace"]: row for row in trace_sums(store, asked.project_id, [place.trace for place in places])}
        found += [place for place in places if place.trace in sums and asked.since_ns <= sums[place.trace]["head_ns"] < asked.until_ns]
        exhausted = len(places) <= asked.limit
        if len(found) > asked.limit or (exhausted and not telling):
            return Walked(found[: asked.limit + 1], sums)
        after = Place(lowest.value, BEYOND_IDS) if exhausted and lowest else places[-1]
        telling = telling and not exhausted


def _keyed(store: Store, asked: Question, after: Place | None, telling: str) -> list[dict[str, Any]]:
    condition: str = "1"
    bound: dict[str, Any] = {}
    if after is not None and after.trace == BEYOND_IDS:
        condition, bound = f"sort_key {asked.beyond}= {{after_value:Int64}}", {"after_value": after.value}
    elif after is not None:
        condition = f"(sort_key, trace_id) {asked.beyond} ({{after_value:Int64}}, unhex({{after_trace:String}}))"
        bound = {"after_value": after.value, "after_trace": after.trace}
    slots = {
        "key": f"toInt64({TRACE_KEYS[asked.sort]})",
        "telling": telling,
        "started": "1" if asked.until_ns == LAST_NS else "argMin(start_ns, (NOT is_root, start_ns)) < {until_ns:Int64}",
        "after": condition,
        "where": asked.anywhere,
        "direction": asked.direction,
    }
    return store.facts.rows(statement("traces_by_key").fill(**slots), **asked.params, **bound, limit=asked.limit + 1)


def _place_of(store: Store, asked: Question, trace: str) -> Place:
    located = locate(store, asked.project_id, [trace])
    if located.where is None:
        raise NotFound(f"there is no trace {trace!r} in this project")
    if asked.sort == "start":
        return Place(trace_sums(store, asked.project_id, [trace])[0]["head_ns"], trace)
    sql = statement("trace_key").fill(key=f"toInt64({TRACE_KEYS[asked.sort]})", located=located.where)
    return Place(store.facts.rows(sql, project_id=asked.project_id, trace_id=trace, **located.params)[0]["sort_key"], trace)


def _after(cursor: Cursor) -> Place:
    return Place(int(cursor.value), cursor.ids[0])


def _arrived(store: Store, asked: Question, name: str, order: str, after: str | None, limit: int) -> tuple[list[dict[str, Any]], str]:
    last = store.facts.rows(statement("newest_commit"))[0]["commit_id"]
    following = Cursor(order, last, ()).encode()
    if after is None:
        return [], following
    seen = decode_cursor(after, order).value
    if not isinstance(seen, int):
        raise InputError(f"the cursor {after[:40]!r} is not one of this list")
    if seen >= last:
        return [], following
    sql = statement(name).fill(where=asked.anywhere)
    return store.facts.rows(sql, **asked.params, commit_id=seen, last=last, limit=limit), following
