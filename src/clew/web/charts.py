"""Charts over time as SVG made on the server: bars, and lines with bands for their intervals.

A chart is a pure function of its series. It needs no script: each bucket is a link with its words, which is also its hover. Colours
come from the page's classes (``tone`` words), so that both themes and print are right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo

from markupsafe import Markup, escape

from clew.core.clock import NS_PER_DAY, NS_PER_S
from clew.web import figures

LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 20
LABEL_GAP = 13  # px between names at the ends of lines
_STEPS = (60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 259_200, 345_600, 604_800, 1_209_600, 2_592_000)


@dataclass(frozen=True)
class Slot:
    """One step of the time axis, shared by all series of a chart: where a click leads, what the hover says."""

    start_ns: int
    end_ns: int
    href: str
    words: str


@dataclass(frozen=True)
class Series:
    """One line, or the bars. ``low`` and ``high`` bound each value where they are known."""

    name: str
    tone: str
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    faint: bool = False  # whether there are too few cases for an interval: dashed, so that it is not read as sure


@dataclass(frozen=True)
class Frame:
    """The place and the scales of one chart."""

    width: int
    height: int
    start_ns: int
    end_ns: int
    top: float  # the value at the upper edge
    right: int = RIGHT

    def x(self, ns: float) -> float:
        """Where a moment stands."""
        return round(LEFT + (ns - self.start_ns) / max(self.end_ns - self.start_ns, 1) * (self.width - LEFT - self.right), 1)

    def y(self, value: float) -> float:
        """Where a value stands."""
        return round(self.height - BOTTOM - min(value / self.top, 1.0) * (self.height - TOP - BOTTOM), 1)


def nice_top(most: float) -> tuple[float, list[float]]:
    """A round upper edge that holds ``most``, and two to four gridlines from 0."""
    if most <= 0:
        return 1.0, [0.0]
    unit = 1.0
    while unit * 10 <= most:
        unit *= 10
    while unit > most:
        unit /= 10
    for factor in (0.25, 0.5, 1.0, 2.0, 2.5, 5.0):
        step = unit * factor
        lines = int(-(-most // step))
        if lines <= 4:
            return step * lines, [step * index for index in range(lines + 1)]
    raise AssertionError("a power of ten times five is always wide enough")


Nice = Callable[[float], tuple[float, list[float]]]  # the highest value → the upper edge and the gridlines


def time_ticks(start_ns: int, end_ns: int, zone: tzinfo, most: int = 5) -> list[tuple[int, str]]:
    """Round local moments in a window with their labels: hours and minutes within two days, else days."""
    length_s = (end_ns - start_ns) / NS_PER_S
    step = next((step for step in _STEPS if length_s / step <= most), _STEPS[-1])
    first = figures.local(start_ns, zone)
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[tuple[int, str]] = []
    moment = midnight
    while len(found) <= most * 3:
        ns = round(moment.timestamp()) * NS_PER_S
        if ns > end_ns:
            break
        if ns >= start_ns:
            label = (
                f"{moment.day} {moment:%b}"
                if step >= 86_400 or (moment.hour == moment.minute == 0 and length_s > 86_400)
                else f"{moment:%H:%M}"
            )
            found.append((ns, label))
        moment += timedelta(seconds=step)  # on the wall clock, so that ticks stay on round hours over a change of the clocks
    return found


def bars(
    slots: Sequence[Slot],
    series: Sequence[Series],
    *,
    zone: tzinfo,
    label: Callable[[float], str],
    size: tuple[int, int] = (560, 170),
    words: str,
) -> Markup:
    """Bars on a common foot; each later series is drawn in front of the one before (a part of the whole)."""
    frame, grid = _frame(slots, series, size, RIGHT, 0.0, nice_top)
    parts = [_open(frame, words), *_axes(frame, grid, zone, label)]
    for each in series:
        kind = "bar" if not each.tone else f"bar tone {each.tone}"
        for slot, value in zip(slots, each.values, strict=True):
            if value:
                left, right = frame.x(slot.start_ns), frame.x(slot.end_ns)
                gap = 1.5 if right - left > 5 else 0.5
                y = frame.y(value)
                height = max(frame.height - BOTTOM - y, 1)
                parts.append(
                    f'<rect class="{kind}" x="{left + gap / 2:.1f}" y="{frame.height - BOTTOM - height:.1f}"'
                    f' width="{max(right - left - gap, 0.5):.1f}" height="{height:.1f}" rx="1"/>'
                )
    return _close(parts, frame, slots)


def lines(
    slots: Sequence[Slot],
    series: Sequence[Series],
    *,
    zone: tzinfo,
    label: Callable[[float], str],
    size: tuple[int, int] = (560, 170),
    words: str,
    least_top: float = 0.0,
    nice: Nice = nice_top,
) -> Markup:
    """Lines with bands, each named at its end; a gap where a value is not known."""
    named = any(each.name for each in series)
    frame, grid = _frame(slots, series, size, 34 if named else RIGHT, least_top, nice)
    parts = [_open(frame, words), *_axes(frame, grid, zone, label)]
    for each in series:
        parts += [_band(frame, slots, each), _line(frame, slots, each)]
    if named:
        parts += _names(frame, series)
    return _close(parts, frame, slots)


def _frame(
    slots: Sequence[Slot], series: Sequence[Series], size: tuple[int, int], right: int, least_top: float, nice: Nice
) -> tuple[Frame, list[float]]:
    known = [value for each in series for value in each.values if value is not None]
    upper = [value for each in series for value in each.high if value is not None]
    most = max(known, default=0.0)
    # A band may not squeeze the line it belongs to: three times the highest value is the most it may ask for (a line at 0 takes no room).
    wide = max(upper, default=0.0)
    top, grid = nice(max(most, min(wide, 3 * most) if most else wide, least_top))
    start, end = (slots[0].start_ns, slots[-1].end_ns) if slots else (0, 1)
    return Frame(size[0], size[1], start, end, top, right), grid


def _open(frame: Frame, words: str) -> str:
    return f'<svg viewBox="0 0 {frame.width} {frame.height}" role="group" aria-label="{escape(words)}">'


def _axes(frame: Frame, grid: Sequence[float], zone: tzinfo, label: Callable[[float], str]) -> list[str]:
    right = frame.width - frame.right
    parts = []
    for value in grid:
        y = frame.y(value)
        parts.append(f'<line class="{"axis" if value == 0 else "grid"}" x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label(value))}</text>')
    most = 6 if frame.width > 450 else 4
    for ns, text in time_ticks(frame.start_ns, frame.end_ns, zone, most):
        x = frame.x(ns)
        if LEFT + 8 <= x <= right - 8 or x == LEFT:
            parts.append(f'<text x="{x}" y="{frame.height - 5}" text-anchor="middle">{escape(text)}</text>')
    return parts


def _runs(values: Sequence[float | None]) -> list[list[int]]:
    """The stretches of indices without a gap."""
    runs: list[list[int]] = []
    for index, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _middle(frame: Frame, slot: Slot) -> float:
    return frame.x((slot.start_ns + slot.end_ns) / 2)


def _line(frame: Frame, slots: Sequence[Slot], series: Series) -> str:
    parts = []
    for run in _runs(series.values):
        places = [(_middle(frame, slots[index]), frame.y(series.values[index] or 0.0)) for index in run]
        if len(places) == 1:
            parts.append(f'<circle class="point" cx="{places[0][0]}" cy="{places[0][1]}" r="2"/>')
        else:
            kind = "line faint" if series.faint else "line"
            parts.append(f'<path class="{kind}" d="M{"L".join(f"{x} {y}" for x, y in places)}"/>')
    return f'<g class="{escape(series.tone or "ink")}">{"".join(parts)}</g>' if parts else ""


def _band(frame: Frame, slots: Sequence[Slot], series: Series) -> str:
    if not series.low:
        return ""
    bounded = [
        value if series.low[index] is not None and series.high[index] is not None else None for index, value in enumerate(series.values)
    ]
    parts = []
    for run in _runs(bounded):
        places = [(_middle(frame, slots[index]), frame.y(series.high[index] or 0.0), frame.y(series.low[index] or 0.0)) for index in run]
        if len(run) == 1:  # an interval that stands alone is a whisker
            x, high, low = places[0]
            parts.append(f'<line class="whisker" x1="{x}" x2="{x}" y1="{high}" y2="{low}"/>')
            continue
        there = [f"{x} {high}" for x, high, _ in places]
        back = [f"{x} {low}" for x, _, low in reversed(places)]
        parts.append(f'<path class="band" d="M{"L".join(there + back)}Z"/>')
    return f'<g class="{escape(series.tone or "ink")}">{"".join(parts)}</g>' if parts else ""


def _names(frame: Frame, series: Sequence[Series]) -> list[str]:
    """Each line's name at its end, moved apart where two would meet."""
    ends: list[tuple[float, int, Series]] = []
    for each in series:
        last = next((value for value in reversed(each.values) if value is not None), None)
        if each.name and last is not None:
            ends.append((frame.y(last), len(ends), each))
    parts, below = [], float("inf")
    for y, _, each in sorted(ends, key=lambda end: (-end[0], -end[1])):
        place = min(y, below - LABEL_GAP)
        below = place
        at = f'x="{frame.width - frame.right + 6}" y="{place + 4:.1f}"'
        parts.append(f'<text class="name {escape(each.tone or "ink")}" {at}>{escape(each.name)}</text>')
    return parts


def _close(parts: list[str], frame: Frame, slots: Sequence[Slot]) -> Markup:
    height = frame.height - TOP - BOTTOM
    for slot in slots:
        left, right = frame.x(slot.start_ns), frame.x(slot.end_ns)
        parts.append(
            f'<a href="{escape(slot.href)}" tabindex="-1" aria-label="{escape(slot.words)}"><title>{escape(slot.words)}</title>'
            f'<rect class="hit" x="{left}" y="{TOP}" width="{max(right - left, 0.1):.1f}" height="{height}"/></a>'
        )
    return Markup("".join([*parts, "</svg>"]))


def step_words(start_ns: int, step_ns: int, zone: tzinfo) -> str:
    """A bucket's stretch of time for its hover: ``12 Nov`` for a day, else with the hours."""
    if step_ns == NS_PER_DAY:
        moment = figures.local(start_ns, zone)
        return f"{moment.day} {moment:%b}"
    return figures.span_of_time(start_ns, start_ns + step_ns, zone)
