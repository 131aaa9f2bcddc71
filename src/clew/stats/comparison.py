"""How much b is above a: from differences of pairs, alone or in clusters, and from two independent samples."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from clew.stats.bootstrap import CELLS, RESAMPLES, replicates, row_means
from clew.stats.checks import Floats, Labels, as_values, require_at_least, require_share
from clew.stats.mean import clustered_mean, estimate_comparison, mean_estimate, two_way_clustered_mean
from clew.stats.moments import Moments
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Interval, Undefined

EXACT_PAIRS = 20  # up to here all 2ⁿ sign flips are tried: a million sums


def paired_t_test(differences: Moments, *, level: float = DEFAULT_LEVEL) -> Comparison | Undefined:
    """The mean of paired differences against 0, by Student's t.

    Claim: if pairs do not differ on average, p is below any α in α of samples: exactly for normal differences, nearly for many of any kind.

    Inputs: ``differences``, the moments of b − a over n pairs; ``level`` in (0, 1).

    Returns: ``Comparison`` in the values' unit; ``Undefined`` for fewer than 2 pairs and when all differences are the same.

    Assumptions: independent pairs. Repetitions of one case are not that: use ``paired_clustered_test``.

    Reference: Student (1908), "The probable error of a mean", Biometrika 6, 1–25; NIST/SEMATECH e-Handbook, section 7.3.1.1.

    Example:

    >>> found = paired_t_test(Moments.of([1, 2, 3, 4]))
    >>> found.difference.value, round(found.difference.low, 4), round(found.p, 5), found.method
    (2.5, 0.4457, 0.03047, 'paired t test')
    """
    require_share(level, "a level")
    if lack := differences.lack("differences"):
        return lack
    estimate = mean_estimate(differences)
    return estimate if isinstance(estimate, Undefined) else estimate_comparison(estimate, "paired t test", level=level)


def paired_clustered_test(
    differences: ArrayLike, clusters: Labels, second: Labels | None = None, *, level: float = DEFAULT_LEVEL
) -> Comparison | Undefined:
    """The mean of paired differences against 0, where pairs come in clusters.

    Claim: as ``paired_t_test``, with pairs of one cluster (repetitions of a case, say) depending on each other in any way.

    Inputs: ``differences``, b − a of n pairs; ``clusters``, n names; ``second``, n names of a second way they cluster; ``level`` in (0, 1).

    Returns: ``Comparison`` in the values' unit, ``n`` counting pairs; ``Undefined`` as for ``clustered_mean`` and ``two_way_clustered_mean``.

    Assumptions: as there: clusters are independent, and there are some 20 of them or more.

    Reference: A. C. Cameron, D. L. Miller (2015), Journal of Human Resources 50, 317–372, equations (11) and (12), section VI.D.

    Example:

    >>> found = paired_clustered_test([1, 1, 0, 0, 1, 1], ["a", "a", "b", "b", "c", "c"])
    >>> round(found.difference.value, 4), round(found.p, 4)
    (0.6667, 0.1835)
    """
    require_share(level, "a level")
    found = clustered_mean(differences, clusters) if second is None else two_way_clustered_mean(differences, clusters, second)
    if isinstance(found, Undefined):
        return found
    way = "cluster-robust" if second is None else "two-way cluster-robust"
    return estimate_comparison(found, f"{way} paired t test", level=level)


def sign_flip_test(
    differences: ArrayLike, *, rng: np.random.Generator | None = None, resamples: int = RESAMPLES, level: float = DEFAULT_LEVEL
) -> Comparison | Undefined:
    """The mean of paired differences against 0, by flipping their signs.

    Claim: if a and b could have changed places in every pair, p is at most α in at most α of samples, for any distribution and any n.
    The interval holds every shift that the test with the same flips does not reject: it excludes 0 exactly when p ≤ 1 − level.

    Inputs: ``differences``, b − a of n pairs; up to 20 pairs every flip is tried, beyond that ``resamples`` random ones by ``rng``;
    ``level`` in (0, 1). At most about 40 MB are held at once.

    Returns: ``Comparison`` in the values' unit; ``Undefined`` when no pair differs, or when n or ``resamples`` is too small for ``level``:
    5 pairs can never show p below 1/16.

    Assumptions: independent pairs, with differences symmetric around their mean.

    Reference: R. A. Fisher (1935), "The Design of Experiments", section 21; the interval by J. A. Hartigan (1969), "Using subsample values as
    typical values", JASA 64, 1303–1317; random flips by B. Phipson, G. K. Smyth (2010), SAGMB 9:39: p = (b + 1) / (m + 1).

    Example:

    >>> found = sign_flip_test([1, 2, 3, 4, 5, 6])
    >>> found.difference.low, found.difference.high, found.p
    (1.0, 6.0, 0.03125)
    >>> sign_flip_test([1, 2, 3]).reason
    'too few pairs for level 0.95: the smallest p that 3 pairs can show is 0.25'
    """
    row = as_values(differences, "differences")
    require_at_least(1, resamples, "a number of resamples")
    alpha = 1 - require_share(level, "a level")
    if not row.any():
        return Undefined("no pair differs" if row.size else "no pairs")
    if exact := row.size <= EXACT_PAIRS:
        sums, sizes = _every_subset(row)
        low_rank, least = math.floor(alpha * sums.size / 2 + 1e-9) + 1, 2 / sums.size
    elif rng is None:
        raise ValueError(f"found no rng for {row.size} pairs; wanted one for more than {EXACT_PAIRS}: too many flips to try each")
    else:
        sums, sizes = _random_subsets(row, rng, resamples)
        low_rank, least = math.floor(alpha * (resamples + 1) + 1e-9), 1 / (resamples + 1)
    if least > alpha + 1e-9:
        return Undefined(
            f"too few {'pairs' if exact else 'flips'} for level {level:g}: the smallest p that {row.size} pairs can show is {least:g}"
        )
    mean, (low, high) = float(row.mean()), _typical_range(row, sums, sizes, low_rank, exact)
    interval = Interval(mean, min(low, mean), max(high, mean), row.size, level)  # equal differences: all three are one, but for rounding
    return Comparison(interval, _flip_p(row, sums, exact), row.size, "sign-flip permutation test")


def paired_bootstrap_test(
    differences: ArrayLike,
    *,
    rng: np.random.Generator,
    method: Literal["bca", "percentile"] = "bca",
    resamples: int = RESAMPLES,
    level: float = DEFAULT_LEVEL,
) -> Comparison | Undefined:
    """The mean of paired differences against 0, by drawing pairs again with replacement.

    Claim: the interval is ``bootstrap_interval``'s; p is 1 − the level at which it would just reach 0, so that both say the same.

    Inputs: ``differences``, b − a of n pairs; ``rng``; ``method``; ``resamples`` ≥ 1; ``level`` in (0, 1).

    Returns: ``Comparison`` in the values' unit; p is never 0, but at least what so many resamples can show; ``Undefined`` as for
    ``bootstrap_interval``.

    Assumptions: independent pairs, some 20 or more; for fewer use ``sign_flip_test``.

    Reference: B. Efron, R. J. Tibshirani (1993), "An Introduction to the Bootstrap", section 15.4 (achieved significance from an interval).

    Example:

    >>> found = paired_bootstrap_test([1, 2, 3, 4, 5, 6, -1, 0.5], rng=np.random.default_rng(1))
    >>> found.difference.low > 0, found.p < 0.05
    (True, True)
    """
    tail = (1 - require_share(level, "a level")) / 2
    row = as_values(differences, "differences")
    found = replicates(row, rng, row_means, method, resamples)
    if isinstance(found, Undefined):
        return found
    interval = Interval(found.value, found.quantile(tail), found.quantile(1 - tail), row.size, level)
    return Comparison(interval, found.p_value(0.0), row.size, f"paired bootstrap ({'BCa' if method == 'bca' else method})")


def welch_test(a: Moments, b: Moments, *, level: float = DEFAULT_LEVEL) -> Comparison | Undefined:
    """The difference of two independent means, whose variances may differ.

    Claim: if both populations have one mean, p is below any α in about α of samples.

    Inputs: ``a`` and ``b``, the moments of two samples; ``level`` in (0, 1).

    Returns: ``Comparison`` of mean(b) − mean(a) in the values' unit, ``n`` of both; ``Undefined`` for fewer than 2 values on a side and when no
    value on either side differs from the others.

    Assumptions: independent values; many of them where the distribution is skewed.

    Reference: B. L. Welch (1947), "The generalization of Student's problem when several different population variances are involved",
    Biometrika 34, 28–35; error and degrees of freedom as in NIST/SEMATECH e-Handbook, section 7.3.1, for unequal variances.

    Example:

    >>> found = welch_test(Moments.of([1, 2, 3, 4]), Moments.of([3, 5, 7, 9]))
    >>> found.difference.value, round(found.p, 4)
    (3.5, 0.0665)
    """
    require_share(level, "a level")
    estimate = welch_estimate(a, b)
    return estimate if isinstance(estimate, Undefined) else estimate_comparison(estimate, "Welch's t test", level=level)


def welch_estimate(a: Moments, b: Moments) -> Estimate | Undefined:
    """mean(b) − mean(a) with Welch's error and degrees of freedom; ``Undefined`` as for ``welch_test``."""
    for name, side in (("a", a), ("b", b)):
        if side.count < 2:
            return Undefined(f"{side.count or 'no'} values in {name}: at least 2 are needed to see how much they vary")
    return unpaired_estimate(b.mean - a.mean, a.variance, a.count, b.variance, b.count)


