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
from clew.stats.binary import PairedTable, mcnemar_test, newcombe_difference, newcombe_paired_difference, two_proportion_z_test
from clew.stats.bootstrap import bootstrap_interval, quantile_bootstrap_interval, quantile_interval
from clew.stats.comparison import paired_bootstrap_test, paired_clustered_test, paired_t_test, sign_flip_test, welch_test
from clew.stats.guards import SampleRatio, benjamini_hochberg_adjusted, holm_adjusted, sample_ratio_test
from clew.stats.interval import RankBounds, quantile_ranks, wilson_interval
from clew.stats.lift import cuped_coefficient, cuped_test, lift_interval, ratio_estimate, ratio_test
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
    "PairedTable",
    "PassRate",
    "PlannedError",
    "RankBounds",
    "RatingCounts",
    "SampleRatio",
    "TrueRates",
    "Undefined",
    "VarianceSplit",
    "benjamini_hochberg_adjusted",
    "bootstrap_interval",
    "clopper_pearson_interval",
    "clustered_mean",
    "cohen_kappa",
    "confusion_matrix",
    "cuped_coefficient",
    "cuped_test",
    "estimate_comparison",
    "estimate_interval",
    "fleiss_kappa",
    "gwet_ac1",
    "holm_adjusted",
    "jeffreys_interval",
    "krippendorff_alpha",
    "lift_interval",
    "mcnemar_test",
    "mean_estimate",
    "mean_interval",
    "newcombe_difference",
    "newcombe_paired_difference",
    "paired_bootstrap_test",
    "paired_clustered_test",
    "paired_t_test",
    "pass_at_k",
    "pass_hat_k",
    "planned_error",
    "quantile_bootstrap_interval",
    "quantile_interval",
    "quantile_ranks",
    "rating_counts",
    "ratio_estimate",
    "ratio_test",
    "sample_ratio_test",
    "sign_flip_test",
    "split_variance",
    "split_variance_of_counts",
    "true_rates",
    "two_proportion_z_test",
    "two_way_clustered_mean",
    "welch_test",
    "wilson_interval",
]
