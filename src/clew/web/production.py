"""The overview's charts and table, from its numbers: pure functions, so that a chart is tested without a store."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import tzinfo

from markupsafe import Markup

from clew.core.clock import NS_PER_S
from clew.stats import Interval, wilson_interval
from clew.traces.filter import FieldRef
from clew.traces.filter.write import field_text, quoted
from clew.traces.views import Bucket, Cost, Group, Overview, Quantile, Share
from clew.web import charts, figures, glyphs, tree
from clew.web.charts import Series, Slot
from clew.web.compare import TONES, WORDS, compare_shares
from clew.web.contexts import ChartCard, GroupLine

THIRD = (372, 150)
Href = Callable[[int, int], str]  # from, to → the traces of that stretch of time


def chart_cards(overview: Overview, zone: tzinfo, href: Href) -> tuple[ChartCard, ...]:
    """Volume, latency, failures, tokens, cost."""
    before = overview.total.before
    buckets = overview.buckets
    slots = [Slot(b.start_ns, b.start_ns + overview.step_ns, href(b.start_ns, b.start_ns + overview.step_ns), "") for b in buckets]
    where = [charts.step_words(b.start_ns, overview.step_ns, zone) for b in buckets]

    def told(words: Callable[[Bucket], str]) -> list[Slot]:
        return [Slot(s.start_ns, s.end_ns, s.href, f"{at}: {words(b)}") for s, b, at in zip(slots, buckets, where, strict=True)]

    def against(now: float, then: float | None) -> str:
        return figures.change(now, then) if then else ""

    total = overview.total.error_share
    return (
        _volume(buckets, told, zone, total.n, against(total.n, before.error_share.n if before else None)),
        _latency(overview, told, zone),
        _failures(overview, told, zone),
        _tokens(overview, told, zone, against(overview.total.tokens, before.tokens if before else None)),
        _cost(overview, told, zone, against(overview.total.cost.micros or 0, before.cost.micros if before else None)),
    )


Told = Callable[[Callable[[Bucket], str]], list[Slot]]


def _volume(buckets: Sequence[Bucket], told: Told, zone: tzinfo, total: int, change: str) -> ChartCard:
    slots = told(lambda b: f"{figures.plural(b.traces, 'trace')}, {figures.count(b.errors)} failed")
    series = (
        Series("", "", tuple(float(b.traces) for b in buckets)),
        Series("", "bad", tuple(float(b.errors) for b in buckets)),
    )
    svg = charts.bars(slots, series, zone=zone, label=figures.short, words="traces over time, those that failed in front")
    return ChartCard("Traces", "failed in red", figures.count(total), change, svg, half=True)


def _latency(overview: Overview, told: Told, zone: tzinfo) -> ChartCard:
    def words(b: Bucket) -> str:
        known = [(name, q) for name, q in (("p50", b.p50), ("p95", b.p95), ("p99", b.p99)) if q]
        return ", ".join(f"{name} {figures.duration(q.value_ns)}" for name, q in known) or "no spans"

    buckets = overview.buckets
    every = (
        _quantile_series("p99", "violet", [b.p99 for b in buckets]),
        _quantile_series("p95", "blue", [b.p95 for b in buckets]),
        _quantile_series("p50", "ink", [b.p50 for b in buckets]),
    )
    # Where a step has too few traces to bound the 99th percentile, it is the highest value and says nothing that the 95th does not.
    series = every if not every[0].faint else every[1:]
    remark = "dashed: too few for an interval" if any(each.faint for each in series) else ""
    svg = charts.lines(told(words), series, zone=zone, label=seconds, words="latency over time: median, p95, p99", nice=nice_seconds)
    p95 = overview.total.p95
    figure = figures.duration(p95.value_ns) if p95 else figures.DASH
    interval = figures.duration_range(p95.low_ns, p95.high_ns) if p95 else ""
    return ChartCard("Latency", remark, f"p95 {figure}", interval, svg, half=True)


def _quantile_series(name: str, tone: str, values: Sequence[Quantile | None]) -> Series:
    def in_seconds(ns: int | None) -> float | None:
        return None if ns is None else ns / NS_PER_S

    return Series(
        name,
        tone,
        tuple(in_seconds(q.value_ns) if q else None for q in values),
        tuple(in_seconds(q.low_ns) if q else None for q in values),
        tuple(in_seconds(q.high_ns) if q else None for q in values),
        faint=2 * sum(1 for q in values if q and q.high_ns is not None) < sum(1 for q in values if q),
    )


def nice_seconds(most: float) -> tuple[float, list[float]]:
    """A round upper edge for times: of seconds in tens, of minutes and hours in sixties."""
    step = tree.nice_step(max(most, 1e-9) * NS_PER_S / 4) / NS_PER_S
    lines = max(math.ceil(most / step - 1e-9), 1)
    return step * lines, [step * index for index in range(lines + 1)]


def seconds(value: float) -> str:
    """An axis label of a time in seconds."""
    if value == 0:
        return "0"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if value >= size:
            return f"{value / size:g}{figures.NBSP}{unit}"
    return figures.duration(round(value * NS_PER_S)).replace(".0" + figures.NBSP, figures.NBSP)


def percent(value: float) -> str:
    """An axis label of a share."""
    return figures.share(value).replace(".0%", "%")


def _failures(overview: Overview, told: Told, zone: tzinfo) -> ChartCard:
    shares = [wilson_interval(b.errors, b.traces) for b in overview.buckets]

    def words(b: Bucket) -> str:
        share = wilson_interval(b.errors, b.traces)
        if not isinstance(share, Interval):
            return "no traces"
        estimate = f"{figures.share(share.value)} failed ({figures.share_range(share.low, share.high)})"
        return f"{estimate}, {figures.count(b.errors)} of {figures.count(share.n)}"

    known = [share if isinstance(share, Interval) else None for share in shares]
    series = Series(
        "",
        "bad",
        tuple(s.value if s else None for s in known),
        tuple(s.low if s else None for s in known),
        tuple(s.high if s else None for s in known),
    )
    svg = charts.lines(told(words), (series,), zone=zone, label=percent, size=THIRD, words="share that failed over time", least_top=0.05)
    total = overview.total.error_share
    return ChartCard("Failed", "", figures.share(total.value), figures.share_range(total.low, total.high), svg)


def _tokens(overview: Overview, told: Told, zone: tzinfo, change: str) -> ChartCard:
    series = (Series("", "", tuple(float(b.tokens) for b in overview.buckets)),)
    slots = told(lambda b: f"{figures.count(b.tokens)} tokens")
    svg = charts.bars(slots, series, zone=zone, label=figures.short, size=THIRD, words="tokens over time")
    return ChartCard("Tokens", "", figures.short(overview.total.tokens), change, svg)


def money_words(cost: Cost) -> str:
    """A sum of money with what is not known about it."""
    if cost.micros is None:
        return f"cost unknown for {figures.plural(cost.unknown, 'call')}" if cost.unknown else "no cost told"
    return f"{'at least ' if cost.unknown else ''}{figures.money(cost.micros)}"


def _cost(overview: Overview, told: Told, zone: tzinfo, change: str) -> ChartCard:
    series = (Series("", "", tuple(None if b.cost.micros is None else b.cost.micros / 1e6 for b in overview.buckets)),)
    svg = charts.bars(told(lambda b: money_words(b.cost)), series, zone=zone, label=dollars, size=THIRD, words="cost over time")
    cost = overview.total.cost
    remark = f"without {figures.plural(cost.unknown, 'call')} of unknown price" if cost.unknown else ""
    return ChartCard("Cost", remark, figures.money(cost.micros), change, svg)


def dollars(value: float) -> str:
    """An axis label of money."""
    return figures.money(round(value * 1e6)) if value >= 1_000 else f"${value:g}"


def group_filter(group_by: str, key: str) -> str:
    """The condition that holds for one line of the table, as the filter language writes it."""
    field = field_text(FieldRef("attr", group_by.removeprefix("attr."))) if group_by.startswith("attr.") else group_by
    return f"{field} = {quoted(key)}"


def narrowed(filter_text: str, condition: str) -> str:
    """A filter with one more condition."""
    if not condition or not filter_text.strip():
        return condition or filter_text
    return f"({filter_text}) and {condition}"


def empty_overview(now: int, group_by: str) -> Overview:
    """The overview of nothing: what a page stands on while its filter has a mistake or its project no trace."""
    nothing = Group("", 0, Share(0, 0, None, None, None), None, None, 0, Cost(None, 0, 0))
    return Overview(now, now, NS_PER_S, nothing, 0, 0, 0, (), (), group_by, "")


def group_lines(groups: Sequence[Group], href: Callable[[str], str]) -> tuple[GroupLine, ...]:
    """The lines of the table, their differences drawn on one scale."""
    differences = [
        compare_shares(g.error_share, g.before.error_share) if g.before and g.before.error_share.n and g.error_share.n else None
        for g in groups
    ]
    scale = glyphs.common_scale([each for each in differences if each])
    lines = []
    for group, each in zip(groups, differences, strict=True):
        words = f"{figures.points(each.value)} points, {figures.points_range(each.low, each.high)}" if each else ""
        lines.append(
            GroupLine(
                group=group,
                href=href(group.key),
                difference=each,
                glyph=glyphs.difference(each, scale, words) if each else Markup(""),
                verdict=WORDS[each.verdict] if each else "",
                tone=TONES[each.verdict] if each else "",
                volume=figures.change(group.spans, group.before.spans) if group.before and group.before.spans else "",
                slower="",
            )
        )
    return tuple(lines)
