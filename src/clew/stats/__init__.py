"""Numbers in, frozen results out: intervals and ranks. No I/O, no clock, no randomness of its own."""

from __future__ import annotations

from clew.stats.bootstrap import bootstrap_interval, quantile_bootstrap_interval, quantile_interval
from clew.stats.interval import RankBounds, quantile_ranks, wilson_interval
from clew.stats.mean import clustered_mean, estimate_comparison, estimate_interval, mean_estimate, mean_interval, two_way_clustered_mean
from clew.stats.moments import Moments, PairMoments
from clew.stats.proportion import clopper_pearson_interval, jeffreys_interval
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Guarantee, Interval, Undefined

__all__ = [
    "DEFAULT_LEVEL",
    "Comparison",
    "Estimate",
    "Guarantee",
    "Interval",
    "Moments",
    "PairMoments",
    "RankBounds",
    "Undefined",
    "bootstrap_interval",
    "clopper_pearson_interval",
    "clustered_mean",
    "estimate_comparison",
    "estimate_interval",
    "jeffreys_interval",
    "mean_estimate",
    "mean_interval",
    "quantile_bootstrap_interval",
    "quantile_interval",
    "quantile_ranks",
    "two_way_clustered_mean",
    "wilson_interval",
]
