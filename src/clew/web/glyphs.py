"""The small drawings in rows: the interval glyph and the spark. Each is SVG text without a style of its own; classes colour it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from clew.web.compare import TONES, Difference

HEIGHT = 18
BAND = 7


def interval(
    value: float,
    low: float,
    high: float,
    scale: tuple[float, float],
    *,
    zero: float | None = None,
    tone: str = "unsure",
    words: str = "",
    width: int = 150,
) -> Markup:
    """A dot for the estimate, a whisker and a soft band for the interval, a hairline at ``zero``; ``scale`` is shared by all rows."""
    first, last = scale
    reach = (last - first) or 1.0

    def x(at: float) -> float:
        return round(min(max((at - first) / reach, 0.0), 1.0) * (width - 8) + 4, 1)

    middle = HEIGHT / 2
    left, right = x(low), x(high)
    size = f'width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}"'
    parts = [f'<svg class="glyph {escape(tone)}" {size} role="img" aria-label="{escape(words)}">']
    if words:
        parts.append(f"<title>{escape(words)}</title>")
    if zero is not None and first <= zero <= last:
        parts.append(f'<line class="zero" x1="{x(zero)}" x2="{x(zero)}" y1="2" y2="{HEIGHT - 2}"/>')
    parts.append(f'<rect class="band" x="{left}" y="{middle - BAND / 2}" width="{round(max(right - left, 1), 1)}" height="{BAND}" rx="2"/>')
    parts.append(f'<line class="whisker" x1="{left}" x2="{right}" y1="{middle}" y2="{middle}"/>')
    parts.append(f'<circle class="dot" cx="{x(value)}" cy="{middle}" r="3.4"/></svg>')
    return Markup("".join(parts))


def common_scale(differences: Sequence[Difference]) -> tuple[float, float]:
    """One scale around zero for all rows, so that they compare at a glance.

    It holds every interval that says something; one too wide to tell runs out of the picture rather than pressing the others to dots.
    """
    telling = [each for each in differences if each.verdict != "unsure"] or differences
    ends = [abs(end) for each in telling for end in (each.low, each.high) if end is not None]
    reach = max([*ends, 0.01])
    return (-reach, reach)


def difference(each: Difference, scale: tuple[float, float], words: str) -> Markup:
    """The glyph of one difference on a shared scale; nothing where there is no difference to draw."""
    if each.value is None or each.low is None or each.high is None:
        return Markup("")
    return interval(each.value, each.low, each.high, scale, zero=0.0, tone=TONES[each.verdict] or "unsure", words=words, width=120)


def spark(values: Sequence[float | None], *, width: int = 76, height: int = 24, words: str = "") -> Markup:
    """One line over time with its last point dotted; a gap where a value is unknown."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    lowest, reach = min(known), (max(known) - min(known)) or 1.0
    step = (width - 6) / max(len(values) - 1, 1)
    path, pen, last = [], "M", (0.0, 0.0)
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        last = (round(3 + index * step, 1), round(height - 4 - (value - lowest) / reach * (height - 8), 1))
        path.append(f"{pen}{last[0]} {last[1]}")
        pen = "L"
    title = f"<title>{escape(words)}</title>" if words else ""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return Markup(
        f'<svg class="spark" {size} role="img" aria-label="{escape(words)}">{title}'
        f'<path d="{"".join(path)}"/><circle cx="{last[0]}" cy="{last[1]}" r="2.2"/></svg>'
    )
