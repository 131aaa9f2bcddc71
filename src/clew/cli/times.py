"""Moments as people write them on a command line."""

from __future__ import annotations

import re
from datetime import datetime

from clew.core.clock import NS_PER_S, now_ns
from clew.core.errors import InputError

_UNITS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGO = re.compile(r"(\d{1,6})\s*(s|min|m|h|d|w)", re.ASCII)
_LAST_NS = (1 << 63) - 1


def moment_ns(text: str | None, option: str) -> int | None:
    """``24h`` (so long ago), ISO 8601 (in this machine's zone unless it names one), or nanoseconds since 1970; None as it came."""
    if text is None:
        return None
    if ago := _AGO.fullmatch(text.strip()):
        return now_ns() - int(ago[1]) * _UNITS[ago[2]] * NS_PER_S
    if text.isdecimal() and text.isascii() and len(text) >= 16:
        return min(int(text), _LAST_NS)
    try:
        moment = datetime.fromisoformat(text).astimezone()
        ns = int(moment.timestamp()) * NS_PER_S + moment.microsecond * 1000
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"{option} is {text!r}; wanted a time ago such as 30min, 24h or 7d, or a time such as 2026-11-22T08:00") from error
    if not 0 <= ns <= _LAST_NS:
        raise InputError(f"{option} is {text!r}; wanted a time from 1970 to 2262")
    return ns
