"""How many cases an experiment needs, and what difference so many can show: before it starts and after it ended."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from clew.stats.checks import require_at_least, require_positive, require_share
from clew.stats.result import DEFAULT_LEVEL, Estimate, Undefined

DEFAULT_POWER = 0.8
NEARLY_NORMAL = 1e8  # degrees of freedom, from which t and normal power agree to eight digits
MOST_NODES = 50_000

SMALLEST_UNIT = 1e-9  # of a standard deviation: to see less takes more than 10¹⁸ cases

Variance = Literal["pooled", "unpooled", "arcsine"]


@dataclass(frozen=True)
class SampleSize:
    """How many are needed: ``n`` whole ones per arm (cases where pairs are compared), ``exact`` before rounding up.

    ``effect`` is the difference (or the margin) it is for; ``power`` the chance to see it, none for a margin; ``clusters`` per arm, where there are any.
    """

    n: int
    exact: float
    effect: float
    level: float = DEFAULT_LEVEL
    power: float | None = None
    clusters: int | None = None


@dataclass(frozen=True)
class Detectable:
    """The smallest true difference that is seen with ``power``, in its own unit, above 0 whichever way it goes."""

    effect: float
    power: float
    level: float = DEFAULT_LEVEL


def sample_size_for_means(
    effect: float, sd: float, *, power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL
) -> SampleSize | Undefined:
    """Units per arm, so that a t test of two independent means sees a difference.

    Claim: with ``n`` units in each arm and a true difference of ``effect``, p is below 1 − level in at least ``power`` of experiments.

    Inputs: ``effect``, a difference of either sign, and ``sd``, the standard deviation in each arm, in the same unit; ``power`` and
    ``level`` in (0, 1).

    Returns: ``SampleSize``; ``Undefined`` when ``effect`` or ``sd`` is 0.

    Assumptions: independent values, near enough to normal for their number, with one variance in both arms.

    Reference: J. Cohen (1988), "Statistical Power Analysis for the Behavioral Sciences", 2nd ed., section 2.4, by the noncentral t distribution.

    Example:

    >>> size = sample_size_for_means(0.02, 1.0)
    >>> size.n, round(size.exact, 2)
    (39246, 39245.26)
    """
    return _sample_size(effect, sd * math.sqrt(2), 2, power, level)


def detectable_mean_difference(n: int, sd: float, *, power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL) -> Detectable | Undefined:
    """What difference of two independent means a t test sees.

    Claim: with ``n`` units in each arm, this true difference gives p below 1 − level in ``power`` of experiments.

    Inputs: ``n`` ≥ 2 units per arm; ``sd``, the standard deviation in each arm; ``power`` and ``level`` in (0, 1).

    Returns: ``Detectable`` in the unit of ``sd``; ``Undefined`` when ``sd`` is 0.

    Assumptions: as for ``sample_size_for_means``, whose inverse it is.

    Reference: Cohen (1988), section 2.4.

    Example:

    >>> round(detectable_mean_difference(39246, 1.0).effect, 6)
    0.02
    """
    require_at_least(2, n, "a number of units")
    return _detectable(_require_spread(sd) * math.sqrt(2 / n), 2 * n - 2, power, level)


def cases_needed(effect: float, sd: float, *, power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL) -> SampleSize | Undefined:
    """Cases, so that a paired t test sees a difference.

    Claim: with ``n`` cases and a true difference of ``effect``, p is below 1 − level in at least ``power`` of experiments.

    Inputs: ``effect``, a difference of either sign; ``sd``, the standard deviation of the paired differences, as observed in a run of a
    few dozen cases; ``power`` and ``level`` in (0, 1).

    Returns: ``SampleSize``, ``n`` counting cases; ``Undefined`` when ``effect`` or ``sd`` is 0.

    Assumptions: independent cases. An ``sd`` from few cases is rough: from 20 it may be a third too small, and ``n`` then less than half.

    Reference: Cohen (1988), section 2.3.5 (case 4, one sample of differences), by the noncentral t distribution.

    Example:

    >>> cases_needed(0.3, 1.0).n
    90
    """
    return _sample_size(effect, sd, 1, power, level)


def sample_size_paired(
    effect: float, sd: float, correlation: float, *, power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL
) -> SampleSize | Undefined:
    """Cases for a paired t test, where only the spread of the values and their correlation are known.

    Claim: as ``cases_needed``, with sd · √(2 (1 − ρ)) for the deviation of the differences: at ρ = 0.9 a tenth of what unpaired arms need.

    Inputs: ``effect``; ``sd``, the standard deviation of the values under a and under b; ``correlation`` ρ between the two over cases,
    in [−1, 1]; ``power`` and ``level`` in (0, 1).

    Returns: ``SampleSize``, ``n`` counting cases; ``Undefined`` when ``effect`` or ``sd`` is 0, and at a correlation of 1.

    Assumptions: independent cases, and one variance under a and b.

    Reference: Cohen (1988), section 2.3.5: the deviation of differences from that of the values and their correlation.

    Example:

    >>> sample_size_paired(0.3, 1.0, 0.5).n
    90
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"found a correlation of {correlation!r}; wanted a number from -1 to 1")
    return cases_needed(effect, sd * math.sqrt(2 * (1 - correlation)), power=power, level=level)


