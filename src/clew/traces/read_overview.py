"""How a product did over a window of time, against the window before: volume, errors, latency, tokens, cost, and by whom or what.

A trace counts in the step in which its head starts, with the duration and the status of its head: what a person waited for. Quantiles
are order statistics with their distribution-free interval: first the number of values of each group, then the values at just the ranks
that belong to that number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clew.core.clock import NS_PER_DAY, NS_PER_S, now_ns
from clew.core.errors import InputError
from clew.stats import Interval, RankBounds, Undefined, quantile_ranks, wilson_interval
from clew.store import Statement, Store
from clew.traces.question import Question, question
from clew.traces.rows import cost_of, micros, statement
from clew.traces.views import Bucket, Cost, Group, Overview, Quantile, Share

BY_SPAN = {
    "model": "model",
    "name": "name",
    "kind": "kind",
    "service": "service",
    "provider": "provider",
    "tool": "tool_name",
    "agent": "agent_name",
}
BY_TRACE = {"user": "user_id", "session": "session_id", "environment": "environment", "prompt": "prompt_name"}
LEVELS = (0.5, 0.95, 0.99)
GROUPS = 20
MAX_BUCKETS = 1_000
_MINUTE = 60 * NS_PER_S
STEPS = tuple(minutes * _MINUTE for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 10_080, 43_200))
ENOUGH_BUCKETS = 60  # a chart of more steps than this says no more
TOTAL, BEFORE = -1, -2  # among the steps: the whole window, and the whole of the one before

# An attribute's value as text, '' where it is missing or has no simple form.
_AT = "indexOf(`attr.key`, {attribute:String})"
ATTRIBUTE = f"""multiIf(`attr.kind`[{_AT}] = 's', `attr.str`[{_AT}], `attr.kind`[{_AT}] = 'i', toString(`attr.int`[{_AT}]),
    `attr.kind`[{_AT}] = 'b', if(`attr.int`[{_AT}] = 1, 'true', 'false'), `attr.kind`[{_AT}] = 'd', toString(`attr.dbl`[{_AT}]), '')"""

ROOTS = "is_root"
EARLIEST = """(trace_id, span_id) IN (
    SELECT trace_id, argMin(span_id, (start_ns, span_id)) FROM spans
    WHERE project_id = {project_id:UInt32} AND start_ns >= {before_ns:Int64} AND start_ns < {until_ns:Int64} GROUP BY trace_id)"""


@dataclass(frozen=True)
class _Window:
    """The window, the one before it of the same length, and the step, all aligned so that the windows meet at a step's edge."""

    before_ns: int
    since_ns: int
    until_ns: int
    step_ns: int

    @property
    def steps(self) -> int:
        return -(-(self.until_ns - self.since_ns) // self.step_ns)


def overview(
    store: Store,
    project_id: int,
    *,
    filter_text: str = "",
    since_ns: int | None = None,
    until_ns: int | None = None,
    group_by: str = "model",
    step_ns: int | None = None,
) -> Overview:
    """The window (by default the last 24 hours) over traces that match the filter, against the window before.

    Raises InputError for a window that ends before it begins or has more than 1,000 steps, and for a ``group_by`` that there is not.
    """
    window = _window(since_ns, until_ns, step_ns)
    asked = question(project_id, "trace", filter_text, window.before_ns, window.until_ns)
    units, unit = _source(group_by)
    bound = {**asked.params, **_times(window)}
    head, steps = _steps(store, asked, bound)
    measured = _head_quantiles(store, asked, bound, head, window, steps)
    buckets = tuple(
        _bucket(window.since_ns + (at - window.steps) * window.step_ns, steps.get(at), measured.get(at, {}))
        for at in range(window.steps, 2 * window.steps)
    )
    people = store.facts.rows(statement("overview_people").fill(where=asked.anywhere), **bound)[0]
    attribute = {"attribute": group_by.removeprefix("attr.")}
    return Overview(
        start_ns=window.since_ns,
        end_ns=window.until_ns,
        step_ns=window.step_ns,
        total=_total(steps, window, measured),
        traces=sum(bucket.traces for bucket in buckets),
        sessions=people["sessions"],
        users=people["users"],
        buckets=buckets,
        groups=_groups(store, {**bound, **attribute}, units.fill(where=asked.anywhere)),
        group_by=group_by,
        sentence=asked.sentence,
        extra={"unit": unit, "before_start_ns": window.before_ns, "rootless": head == EARLIEST},
    )


def _window(since_ns: int | None, until_ns: int | None, step_ns: int | None) -> _Window:
    until = now_ns() if until_ns is None else until_ns
    since = until - NS_PER_DAY if since_ns is None else since_ns
    if until <= since:
        raise InputError(f"the window ends at {until!r}, which is not after its start {since!r}; both are ns since 1970")
    if step_ns is not None and step_ns <= 0:
        raise InputError(f"a step of {step_ns!r} ns; wanted more than 0")
    step = step_ns or next((step for step in STEPS if (until - since) / step <= ENOUGH_BUCKETS), STEPS[-1])
    since -= since % step
    steps = -(-(until - since) // step)
    if steps > MAX_BUCKETS:
        raise InputError(f"{steps} steps; wanted at most {MAX_BUCKETS}: widen the step or narrow the window")
    return _Window(since - steps * step, since, until, step)


def _times(window: _Window) -> dict[str, int]:
    return {"before_ns": window.before_ns, "since_ns": window.since_ns, "until_ns": window.until_ns, "step_ns": window.step_ns}


def _source(group_by: str) -> tuple[Statement, str]:
    """The units of a grouping: spans that tell their own key, or traces of which one span tells it."""
    if group_by in BY_SPAN:
        return statement("units_of_spans").fill(key=BY_SPAN[group_by]), "span"
    if group_by in BY_TRACE:
        return statement("units_of_traces").fill(key=BY_TRACE[group_by]), "trace"
    if group_by.startswith("attr.") and group_by != "attr.":
        return statement("units_of_traces").fill(key=ATTRIBUTE), "trace"
    raise InputError(f"group by {group_by!r}; wanted one of {', '.join((*BY_SPAN, *BY_TRACE))} or attr.KEY")


def _steps(store: Store, asked: Question, bound: Mapping[str, Any]) -> tuple[str, dict[int, dict[str, Any]]]:
    """The sums of every step of both windows, by its number, and which spans stand for traces: roots, or, where a project has none, the earliest."""
    for head in (ROOTS, EARLIEST):
        rows = store.facts.rows(statement("overview_buckets").fill(head=head, where=asked.anywhere), **bound)
        if not rows or any(row["traces"] for row in rows):
            break
    return head, {row["step"]: row for row in rows}


def _head_quantiles(
    store: Store, asked: Question, bound: Mapping[str, Any], head: str, window: _Window, steps: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[float, Quantile]]:
    """The quantiles of each step of the window, of the whole of it and of the one before."""
    counts = {at: row["traces"] for at, row in steps.items() if at >= window.steps}
    counts[TOTAL] = sum(counts.values())
    counts[BEFORE] = sum(row["traces"] for at, row in steps.items() if at < window.steps)
    chosen = "arrayJoin([intDiv(start_ns - {before_ns:Int64}, {step_ns:Int64}), if(start_ns >= {since_ns:Int64}, -1, -2)])"
    return _quantiles(store, bound, statement("units_of_heads").fill(head=head, where=asked.anywhere), chosen, counts)


def _quantiles(
    store: Store, bound: Mapping[str, Any], units: Statement, chosen: str, counts: Mapping[int, int]
) -> dict[int, dict[float, Quantile]]:
    """The quantiles of durations of each group, whose numbers of values are known."""
    bounds = {
        group: {q: found for q in LEVELS if not isinstance(found := quantile_ranks(n, q), Undefined)}
        for group, n in counts.items()
        if n > 0
    }
    if not bounds:
        return {}
    ranks = [[rank or 1 for q in LEVELS for rank in (of[q].low, of[q].rank, of[q].high)] for of in bounds.values()]
    sql = statement("quantiles_of_groups").fill(chosen=chosen, units=units.sql)
    rows = store.facts.rows(sql, **bound, groups=list(bounds), ranks=ranks)
    return {row["chosen"]: _named(bounds[row["chosen"]], row["found"]) for row in rows}


def _named(bounds: Mapping[float, RankBounds], values: Sequence[int]) -> dict[float, Quantile]:
    """Three values a level (low, estimate, high) as quantiles; a side without a rank has no value."""
    return {
        q: Quantile(
            value_ns=values[3 * at + 1],
            low_ns=values[3 * at] if bounds[q].low else None,
            high_ns=values[3 * at + 2] if bounds[q].high else None,
            n=bounds[q].n,
            level=bounds[q].level,
        )
        for at, q in enumerate(LEVELS)
    }


def _bucket(start_ns: int, row: Mapping[str, Any] | None, measured: Mapping[float, Quantile]) -> Bucket:
    if row is None:
        return Bucket(start_ns, 0, 0, 0, None, None, None, 0, Cost(None, 0, 0))
    p50, p95, p99 = (measured.get(q) for q in LEVELS)
    return Bucket(start_ns, row["traces"], row["spans"], row["errors"], p50, p95, p99, row["tokens"], cost_of(row))


def _total(steps: Mapping[int, Mapping[str, Any]], window: _Window, measured: Mapping[int, Mapping[float, Quantile]]) -> Group:
    now = _sum([row for at, row in steps.items() if at >= window.steps], measured.get(TOTAL, {}))
    before = _sum([row for at, row in steps.items() if at < window.steps], measured.get(BEFORE, {}))
    return replace(now, before=before)


def _sum(rows: Sequence[Mapping[str, Any]], measured: Mapping[float, Quantile]) -> Group:
    known = sum(row["cost_known"] for row in rows)
    return Group(
        key="",
        spans=sum(row["spans"] for row in rows),
        error_share=share(sum(row["errors"] for row in rows), sum(row["traces"] for row in rows)),
        p50=measured.get(0.5),
        p95=measured.get(0.95),
        tokens=sum(row["tokens"] for row in rows),
        cost=Cost(micros(sum(row["cost_sum"] or 0 for row in rows)) if known else None, known, sum(row["cost_unknown"] for row in rows)),
    )


def share(count: int, n: int) -> Share:
    """A proportion with its interval, as the views have it."""
    interval = wilson_interval(count, n)
    if not isinstance(interval, Interval):
        return Share(count, n, None, None, None)
    return Share(count, n, interval.value, interval.low, interval.high, interval.level)


def _groups(store: Store, bound: Mapping[str, Any], units: Statement) -> tuple[Group, ...]:
    rows = store.facts.rows(statement("overview_groups").fill(units=units.sql), **bound, limit=GROUPS)
    keys = [row["key_text"] for row in rows]
    # A group's number: twice its place among the keys, from 1, and one more in the window than in the one before.
    counts = {2 * at: row["before_units"] for at, row in enumerate(rows, 1)} | {2 * at + 1: row["units"] for at, row in enumerate(rows, 1)}
    chosen = "2 * indexOf({keys:Array(String)}, key) + (start_ns >= {since_ns:Int64})"
    measured = _quantiles(store, {**bound, "keys": keys}, units, chosen, counts)
    return tuple(
        replace(
            _group(row, "", measured.get(2 * at + 1, {})),
            before=_group(row, "before_", measured.get(2 * at, {})) if row["before_units"] else None,
        )
        for at, row in enumerate(rows, 1)
    )


def _group(row: Mapping[str, Any], period: str, measured: Mapping[float, Quantile]) -> Group:
    sums = {name: row[f"{period}{name}"] for name in ("cost_sum", "cost_known", "cost_unknown")}
    return Group(
        key=row["key_text"],
        spans=row[f"{period}spans"],
        error_share=share(row[f"{period}errors"], row[f"{period}units"]),
        p50=measured.get(0.5),
        p95=measured.get(0.95),
        tokens=row["before_tokens" if period else "all_tokens"],
        cost=cost_of(sums),
    )