def unpaired_estimate(difference: float, a_variance: float, a_count: int, b_variance: float, b_count: int) -> Estimate | Undefined:
    """A difference of two independent means: their variances add, and the degrees of freedom are Satterthwaite's."""
    a_part, b_part = a_variance / a_count, b_variance / b_count
    if a_part + b_part == 0:
        return Undefined("no value differs from the others of its side")
    df = (a_part + b_part) ** 2 / (a_part**2 / (a_count - 1) + b_part**2 / (b_count - 1))
    return Estimate(difference, math.sqrt(a_part + b_part), a_count + b_count, df)


def _every_subset(row: Floats) -> tuple[Floats, Floats]:
    """The sum and the size of each of the 2ⁿ subsets, the empty one first."""
    sums, sizes = np.zeros(1), np.zeros(1)
    for value in row:
        sums, sizes = np.concatenate([sums, sums + value]), np.concatenate([sizes, sizes + 1])
    return sums, sizes


def _random_subsets(row: Floats, rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """The sum and the size of ``count`` subsets, each value in or out with even odds."""
    sums, sizes, step = np.empty(count), np.empty(count), max(1, CELLS // row.size)
    for start in range(0, count, step):
        chosen = rng.integers(0, 2, (min(step, count - start), row.size), dtype=np.int8)
        sums[start : start + step], sizes[start : start + step] = chosen @ row, chosen.sum(axis=1)
    return sums, sizes


def _flip_p(row: Floats, sums: Floats, exact: bool) -> float:
    """The share of flips whose sum is as far from 0 as the sample's; the sample itself counts among random ones.

    Flipping a subset takes twice its sum away: the rest is as far from 0 where that sum is on the far side of 0 or of the total.
    """
    noise, total = _noise(row), float(row.sum())
    as_far = int(((sums <= noise) | (sums >= total - noise) if total >= 0 else (sums >= -noise) | (sums <= total + noise)).sum())
    if abs(total) <= noise:
        return 1.0
    return as_far / sums.size if exact else (as_far + 1) / (sums.size + 1)


def _typical_range(row: Floats, sums: Floats, sizes: Floats, rank: int, exact: bool) -> tuple[float, float]:
    """The subset means of this rank from below and from above: between them, no shift is rejected.

    A random subset is counted with the rest of the sample, as its flip moves the mean both ways.
    """
    if not exact:
        sums, sizes = np.concatenate([sums, row.sum() - sums]), np.concatenate([sizes, row.size - sizes])
    sums = np.where(np.abs(sums) <= _noise(row), 0.0, sums)
    means = np.divide(sums, sizes, out=np.full(sums.size, -np.inf), where=sizes > 0)
    low = np.partition(means, rank - 1)[rank - 1]
    means[sizes == 0] = np.inf
    return float(low), float(np.partition(means, -rank)[-rank])


def _noise(row: Floats) -> float:
    """What rounding may make of sums that are equal."""
    return 1e-12 * float(np.abs(row).sum())