def detectable_paired_difference(
    n: int, sd: float, *, power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL
) -> Detectable | Undefined:
    """What paired difference a t test over n cases sees.

    Claim: with ``n`` cases, this true difference gives p below 1 − level in ``power`` of experiments.

    Inputs: ``n`` ≥ 2 cases; ``sd``, the standard deviation of the paired differences; ``power`` and ``level`` in (0, 1).

    Returns: ``Detectable`` in the unit of ``sd``; ``Undefined`` when ``sd`` is 0.

    Assumptions: as for ``cases_needed``, whose inverse it is.

    Reference: Cohen (1988), section 2.3.5.

    Example:

    >>> round(detectable_paired_difference(50, 1.0).effect, 4)
    0.4042
    """
    require_at_least(2, n, "a number of cases")
    return _detectable(_require_spread(sd) / math.sqrt(n), n - 1, power, level)


def design_effect(cluster_size: float, icc: float) -> float:
    """By how much clusters inflate the variance of a mean.

    Claim: n values in clusters say as much as n / (design effect) independent ones.

    Inputs: ``cluster_size`` ≥ 1, the mean number of values per cluster; ``icc`` in [0, 1], the share of the variance between clusters.

    Returns: a factor ≥ 1.

    Assumptions: clusters of about one size; with unequal ones it is a little too small.

    Reference: L. Kish (1965), "Survey Sampling", section 5.4: 1 + (m − 1) · icc.

    Example:

    >>> round(design_effect(5, 0.3), 10)
    2.2
    """
    if not (math.isfinite(cluster_size) and cluster_size >= 1):
        raise ValueError(f"found a cluster size of {cluster_size!r}; wanted a number ≥ 1")
    if not 0 <= icc <= 1:
        raise ValueError(f"found an intraclass correlation of {icc!r}; wanted a number from 0 to 1: take a negative estimate as 0")
    return 1 + (cluster_size - 1) * icc


