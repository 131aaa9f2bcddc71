"""Intervals by resampling, with the randomness passed in; a quantile's is computed without any."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtr, ndtri

from clew.stats.checks import Floats, as_values, require_at_least, require_share
from clew.stats.interval import quantile_ranks
from clew.stats.result import DEFAULT_LEVEL, Interval, Undefined

CELLS = 1 << 20  # numbers held at once while resampling: 8 MB, and as much again for their indices
RESAMPLES = 9_999

Statistic = Callable[[Floats], Floats]
"""One number for each row of a table of samples (k × n in, k out)."""


@dataclass(frozen=True)
class Replicates:
    """The statistic of the sample and of its resamples, with BCa's two corrections: for bias, and for a spread that changes with the value."""

    value: float
    drawn: Floats
    bias: float = 0.0
    acceleration: float = 0.0

    def quantile(self, tail: float) -> float:
        """The resamples' quantile that stands for ``tail`` after the corrections."""
        step = self.bias + float(ndtri(tail))
        below = 1 - self.acceleration * step
        shifted = self.bias + step / below if below > 0 else math.copysign(math.inf, step)
        return float(np.quantile(self.drawn, float(ndtr(shifted))))

    def p_value(self, null: float) -> float:
        """Two-sided: 1 − the level at which the interval just reaches ``null``; never below what so many resamples can show."""
        count = self.drawn.size
        share = (int((self.drawn < null).sum()) + int((self.drawn == null).sum()) / 2) / count
        reach = float(ndtri(min(max(share, 1 / (count + 1)), count / (count + 1)))) - self.bias
        below = 1 + self.acceleration * reach
        step = reach / below if below > 0 else math.copysign(math.inf, reach)
        return min(1.0, 2 * float(ndtr(-abs(step - self.bias))))


def row_means(samples: Floats) -> Floats:
    """The mean of each row."""
    means: Floats = samples.mean(axis=-1)
    return means


def bootstrap_interval(
    values: ArrayLike,
    *,
    rng: np.random.Generator,
    statistic: Statistic = row_means,
    method: Literal["bca", "percentile"] = "bca",
    resamples: int = RESAMPLES,
    level: float = DEFAULT_LEVEL,
) -> Interval | Undefined:
    """The interval of any statistic of independent values, by drawing from them again with replacement.

    Claim: the statistic over resamples varies about as it varies over samples; BCa also corrects for bias and skew.

    Inputs: ``values``, n numbers; ``rng``, which makes the result repeatable; ``statistic``, one number per row of a k × n table;
    ``method``; ``resamples`` ≥ 1; ``level`` in (0, 1). At most about 24 MB are held at once, and ``resamples`` · n numbers are drawn.

    Returns: ``Interval`` in the statistic's unit; ``Undefined`` for fewer than 2 values, when every resample gives the same number, and by
    BCa when no resample lies on one side of the value.

    Assumptions: independent values; a statistic that is smooth in them. Under some 20 values it covers too little, and never less
    than the extremes of the sample: for maxima and far quantiles it is wrong. BCa leaves out each value once: n² numbers, save for the mean.

    Reference: B. Efron, R. J. Tibshirani (1993), "An Introduction to the Bootstrap", equations (13.5) for percentile, (14.10), (14.14), (14.15)
    for BCa.

    Example:

    >>> interval = bootstrap_interval([1, 2, 3, 4, 5, 6, 7, 8, 9, 30], rng=np.random.default_rng(1))
    >>> interval.low < interval.value == 7.5 < interval.high
    True
    """
    tail = (1 - require_share(level, "a level")) / 2
    found = replicates(as_values(values), rng, statistic, method, resamples)
    if isinstance(found, Undefined):
        return found
    return Interval(found.value, found.quantile(tail), found.quantile(1 - tail), np.size(values), level)


def replicates(
    row: Floats, rng: np.random.Generator, statistic: Statistic, method: Literal["bca", "percentile"], resamples: int
) -> Replicates | Undefined:
    """The statistic of a sample and its resamples, ready for an interval or a test; what is undefined is as for ``bootstrap_interval``."""
    require_at_least(1, resamples, "a number of resamples")
    if method not in ("bca", "percentile"):
        raise ValueError(f"found the method {method!r}; wanted 'bca' or 'percentile'")
    if row.size < 2:
        return Undefined(f"{row.size or 'no'} values: at least 2 are needed to draw from")
    value = float(statistic(row[None, :])[0])
    drawn = np.concatenate([statistic(samples) for samples in _resamples(row, rng, resamples)])
    if np.ptp(drawn) == 0:
        return Undefined("every resample gives the same number")
    if method == "percentile":
        return Replicates(value, drawn)
    share = (int((drawn < value).sum()) + int((drawn <= value).sum())) / (2 * drawn.size)
    if not 0 < share < 1:
        return Undefined("no resample lies on one side of the value: there is nothing to correct its bias by")
    return Replicates(value, drawn, float(ndtri(share)), _acceleration(row, statistic))


