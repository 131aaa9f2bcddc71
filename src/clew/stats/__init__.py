"""Numbers in, frozen results out: intervals and ranks. No I/O, no clock, no randomness of its own."""

from __future__ import annotations

from clew.stats.interval import RankBounds, quantile_ranks, wilson_interval
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Guarantee, Interval, Undefined

__all__ = [
    "DEFAULT_LEVEL",
    "Comparison",
    "Estimate",
    "Guarantee",
    "Interval",
    "RankBounds",
    "Undefined",
    "quantile_ranks",
    "wilson_interval",
]