def sample_size_clustered(
    effect: float, sd: float, cluster_size: int, icc: float, *, power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL
) -> SampleSize | Undefined:
    """Clusters and values per arm, where whole clusters (customers, documents) are put into arms.

    Claim: with so many clusters in each arm, a t test over clusters sees a true difference of ``effect`` in at least ``power`` of experiments.

    Inputs: ``effect`` and ``sd`` of single values, in one unit; ``cluster_size`` ≥ 1 values per cluster; ``icc`` in [0, 1]; ``power`` and
    ``level`` in (0, 1).

    Returns: ``SampleSize``: ``clusters`` per arm, ``n`` = clusters · cluster size, ``exact`` in clusters; ``Undefined`` when ``effect`` or
    ``sd`` is 0.

    Assumptions: independent clusters of one size, and one variance in both arms; 2 · (clusters − 1) degrees of freedom.

    Reference: A. Donner, N. Klar (2000), "Design and Analysis of Cluster Randomization Trials", section 5.2, with t in place of z.

    Example:

    >>> size = sample_size_clustered(0.2, 1.0, 5, 0.3)
    >>> size.clusters, size.n
    (174, 870)
    """
    require_at_least(1, cluster_size, "a cluster size")
    inflated = sd * math.sqrt(2 * design_effect(cluster_size, icc) / cluster_size)
    found = _sample_size(effect, inflated, 2, power, level)
    if isinstance(found, Undefined):
        return found
    return SampleSize(found.n * cluster_size, found.exact, effect, level, power, found.n)


def sample_size_for_proportions(
    base: float, target: float, *, variance: Variance = "pooled", power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL
) -> SampleSize | Undefined:
    """Units per arm, so that a z test of two proportions sees a difference.

    Claim: with ``n`` units in each arm and true shares of ``base`` and ``target``, p is below 1 − level in about ``power`` of experiments.

    Inputs: ``base`` and ``target`` in [0, 1]; ``variance`` under the null as the test has it: ``pooled`` for ``two_proportion_z_test``,
    ``unpooled`` for a test by each arm's own variance, ``arcsine`` for Cohen's h; ``power`` and ``level`` in (0, 1).

    Returns: ``SampleSize`` with ``effect`` = target − base; ``Undefined`` when the two are the same.

    Assumptions: independent trials, and at least about 5 hits and 5 misses to be expected in each arm.

    Reference: J. L. Fleiss, B. Levin, M. C. Paik (2003), "Statistical Methods for Rates and Proportions", 3rd ed., equation (4.14) for pooled;
    Cohen (1988), section 6.4 for arcsine.

    Example:

    >>> [round(sample_size_for_proportions(0.10, 0.12, variance=way).exact, 1) for way in ("unpooled", "pooled", "arcsine")]
    [3838.1, 3840.8, 3834.6]
    """
    for share in (base, target):
        if not 0 <= share <= 1:
            raise ValueError(f"found a proportion of {share!r}; wanted a number from 0 to 1")
    _require_power(power, level)
    if base == target:
        return Undefined("no number of cases shows a difference of 0")
    exact = _proportion_size(base, target, variance, float(ndtri((1 + level) / 2)), float(ndtri(power)))
    return SampleSize(max(1, math.ceil(exact - 1e-9)), exact, target - base, level, power)


def detectable_proportion_difference(
    n: int, base: float, *, way: Literal["rise", "fall"] = "rise", power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL
) -> Detectable | Undefined:
    """What change of a proportion a z test with pooled variance sees.

    Claim: with ``n`` units in each arm, this rise (or fall) from ``base`` gives p below 1 − level in ``power`` of experiments.

    Inputs: ``n`` ≥ 1 units per arm; ``base`` in [0, 1]; ``way``; ``power`` and ``level`` in (0, 1).

    Returns: ``Detectable``, a difference of shares above 0; ``Undefined`` when not even a change to 1 (or 0) would be seen.

    Assumptions: as for ``sample_size_for_proportions``, whose inverse it is.

    Reference: Fleiss, Levin, Paik (2003), equation (4.14), solved for the second proportion.

    Example:

    >>> round(detectable_proportion_difference(3841, 0.10).effect, 5)
    0.02
    """
    require_at_least(1, n, "a number of units")
    _require_power(power, level)
    if not 0 <= base <= 1:
        raise ValueError(f"found a proportion of {base!r}; wanted a number from 0 to 1")
    if way not in ("rise", "fall"):
        raise ValueError(f"found the way {way!r}; wanted 'rise' or 'fall'")
    start, z_level, z_power = base if way == "rise" else 1 - base, float(ndtri((1 + level) / 2)), float(ndtri(power))
    room = 1 - start
    if room == 0 or _proportion_size(start, 1.0, "pooled", z_level, z_power) > n:
        return Undefined(f"{n} units per arm are too few to see even a {way} from {base:g} to {1 if way == 'rise' else 0}")
    effect = _where(lambda change: _proportion_size(start, start + change, "pooled", z_level, z_power) <= n, room)
    return Detectable(effect, power, level)


