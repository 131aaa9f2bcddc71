"""Intervals for a proportion and for a quantile, from counts and ranks alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from scipy.special import bdtr, bdtrc, bdtrik

from clew.stats.checks import require_trials
from clew.stats.result import DEFAULT_LEVEL, Interval, Undefined
from clew.stats.score import score_bounds

EXACT_UNTIL = 100_000_000  # values; beyond it the bounds are rounded outwards by one rank of many thousands


@dataclass(frozen=True)
class RankBounds:
    """The ranks (1 = smallest of n) whose values bound a quantile. None where n is too small to bound that side."""

    rank: int
    low: int | None
    high: int | None
    n: int
    level: float = DEFAULT_LEVEL


def wilson_interval(count: int, n: int, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """Wilson's score interval of a proportion.

    Claim: the interval holds the true proportion in about ``level`` of samples, also for small n and for 0 or n hits.

    Inputs: ``count`` hits (0 ≤ count ≤ n) of ``n`` independent trials; ``level`` in (0, 1).

    Returns: ``Interval``: ``value`` = count / n, ``low`` and ``high`` in [0, 1]; ``Undefined`` when n is 0.

    Assumptions: trials are independent with one common probability. Spans of one trace are not quite that: the interval is then too narrow.

    Reference: E. B. Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22, 209–212;
    as equation (4) of Brown, Cai, DasGupta (2001), Statistical Science 16, 101–133.

    Example:

    >>> interval = wilson_interval(3, 10)
    >>> round(interval.low, 4), interval.value, round(interval.high, 4)
    (0.1078, 0.3, 0.6032)
    >>> wilson_interval(0, 0)
    Undefined(reason='no cases')
    """
    if n == 0:
        return Undefined("no cases")
    require_trials(count, n)
    low, high = score_bounds(count / n, n, NormalDist().inv_cdf((1 + level) / 2))
    return Interval(count / n, low, high, n, level)


def quantile_ranks(n: int, q: float, *, level: float = DEFAULT_LEVEL) -> RankBounds | Undefined:
    """The ranks of the order statistics that bound a quantile, whatever the distribution.

    Claim: for independent draws from any distribution, the values at ranks ``low`` and ``high`` hold the true q-quantile between
    them with probability of at least ``level``: at most (1 − level) / 2 is missed on each side.

    Inputs: ``n`` values in the sample; ``q`` in (0, 1); ``level`` in (0, 1).

    Returns: ``RankBounds``: ``rank`` = ⌈nq⌉, the estimate's rank; ``low`` and ``high``, 1-based, or None for a side that n is too small
    to bound (the 99th percentile of 50 values has no upper bound). ``Undefined`` when n is 0.

    Assumptions: independent draws of one distribution; ties make the interval wider, never wrong. For n above 100 million the binomial's
    quantile is taken from the normal approximation, rounded outwards by one rank.

    Reference: H. A. David, H. N. Nagaraja (2003), "Order Statistics", 3rd ed., section 7.1, equation (7.1.2).

    Example:

    >>> quantile_ranks(100, 0.5)
    RankBounds(rank=50, low=40, high=61, n=100, level=0.95)
    >>> quantile_ranks(50, 0.99).high is None
    True
    """
    if not 0 < q < 1:
        raise ValueError(f"a quantile of {q!r}; wanted a number between 0 and 1, both left out")
    if n == 0:
        return Undefined("no values")
    below, above = _binomial_quantiles(n, q, (1 - level) / 2)
    return RankBounds(max(1, math.ceil(n * q - 1e-9)), below if below >= 1 else None, above if above <= n else None, n, level)


def _binomial_quantiles(n: int, q: float, tail: float) -> tuple[int, int]:
    """Ranks (r, s) with P(B < r) ≤ tail and P(B ≥ s) ≤ tail for B ~ Binomial(n, q), the tightest such pair.

    X(r) exceeds the quantile when fewer than r values lie below it; X(s) falls short when at least s do.
    """
    if n > EXACT_UNTIL:
        spread = NormalDist().inv_cdf(1 - tail) * math.sqrt(n * q * (1 - q))
        return math.floor(n * q - spread) - 1, math.ceil(n * q + spread) + 1
    low = max(0, math.ceil(bdtrik(tail, n, q)) - 1)  # bdtrik is real-valued; one step below it, then walk to the exact rank
    while bdtr(low, n, q) <= tail:
        low += 1
    high = min(n, math.ceil(bdtrik(1 - tail, n, q)) + 1)
    while high >= 1 and bdtrc(high - 1, n, q) <= tail:
        high -= 1
    return low, high + 1
