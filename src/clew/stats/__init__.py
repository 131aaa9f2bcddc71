"""Numbers in, frozen results out: intervals and ranks. No I/O, no clock, no randomness of its own."""

from __future__ import annotations

from clew.stats.agreement import (
    Agreement,
    ConfusionMatrix,
    RatingCounts,
    TrueRates,
    cohen_kappa,
    confusion_matrix,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    rating_counts,
    true_rates,
)
from clew.stats.bootstrap import bootstrap_interval, quantile_bootstrap_interval, quantile_interval
from clew.stats.interval import RankBounds, quantile_ranks, wilson_interval
from clew.stats.mean import clustered_mean, estimate_comparison, estimate_interval, mean_estimate, mean_interval, two_way_clustered_mean
from clew.stats.moments import Moments, PairMoments
from clew.stats.proportion import clopper_pearson_interval, jeffreys_interval
from clew.stats.reliability import (
    PassRate,
    PlannedError,
    VarianceSplit,
    pass_at_k,
    pass_hat_k,
    planned_error,
    split_variance,
    split_variance_of_counts,
)
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Guarantee, Interval, Undefined

__all__ = [
    "DEFAULT_LEVEL",
    "Agreement",
    "Comparison",
    "ConfusionMatrix",
    "Estimate",
    "Guarantee",
    "Interval",
    "Moments",
    "PairMoments",
    "PassRate",
    "PlannedError",
    "RankBounds",
    "RatingCounts",
    "TrueRates",
    "Undefined",
    "VarianceSplit",
    "bootstrap_interval",
    "clopper_pearson_interval",
    "clustered_mean",
    "cohen_kappa",
    "confusion_matrix",
    "estimate_comparison",
    "estimate_interval",
    "fleiss_kappa",
    "gwet_ac1",
    "jeffreys_interval",
    "krippendorff_alpha",
    "mean_estimate",
    "mean_interval",
    "pass_at_k",
    "pass_hat_k",
    "planned_error",
    "quantile_bootstrap_interval",
    "quantile_interval",
    "quantile_ranks",
    "rating_counts",
    "split_variance",
    "split_variance_of_counts",
    "true_rates",
    "two_way_clustered_mean",
    "wilson_interval",
]