def quantile_interval(values: ArrayLike, q: float, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """The interval of a quantile between two of the values themselves, whatever the distribution.

    Claim: the interval holds the true q-quantile in at least ``level`` of samples.

    Inputs: ``values``, n numbers; ``q`` in (0, 1); ``level`` in (0, 1).

    Returns: ``Interval`` in the values' unit: the values at the ranks of ``quantile_ranks``; ``Undefined`` for no values and when n is too small
    to bound a side.

    Assumptions: independent draws of one distribution.

    Reference: H. A. David, H. N. Nagaraja (2003), "Order Statistics", 3rd ed., section 7.1, equation (7.1.2).

    Example:

    >>> quantile_interval(range(1, 101), 0.5)
    Interval(value=50.0, low=40.0, high=61.0, n=100, level=0.95)
    >>> quantile_interval(range(50), 0.99)
    Undefined(reason='50 values are too few to bound the 0.99 quantile from above')
    """
    require_share(level, "a level")
    row = np.sort(as_values(values))
    ranks = quantile_ranks(row.size, q, level=level)
    if isinstance(ranks, Undefined):
        return ranks
    if ranks.low is None or ranks.high is None:
        side = "below" if ranks.low is None else "above"
        return Undefined(f"{row.size} values are too few to bound the {q:g} quantile from {side}")
    value, low, high = (float(row[rank - 1]) for rank in (ranks.rank, ranks.low, ranks.high))
    return Interval(value, low, high, row.size, level)


def quantile_bootstrap_interval(values: ArrayLike, q: float, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """The percentile bootstrap interval of a quantile, computed instead of drawn.

    Claim: these are the ends that infinitely many resamples would give: the rank ⌈nq⌉ value of a resample is at most the i-th value of the
    sample with the probability that at least ⌈nq⌉ of n draws fall among the first i.

    Inputs: ``values``, n numbers; ``q`` in (0, 1); ``level`` in (0, 1).

    Returns: ``Interval`` in the values' unit; ``Undefined`` for fewer than 2 values and when the quantile of every resample would be the same.

    Assumptions: independent draws. It always has both sides, and near the extremes pays for that by covering too little: use
    ``quantile_interval`` where that can be had.

    Reference: B. Efron (1979), "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1–26, section 3 (the median, exactly).

    Example:

    >>> quantile_bootstrap_interval(range(1, 101), 0.5)
    Interval(value=50.0, low=40.0, high=60.0, n=100, level=0.95)
    """
    tail = (1 - require_share(level, "a level")) / 2
    require_share(q, "a quantile")
    row = np.sort(as_values(values))
    n = row.size
    if n < 2:
        return Undefined(f"{n or 'no'} values: at least 2 are needed to draw from")
    if row[0] == row[-1]:
        return Undefined(f"all {n} values are the same")
    rank = max(1, math.ceil(n * q - 1e-9))
    low, high = (math.ceil(n * float(betaincinv(rank, n - rank + 1, share)) - 1e-9) for share in (tail, 1 - tail))
    return Interval(float(row[rank - 1]), float(row[low - 1]), float(row[high - 1]), n, level)


def _resamples(row: Floats, rng: np.random.Generator, count: int) -> Iterator[Floats]:
    """Tables of resamples, one per row, that together are ``count`` and singly stay within ``CELLS``."""
    step = max(1, CELLS // row.size)
    for start in range(0, count, step):
        yield row[rng.integers(0, row.size, (min(step, count - start), row.size))]


def _acceleration(row: Floats, statistic: Statistic) -> float:
    """How fast the spread changes with the value, from leaving out each value once; 0 where that changes nothing."""
    left = (row.sum() - row) / (row.size - 1) if statistic is row_means else np.concatenate([statistic(t) for t in _left_out(row)])
    deviations = left.mean() - left
    squares = float((deviations**2).sum())
    return float((deviations**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0


def _left_out(row: Floats) -> Iterator[Floats]:
    """Tables of the sample without one of its values, one per row."""
    step, columns = max(1, CELLS // row.size), np.arange(row.size - 1)
    for start in range(0, row.size, step):
        missing = np.arange(start, min(start + step, row.size))
        yield row[columns[None, :] + (columns[None, :] >= missing[:, None])]
