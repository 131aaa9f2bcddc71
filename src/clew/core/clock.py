"""Time as int64 nanoseconds since 1970-01-01 UTC; the one place that reads the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_DAY = 86_400 * NS_PER_S


def now_ns() -> int:
    """Nanoseconds since 1970-01-01 UTC."""
    return time.time_ns()


def to_datetime(ns: int) -> datetime:
    """The same instant as a UTC datetime, cut to microseconds (what datetime can hold)."""
    seconds, rest = divmod(ns, NS_PER_S)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def iso(ns: int) -> str:
    """RFC 3339 in UTC with all nine digits, e.g. ``2026-11-22T00:00:00.000000001Z``."""
    seconds, rest = divmod(ns, NS_PER_S)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:09d}Z"
