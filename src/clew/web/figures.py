"""Numbers and times as people read them: pure functions from a value to text.

An undefined number is the dash ``DASH``, never 0. Minus signs are true minus signs, ranges have an en dash, a unit is bound to its
number by a no-break space, and a range names its unit once.
"""

from __future__ import annotations

from datetime import datetime, tzinfo

from clew.core.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, to_datetime

DASH = "–"
MINUS = "−"
NBSP = "\u00a0"
NS_PER_MIN = 60 * NS_PER_S
NS_PER_HOUR = 60 * NS_PER_MIN


def count(n: int | None) -> str:
    """``20732`` → ``20,732``."""
    if n is None:
        return DASH
    return f"{MINUS if n < 0 else ''}{abs(n):,}"


def short(n: float | None) -> str:
    """A count in at most four characters of digits: ``20732`` → ``20.7k``, ``1400000`` → ``1.4M``."""
    if n is None:
        return DASH
    sign, size = (MINUS if n < 0 else ""), abs(n)
    for unit, word in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= unit * 0.9995:
            return f"{sign}{_three(size / unit)}{word}"
    return f"{sign}{size:,.0f}" if size >= 10 or size == int(size) else f"{sign}{_three(size)}"


def _three(size: float) -> str:
    """At most three significant digits without needless zeros: 20.7, 1.4, 140."""
    text = f"{size:.0f}" if size >= 99.95 else f"{size:.1f}" if size >= 9.95 else f"{size:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(ns: int | None) -> str:
    """``84 ms``, ``2.1 s``, ``3 min 20 s``, ``1 h 12 min``, ``2 d 3 h``; a negative duration keeps its sign."""
    if ns is None:
        return DASH
    if ns < 0:
        return MINUS + duration(-ns)
    value, unit = _duration_parts(ns)
    return f"{value}{NBSP}{unit}" if unit else value


