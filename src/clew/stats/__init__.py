"""Numbers in, frozen results out: intervals and ranks. No I/O, no clock, no randomness of its own."""

from __future__ import annotations

from clew.stats.interval import DEFAULT_LEVEL, Interval, RankBounds, Undefined, quantile_ranks, wilson_interval

__all__ = ["DEFAULT_LEVEL", "Interval", "RankBounds", "Undefined", "quantile_ranks", "wilson_interval"]