def detectable_effect(estimate: Estimate, *, power: float = DEFAULT_POWER, level: float = DEFAULT_LEVEL) -> Detectable | Undefined:
    """What difference a finished experiment could have seen.

    Claim: an experiment with this standard error gives p below 1 − level in ``power`` of repetitions when the true difference is this large.
    It says how much a result without a verdict leaves open; it is no power "observed" at the found difference.

    Inputs: ``estimate``, of which only the standard error and the degrees of freedom are used; ``power`` and ``level`` in (0, 1).

    Returns: ``Detectable`` in the estimate's unit; ``Undefined`` when the standard error is 0.

    Assumptions: those of the estimate, and an error that another run would have as well.

    Reference: J. M. Hoenig, D. M. Heisey (2001), "The abuse of power", The American Statistician 55, 19–24; the factor is that of Cohen (1988).

    Example:

    >>> round(detectable_effect(Estimate(0.3, 1.0, 10_000)).effect, 4)
    2.8016
    """
    return _detectable(_require_spread(estimate.se), estimate.df, power, level)


def labels_needed(margin: float, *, rate: float = 0.5, level: float = DEFAULT_LEVEL) -> SampleSize:
    """Labels by people, so that a judge's rate is known to within a margin.

    Claim: Wilson's interval of a rate near ``rate`` over ``n`` labels reaches at most ``margin`` to either side of its middle.

    Inputs: ``margin`` in (0, 0.5), half the interval's width; ``rate`` in [0, 1], what is expected: ½ is the most demanding; ``level`` in (0, 1).

    Returns: ``SampleSize`` with ``effect`` = margin and no power.

    Assumptions: labels of independent cases, drawn at random from those the rate is about.

    Reference: E. B. Wilson (1927), JASA 22, 209–212, solved for n; W. W. Piegorsch (2004), "Sample sizes for improved binomial confidence
    intervals", Computational Statistics & Data Analysis 46, 309–316.

    Example:

    >>> labels_needed(0.05).n, labels_needed(0.05, rate=0.9).n
    (381, 141)
    """
    if not 0 < margin < 0.5:
        raise ValueError(f"found a margin of {margin!r}; wanted a number between 0 and 0.5, both left out")
    if not 0 <= rate <= 1:
        raise ValueError(f"found a rate of {rate!r}; wanted a number from 0 to 1")
    z2 = float(ndtri((1 + require_share(level, "a level")) / 2)) ** 2
    half, last = z2 * (margin**2 - rate * (1 - rate) / 2), z2**2 * (margin**2 - 0.25)  # margin² n² + 2 half n + last = 0
    exact = (-half + math.sqrt(half**2 - margin**2 * last)) / margin**2
    return SampleSize(max(1, math.ceil(exact - 1e-9)), exact, margin, level)


