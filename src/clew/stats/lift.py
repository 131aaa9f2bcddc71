"""Comparisons of two arms that need a second number per unit: relative lift, ratios of sums, and adjustment by a covariate."""

from __future__ import annotations

import math

from scipy.special import stdtrit

from clew.stats.checks import require_share
from clew.stats.comparison import unpaired_estimate, welch_estimate
from clew.stats.mean import estimate_comparison
from clew.stats.moments import Moments, PairMoments
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Interval, Undefined


def lift_interval(a: Moments, b: Moments, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """By what share b's mean is above a's, with Fieller's interval.

    Claim: the interval holds mean(b) / mean(a) − 1 in about ``level`` of samples, and excludes 0 exactly when ``welch_test`` rejects:
    both ask the same question at a ratio of 1. The delta method's interval does not keep that promise.

    Inputs: ``a`` and ``b``, the moments of two independent samples; ``level`` in (0, 1).

    Returns: ``Interval`` of a share (0.1 is 10 % more), lopsided around ``value``; ``Undefined`` when ``welch_test`` is, and when a's mean is
    not clearly away from 0 at this level: then no bounds exist. Below 0, a larger b makes the share smaller: read the difference there.

    Assumptions: as for ``welch_test``; its degrees of freedom are used for every ratio.

    Reference: E. C. Fieller (1954), "Some problems in interval estimation", JRSS B 16, 175–185; as in V. H. Franz (2007), arXiv:0710.2024,
    without covariance: the ratios ρ at which mean(b) − ρ · mean(a) is within t errors of 0.

    Example:

    >>> lift = lift_interval(Moments.of([9, 10, 11, 10]), Moments.of([12, 13, 11, 12]))
    >>> round(lift.low, 4), round(lift.value, 4), round(lift.high, 4)
    (0.0548, 0.2, 0.3694)
    """
    require_share(level, "a level")
    estimate = welch_estimate(a, b)
    if isinstance(estimate, Undefined):
        return estimate
    t = float(stdtrit(estimate.df, (1 + level) / 2))
    a_error, b_error = t * t * a.variance / a.count, t * t * b.variance / b.count
    scale = a.mean**2 - a_error
    if scale <= 0:
        return Undefined("the mean of a is not clearly away from 0: a share of it has no bounds")
    half = math.sqrt(max(0.0, b_error * scale + a_error * b.mean**2)) / scale
    centre = a.mean * b.mean / scale - 1
    return Interval(b.mean / a.mean - 1, centre - half, centre + half, estimate.n, level)


def ratio_estimate(pairs: PairMoments) -> Estimate | Undefined:
    """The ratio of two sums over units, such as tokens per request over customers, with its error.

    Claim: sum(y) / sum(x) strays from the population's ratio as its linear part does, which is a mean over units.

    Inputs: ``pairs``, one per unit that was drawn (or randomised): x the denominator, y the numerator.

    Returns: ``Estimate`` in y's unit per x's, df = units − 1; ``Undefined`` for fewer than 2 units, when the denominators add up to 0, and
    when the ratio is the same in every unit.

    Assumptions: independent units, and so many that the mean denominator is known to a few percent.

    Reference: A. Deng, U. Knoblich, J. Lu (2018), "Applying the delta method in metric analytics", KDD '18, arXiv:1803.06336, section 3.

    Example:

    >>> estimate = ratio_estimate(PairMoments.of([10, 20, 30], [1, 3, 2]))
    >>> estimate.value, round(estimate.se, 6)
    (0.1, 0.028868)
    """
    if pairs.count < 2:
        return Undefined(f"{pairs.count or 'no'} units: at least 2 are needed to see how much they vary")
    if pairs.x_total == 0:
        return Undefined("the denominators add up to 0")
    ratio = pairs.y_total / pairs.x_total
    variance = pairs.variance_of(-ratio, 1.0) / pairs.x.mean**2
    if variance == 0:
        return Undefined("the ratio is the same in every unit")
    return Estimate(ratio, math.sqrt(variance / pairs.count), pairs.count, pairs.count - 1)


def ratio_test(a: PairMoments, b: PairMoments, *, level: float = DEFAULT_LEVEL) -> Comparison | Undefined:
    """The difference of two ratios of sums, each over independent units.

    Claim: as ``welch_test``, for metrics whose denominator is not the unit that was randomised.

    Inputs: ``a`` and ``b``, x the denominator and y the numerator of each unit; ``level`` in (0, 1).

    Returns: ``Comparison`` of ratio(b) − ratio(a), ``n`` units of both; ``Undefined`` when one of the ratios is.

    Assumptions: as for ``ratio_estimate``, and arms that are independent of each other.

    Reference: A. Deng, U. Knoblich, J. Lu (2018), KDD '18, arXiv:1803.06336, section 3; Satterthwaite's degrees of freedom as in Welch (1947).

    Example:

    >>> found = ratio_test(PairMoments.of([10, 20, 30], [1, 3, 2]), PairMoments.of([10, 20, 30], [2, 6, 4]))
    >>> found.difference.value, round(found.p, 4)
    (0.1, 0.2209)
    """
    require_share(level, "a level")
    first, second = ratio_estimate(a), ratio_estimate(b)
    if isinstance(first, Undefined):
        return first
    if isinstance(second, Undefined):
        return second
    variances = (first.se**2 * first.n, first.n, second.se**2 * second.n, second.n)
    estimate = unpaired_estimate(second.value - first.value, *variances)
    return estimate if isinstance(estimate, Undefined) else estimate_comparison(estimate, "delta-method t test of ratios", level=level)


def cuped_coefficient(pairs: PairMoments) -> float | Undefined:
    """How much of the covariate to take away from the metric.

    Claim: y − θ · (x − mean x) has the least variance of all such sums: 1 − ρ² of y's, for the correlation ρ of x and y.

    Inputs: ``pairs`` of all units, both arms merged: x the covariate from before the experiment, y the metric.

    Returns: θ in y's unit per x's; ``Undefined`` for fewer than 2 units and when the covariate is the same in all.

    Assumptions: the covariate cannot have been changed by the experiment.

    Reference: A. Deng, Y. Xu, R. Kohavi, T. Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data", WSDM '13, the section on control variates.

    Example:

    >>> cuped_coefficient(PairMoments.of([1, 2, 3, 4], [3, 5, 7, 9]))
    2.0
    """
    if lack := pairs.x.lack("covariates"):
        return lack
    return pairs.covariance / pairs.x.variance


def cuped_test(a: PairMoments, b: PairMoments, *, level: float = DEFAULT_LEVEL) -> Comparison | Undefined:
    """The difference of two means with less noise: what a covariate from before explains is taken away.

    Claim: the difference estimates the same as ``welch_test`` does, with about 1 − ρ² of its variance.

    Inputs: ``a`` and ``b``: x the covariate from before the experiment, y the metric of each unit; ``level`` in (0, 1).

    Returns: ``Comparison`` of the adjusted mean(b) − mean(a) in y's unit, ``n`` units of both; ``Undefined`` for fewer than 2 units on a
    side, for a covariate that is the same in all, and when nothing is left to vary.

    Assumptions: randomised arms, and a covariate that the experiment cannot have changed; one θ for both arms, from all units.

    Reference: Deng, Xu, Kohavi, Walker (2013), WSDM '13, the section on control variates.

    Example:

    >>> found = cuped_test(PairMoments.of([1, 2, 3, 4], [1, 2, 3, 5]), PairMoments.of([1, 2, 3, 4], [2, 3, 5, 6]))
    >>> found.difference.value, round(found.p, 4)
    (1.25, 0.0011)
    """
    require_share(level, "a level")
    for name, side in (("a", a), ("b", b)):
        if side.count < 2:
            return Undefined(f"{side.count or 'no'} units in {name}: at least 2 are needed to see how much they vary")
    theta = cuped_coefficient(a.merge(b))
    if isinstance(theta, Undefined):
        return theta
    difference = b.y.mean - a.y.mean - theta * (b.x.mean - a.x.mean)
    estimate = unpaired_estimate(difference, a.variance_of(-theta, 1.0), a.count, b.variance_of(-theta, 1.0), b.count)
    return estimate if isinstance(estimate, Undefined) else estimate_comparison(estimate, "Welch's t test after CUPED", level=level)
