"""Two windows against each other: is the difference there, is it none that matters, or can the data not tell?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from clew.traces.views import Share

Answer = Literal["worse", "better", "same", "unsure", "new"]
WORDS: dict[str, str] = {"worse": "worse", "better": "better", "same": "no difference", "unsure": "cannot tell", "new": "new"}
TONES: dict[str, str] = {"worse": "bad", "better": "good", "same": "blue", "unsure": "unsure", "new": ""}
SMALL_POINTS = 0.02  # a difference of two points, or of a quarter of what it was, is the least that is called one
SMALL_RELATIVE = 0.25


@dataclass(frozen=True)
class Difference:
    """A difference of two proportions with its interval (in proportions, not points) and what it means."""

    value: float | None
    low: float | None
    high: float | None
    verdict: Answer


def compare_shares(now: Share, before: Share) -> Difference:
    """``now`` minus ``before``, where more is worse.

    Newcombe's hybrid score interval (method 10), made of the two Wilson intervals: it needs no more than the shares carry.
    """
    if now.value is None or now.low is None or now.high is None:
        return Difference(None, None, None, "unsure")
    if before.value is None or before.low is None or before.high is None:
        return Difference(None, None, None, "new")
    value = now.value - before.value
    low = value - math.hypot(now.value - now.low, before.high - before.value)
    high = value + math.hypot(now.high - now.value, before.value - before.low)
    return Difference(value, low, high, _answer(low, high, before.value))


def _answer(low: float, high: float, before: float) -> Answer:
    if low > 0:
        return "worse"
    if high < 0:
        return "better"
    small = max(SMALL_POINTS, SMALL_RELATIVE * before)
    return "same" if low > -small and high < small else "unsure"
