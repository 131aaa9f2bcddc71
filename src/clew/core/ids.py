"""Fixed-width ids: traces are 32 and spans 16 lower-case hex digits, other ids 26 sortable characters."""

from __future__ import annotations

import os
import time

TRACE_HEX = 32
SPAN_HEX = 16
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(now_ns: int | None = None) -> str:
    """A new 26-character id (48 bits of milliseconds, 80 random bits) that sorts by time of creation."""
    millis = (time.time_ns() if now_ns is None else now_ns) // 1_000_000
    value = (millis << 80) | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))


def is_hex(text: str, digits: int) -> bool:
    """Whether ``text`` is exactly ``digits`` hex digits, in either case, and not all zero."""
    if len(text) != digits:
        return False
    try:
        return int(text, 16) != 0
    except ValueError:
        return False