def _sample_size(effect: float, sd: float, arms: int, power: float, level: float) -> SampleSize | Undefined:
    """The n that gives a t test with ``arms`` · (n − 1) degrees of freedom the power to see ``effect`` at an error of sd / √n."""
    _require_power(power, level)
    if not math.isfinite(effect):
        raise ValueError(f"found an effect of {effect!r}; wanted a finite number")
    if effect == 0:
        return Undefined("no number of cases shows a difference of 0")
    if _require_spread(sd) == 0:
        return Undefined("the values do not vary: any difference shows at once")
    unit = abs(effect) / sd
    if unit < SMALLEST_UNIT:
        return Undefined("the difference is lost in the spread: no number of cases that could be had would show it")

    def is_enough(n: float) -> bool:
        return _t_power(unit * math.sqrt(n), arms * (n - 1), level) >= power

    exact = 2.0 if is_enough(2.0) else _where(is_enough, _first_beyond(is_enough, 4.0))
    return SampleSize(math.ceil(exact - 1e-9), exact, effect, level, power)


def _detectable(se: float, df: float, power: float, level: float) -> Detectable | Undefined:
    """The effect that a t test with this error sees with this power."""
    _require_power(power, level)
    if se == 0:
        return Undefined("the values do not vary: any difference shows at once")

    def is_seen(errors: float) -> bool:
        return _t_power(errors, df, level) >= power

    return Detectable(se * _where(is_seen, _first_beyond(is_seen, 4.0)), power, level)


def _t_power(errors: float, df: float, level: float) -> float:
    """How often a two-sided t test rejects when the true difference is so many standard errors.

    The noncentral t distribution's tails, as the normal's over every error that the sample may show: e to the power of y times the true one.
    The trapezoid rule is exact to rounding for such a bell in y. (scipy's nctdtr is NaN at some places with few degrees of freedom.)
    """
    if df > NEARLY_NORMAL:
        z = float(ndtri((1 + level) / 2))
        return float(ndtr(errors - z)) + float(ndtr(-errors - z))
    t, reach = float(stdtrit(df, (1 + level) / 2)), math.sqrt(40 / df)  # beyond it the weights are below e⁻⁴⁰
    nodes = min(MOST_NODES, 60 + math.ceil((2 * reach + 40 / df) * 4 * max(math.sqrt(2 * df), errors)))
    y = np.linspace(-reach - 40 / df, reach, nodes)
    weights = np.exp(df * (y - np.expm1(2 * y) / 2))
    rejected = ndtr(errors - t * np.exp(y)) + ndtr(-errors - t * np.exp(y))
    return float(weights @ rejected / weights.sum())


def _proportion_size(base: float, target: float, variance: Variance, z_level: float, z_power: float) -> float:
    """Units per arm for two shares, by one of three variances."""
    own = base * (1 - base) + target * (1 - target)
    middle = (base + target) / 2
    if variance == "pooled":
        return ((z_level * math.sqrt(2 * middle * (1 - middle)) + z_power * math.sqrt(own)) / (target - base)) ** 2
    if variance == "unpooled":
        return (z_level + z_power) ** 2 * own / (target - base) ** 2
    if variance == "arcsine":
        return (z_level + z_power) ** 2 * 2 / (2 * math.asin(math.sqrt(target)) - 2 * math.asin(math.sqrt(base))) ** 2
    raise ValueError(f"found the variance {variance!r}; wanted 'pooled', 'unpooled' or 'arcsine'")


def _first_beyond(holds: Callable[[float], bool], start: float) -> float:
    """A number at which the condition holds, by doubling."""
    while not holds(start):
        start *= 2
    return start


def _where(holds: Callable[[float], bool], high: float) -> float:
    """The least number up to ``high`` at which the condition holds, by halving the distance: it fails below and holds above."""
    low = 0.0 if high <= 4 else high / 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _require_power(power: float, level: float) -> None:
    """A power that a test at this level does not have by chance alone."""
    require_share(level, "a level")
    if not 1 - level < require_share(power, "a power"):
        raise ValueError(f"found a power of {power!r} at level {level!r}; wanted more than the {1 - level:g} that chance alone gives")


def _require_spread(sd: float) -> float:
    """A standard deviation."""
    return sd if sd == 0 else require_positive(sd, "a standard deviation")