def _duration_parts(ns: int) -> tuple[str, str]:
    """The number and its unit; times of two units (3 min 20 s) come whole, with an empty unit."""
    if ns == 0:
        return "0", "s"
    if ns < 1_000:
        return str(ns), "ns"
    if ns < NS_PER_MS - 500:
        return f"{ns / 1e3:.0f}", "µs"
    if ns < 9.95 * NS_PER_MS:
        return f"{ns / 1e6:.1f}", "ms"
    if ns < 999.5 * NS_PER_MS:
        return f"{ns / 1e6:.0f}", "ms"
    if ns < 59.95 * NS_PER_S:
        return f"{ns / 1e9:.1f}", "s"
    for big, small, names in (
        (NS_PER_MIN, NS_PER_S, ("min", "s")),
        (NS_PER_HOUR, NS_PER_MIN, ("h", "min")),
        (NS_PER_DAY, NS_PER_HOUR, ("d", "h")),
    ):
        limit = {"min": NS_PER_HOUR, "h": NS_PER_DAY}.get(names[0])
        whole, rest = divmod(round(ns / small), big // small)
        if limit is None or round(ns / small) * small < limit:
            tail = f" {rest}{NBSP}{names[1]}" if rest else ""
            return f"{whole:,}{NBSP}{names[0]}{tail}", ""
    raise AssertionError("every duration has a unit")


def duration_range(low_ns: int | None, high_ns: int | None) -> str:
    """An interval of durations, the unit once where both share it: ``7.9–8.8 s``. Empty where a bound is not known."""
    if low_ns is None or high_ns is None:
        return ""
    (low, low_unit), (high, high_unit) = _duration_parts(max(low_ns, 0)), _duration_parts(max(high_ns, 0))
    if low_unit == high_unit and low_unit:
        return f"{low}–{high}{NBSP}{high_unit}"
    return f"{duration(low_ns)} – {duration(high_ns)}"


def money(micros: int | None) -> str:
    """Micro-dollars as dollars with the digits that matter: ``$0.061``, ``$12.40``, ``$1,204``; ``–`` for unknown."""
    if micros is None:
        return DASH
    sign, size = (MINUS if micros < 0 else ""), abs(micros)
    if size == 0:
        return "$0"
    if size >= 999_995_000:
        return f"{sign}${size / 1e6:,.0f}"
    if size >= 995_000:
        return f"{sign}${size / 1e6:.2f}"
    if size >= 9_950:
        return f"{sign}${size / 1e6:.3f}"
    digits = 4 if size >= 995 else 5 if size >= 100 else 6
    return f"{sign}${size / 1e6:.{digits}f}".rstrip("0")


def share(value: float | None) -> str:
    """A proportion in 0..1 as a percentage: ``3.1%``, ``17%``, ``0.04%``; never rounded to 0% or 100% unless it is."""
    if value is None:
        return DASH
    return _percent(value) + "%"


def _percent(value: float) -> str:
    points = value * 100
    if points in (0.0, 100.0):
        return f"{points:.0f}"
    if points < 0.095:
        return f"{points:.2f}" if points >= 0.005 else "<0.01"
    if points < 9.95 or points > 99.5:
        return ">99.9" if points > 99.95 else f"{points:.1f}"
    return f"{points:.0f}"


def share_range(low: float | None, high: float | None) -> str:
    """An interval of proportions with its unit once: ``2.4–3.9%``."""
    if low is None or high is None:
        return ""
    return f"{_percent(low)}–{_percent(high)}%"


def points(value: float | None) -> str:
    """A difference of two proportions in percentage points, signed: ``+5``, ``−1.3``, ``0``."""
    if value is None:
        return DASH
    size = abs(value) * 100
    text = f"{size:.0f}" if size >= 9.95 else f"{size:.1f}"
    text = "0" if float(text) == 0 else text
    return text if text == "0" else f"{'+' if value > 0 else MINUS}{text}"


def points_range(low: float | None, high: float | None) -> str:
    """``−1.3 to +11``: a signed range is joined by a word, a dash would read as a minus."""
    if low is None or high is None:
        return ""
    return f"{points(low)} to {points(high)}"


def change(now: float, before: float) -> str:
    """How much a quantity changed against before, as a signed percentage; the dash where before was nothing."""
    if before <= 0:
        return DASH
    relative = (now - before) / before
    size = abs(relative) * 100
    if size >= 995:
        return f"×{now / before:,.0f}"
    text = f"{size:.0f}" if size >= 9.95 else f"{size:.1f}"
    return "0%" if float(text) == 0 else f"{'+' if relative > 0 else MINUS}{text}%"


def plural(n: int, one: str, many: str | None = None) -> str:
    """``1 trace``, ``2,140 traces``."""
    return f"{count(n)}{NBSP}{one if n == 1 else many or one + 's'}"


def local(ns: int, zone: tzinfo) -> datetime:
    """The instant in a time zone (to the microsecond)."""
    return to_datetime(ns).astimezone(zone)


def clock(ns: int, zone: tzinfo) -> str:
    """Time of day to the second: ``14:32:07``."""
    return local(ns, zone).strftime("%H:%M:%S")


def when(ns: int, now: int, zone: tzinfo) -> str:
    """A moment, as short as is clear: ``14:32:07`` today, ``12 Nov 14:32`` this year, ``12 Nov 2024 14:32`` before."""
    moment, today = local(ns, zone), local(now, zone)
    if moment.date() == today.date():
        return moment.strftime("%H:%M:%S")
    day = f"{moment.day} {moment:%b}"
    if moment.year == today.year:
        return f"{day} {moment:%H:%M}"
    return f"{day} {moment.year} {moment:%H:%M}"


def exact(ns: int, zone: tzinfo) -> str:
    """A moment to the nanosecond with its zone, for a hover: ``2026-11-12 14:32:07.123456789 UTC``."""
    moment = local(ns, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ns % NS_PER_S:09d} {moment:%Z}"


def span_of_time(start_ns: int, end_ns: int, zone: tzinfo) -> str:
    """A stretch of time: ``12 Nov 14:00–15:00`` in one day, ``12–26 Nov``, or ``28 Oct – 3 Nov``."""
    first, last = local(start_ns, zone), local(end_ns, zone)
    if first.date() == last.date():
        return f"{first.day} {first:%b} {first:%H:%M}–{last:%H:%M}"
    if end_ns - start_ns < 2 * NS_PER_DAY:
        return f"{first.day} {first:%b} {first:%H:%M} – {last.day} {last:%b} {last:%H:%M}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b}"
    return f"{first.day} {first:%b} – {last.day} {last:%b}"


def between(start_ns: int, end_ns: int, now: int, zone: tzinfo) -> str:
    """Two moments joined by a word: ``14:00 and 15:00 on 12 Nov``, ``12 Nov 14:00 and 13 Nov 09:00``; the year where it is another."""
    first, last = local(start_ns, zone), local(end_ns, zone)
    year = "" if last.year == local(now, zone).year else f" {last.year}"
    if first.date() == last.date():
        return f"{first:%H:%M} and {last:%H:%M} on {first.day} {first:%b}{year}"
    return f"{first.day} {first:%b} {first:%H:%M} and {last.day} {last:%b} {last:%H:%M}{year}"


def ago(ns: int, now: int) -> str:
    """How long ago: ``8 s ago``, ``3 min ago``, ``2 d ago``."""
    gap = max(now - ns, 0)
    for unit, name in ((NS_PER_DAY, "d"), (NS_PER_HOUR, "h"), (NS_PER_MIN, "min")):
        if gap >= unit:
            return f"{gap // unit}{NBSP}{name} ago"
    return f"{gap // NS_PER_S}{NBSP}s ago"


def size(n: int) -> str:
    """Bytes in decimal units: ``1.4 MB``."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if n >= unit:
            return f"{_three(n / unit)}{NBSP}{name}"
    return f"{n}{NBSP}B"


def sentence_case(text: str) -> str:
    """The text with its first letter large."""
    return text[:1].upper() + text[1:]


def short_id(text: str) -> str:
    """The ends of a long id: ``9f3c…71ab``."""
    return text if len(text) <= 12 else f"{text[:4]}…{text[-4:]}"


def clip(text: str, limit: int) -> str:
    """One line of at most ``limit`` characters, cut at a word where one is near, with an ellipsis."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit * 0.6 else cut).rstrip(" ,.;:") + "…"
