"""Means with their errors: of independent values, of values in clusters, and of values clustered two ways at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from clew.stats.checks import Floats, Labels, Whole, as_clusters, as_values, require_share
from clew.stats.moments import NOISE, Moments
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Interval, Undefined


def estimate_interval(estimate: Estimate, *, level: float = DEFAULT_LEVEL) -> Interval:
    """The interval that an estimate's standard error and degrees of freedom give.

    Claim: value ± t · se, with the t of ``estimate.df`` degrees of freedom; the normal distribution's where they are infinite.

    Inputs: ``estimate``; ``level`` in (0, 1).

    Returns: ``Interval`` in the estimate's unit, symmetric around its value.

    Assumptions: the estimate divided by its error is about t-distributed around the truth. Never undefined: an estimate has an error.

    Reference: Student (1908), "The probable error of a mean", Biometrika 6, 1–25; NIST/SEMATECH e-Handbook, section 1.3.5.2.

    Example:

    >>> interval = estimate_interval(Estimate(10.0, 2.0, 5, df=4))
    >>> round(interval.low, 4), round(interval.high, 4)
    (4.4471, 15.5529)
    """
    half = float(stdtrit(estimate.df, (1 + require_share(level, "a level")) / 2)) * estimate.se
    return Interval(estimate.value, estimate.value - half, estimate.value + half, estimate.n, level)


def estimate_comparison(estimate: Estimate, method: str, *, level: float = DEFAULT_LEVEL) -> Comparison:
    """An estimated difference as a comparison with none.

    Claim: ``p`` is the two-sided tail of t = value / se, so that the interval excludes 0 exactly when p < 1 − level.

    Inputs: ``estimate`` of b − a; ``method``, the test's name as a person would cite it; ``level`` in (0, 1).

    Returns: ``Comparison`` with ``n`` of the estimate.

    Assumptions: as for ``estimate_interval``.

    Reference: E. L. Lehmann, J. P. Romano (2005), "Testing Statistical Hypotheses", 3rd ed., section 3.5 (test and interval are inverses).

    Example:

    >>> round(estimate_comparison(Estimate(10.0, 2.0, 5, df=4), "t test").p, 5)
    0.00749
    """
    p = 2 * float(stdtr(estimate.df, -abs(estimate.value) / estimate.se))
    return Comparison(estimate_interval(estimate, level=level), p, estimate.n, method)


def mean_estimate(moments: Moments) -> Estimate | Undefined:
    """The mean of independent values with its standard error.

    Claim: se = s / √n estimates how far the mean of n values strays from the population's mean.

    Inputs: ``moments`` of n values.

    Returns: ``Estimate`` in the values' unit, df = n − 1; ``Undefined`` for fewer than 2 values and when all are the same.

    Assumptions: independent values of one distribution with a finite variance.

    Reference: W. G. Cochran (1977), "Sampling Techniques", 3rd ed., corollary of theorem 2.4, for a large population.

    Example:

    >>> mean_estimate(Moments.of([1, 2, 3, 4]))
    Estimate(value=2.5, se=0.6454972243679028, n=4, df=3)
    >>> mean_estimate(Moments.of([1]))
    Undefined(reason='1 values: at least 2 are needed to see how much they vary')
    """
    if lack := moments.lack():
        return lack
    return Estimate(moments.mean, math.sqrt(moments.variance / moments.count), moments.count, moments.count - 1)


def mean_interval(moments: Moments, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """The t interval of a mean.

    Claim: the interval holds the population's mean in ``level`` of samples: exactly for normal values, nearly for many values of any kind.

    Inputs: ``moments`` of n values; ``level`` in (0, 1).

    Returns: ``Interval`` in the values' unit; ``Undefined`` for fewer than 2 values and when all are the same.

    Assumptions: independent values; with strong skew and under some 50 values it covers too little: use ``bootstrap_interval``.

    Reference: Student (1908), "The probable error of a mean", Biometrika 6, 1–25; NIST/SEMATECH e-Handbook, section 1.3.5.2.

    Example:

    >>> interval = mean_interval(Moments.of([1, 2, 3, 4]))
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.4457, 4.5543)
    """
    require_share(level, "a level")
    estimate = mean_estimate(moments)
    return estimate if isinstance(estimate, Undefined) else estimate_interval(estimate, level=level)


def clustered_mean(values: ArrayLike, clusters: Labels) -> Estimate | Undefined:
    """The mean of values that come in clusters, such as repetitions of a case or requests of a customer.

    Claim: the error counts clusters, not rows: values of one cluster may depend on each other in any way.

    Inputs: ``values``, n numbers; ``clusters``, n names, one per value.

    Returns: ``Estimate`` of the mean over rows, in the values' unit; se by CR1, that is with the factor G / (G − 1) for G clusters,
    and df = G − 1. ``Undefined`` for no values, for fewer than 2 clusters and when the clusters do not differ.

    Assumptions: clusters are independent of each other. With under some 20 clusters, or very unequal ones, the interval is still a little narrow.

    Reference: A. C. Cameron, D. L. Miller (2015), "A practitioner's guide to cluster-robust inference", Journal of Human Resources 50, 317–372,
    equations (11) and (12) with one regressor that is always 1, and section VI.D for the degrees of freedom.

    Example:

    >>> clustered_mean([1, 1, 0, 0, 1, 0], ["a", "a", "b", "b", "c", "c"])
    Estimate(value=0.5, se=0.28867513459481287, n=6, df=2)
    >>> clustered_mean([1, 0], ["a", "a"])
    Undefined(reason='1 cluster: at least 2 are needed to see how much clusters vary')
    """
    row = as_values(values)
    numbers, count = as_clusters(clusters, row.size)
    if count < 2:
        return _few(count, "cluster")
    variance = _cluster_variance(row, numbers, count)
    if variance == 0:
        return Undefined(f"the {count} clusters do not differ")
    return Estimate(float(row.mean()), math.sqrt(variance), row.size, count - 1)


def two_way_clustered_mean(values: ArrayLike, first: Labels, second: Labels) -> Estimate | Undefined:
    """The mean of values clustered two ways at once, such as by case and by repetition.

    Claim: the error allows values that share either cluster to depend on each other: V = V₁ + V₂ − V₁₂, each with its own factor G / (G − 1).

    Inputs: ``values``, n numbers; ``first`` and ``second``, n names each.

    Returns: ``Estimate`` of the mean over rows, in the values' unit; df = the smaller number of clusters − 1. The three-part variance can fall
    to 0 or below; the larger of V₁ and V₂ then stands for it, which is the cautious side. ``Undefined`` when either way has fewer than
    2 clusters, and when neither way's clusters differ.

    Assumptions: values that share neither cluster are independent. Few clusters one way (3 repetitions, say) make df small and the interval wide:
    where repetitions are only draws of one case, ``clustered_mean`` by case is the right one.

    Reference: A. C. Cameron, J. B. Gelbach, D. L. Miller (2011), "Robust inference with multiway clustering", Journal of Business & Economic
    Statistics 29, 238–249, section 2.

    Example:

    >>> two_way_clustered_mean([1, 1, 0, 0, 1, 0], ["a", "a", "b", "b", "c", "c"], [1, 2, 1, 2, 1, 2]).df
    1
    """
    row = as_values(values)
    one, ones = as_clusters(first, row.size, "first clusters")
    two, twos = as_clusters(second, row.size, "second clusters")
    if min(ones, twos) < 2:
        return _few(min(ones, twos), "cluster one way")
    both, cells = as_clusters(one * twos + two, row.size)
    singles = (_cluster_variance(row, one, ones), _cluster_variance(row, two, twos))
    variance = math.fsum((*singles, -_cluster_variance(row, both, cells)))
    if variance <= NOISE * sum(singles):
        variance = max(singles)
    if variance == 0:
        return Undefined(f"neither the {ones} clusters one way nor the {twos} the other way differ")
    return Estimate(float(row.mean()), math.sqrt(variance), row.size, min(ones, twos) - 1)


def _cluster_variance(row: Floats, numbers: Whole, count: int) -> float:
    """CR1: the variance of the mean from each cluster's summed deviations; 0 where only rounding is left of it."""
    sums = np.bincount(numbers, weights=row - row.mean(), minlength=count)
    squares = float(sums @ sums)
    noise = NOISE * row.size * float(np.abs(row).max())
    return squares / row.size**2 * count / (count - 1) if squares > noise**2 else 0.0


def _few(count: int, what: str) -> Undefined:
    """Too few clusters to see how much they vary."""
    return Undefined(f"{count or 'no'} {what}: at least 2 are needed to see how much clusters vary")
