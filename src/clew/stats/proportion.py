"""Intervals of one proportion that are exact, or Bayesian with a neutral prior; Wilson's stands beside the quantile's ranks."""

from __future__ import annotations

from scipy.special import betaincinv

from clew.stats.checks import require_share, require_trials
from clew.stats.result import DEFAULT_LEVEL, Interval, Undefined


def clopper_pearson_interval(count: int, n: int, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """The exact interval of a proportion.

    Claim: the interval holds the true proportion in at least ``level`` of samples, whatever it is; it is wider than Wilson's for that.

    Inputs: ``count`` hits (0 ≤ count ≤ n) of ``n`` independent trials; ``level`` in (0, 1).

    Returns: ``Interval``: ``value`` = count / n, ``low`` and ``high`` in [0, 1]; ``Undefined`` when n is 0.

    Assumptions: independent trials with one common probability.

    Reference: C. J. Clopper, E. S. Pearson (1934), "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26, 404–413; in its beta form as section 4.2.1 of Brown, Cai, DasGupta (2001), Statistical Science 16, 101–133.

    Example:

    >>> interval = clopper_pearson_interval(3, 10)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0667, 0.6525)
    """
    require_trials(count, n)
    tail = (1 - require_share(level, "a level")) / 2
    if n == 0:
        return Undefined("no cases")
    low = 0.0 if count == 0 else float(betaincinv(count, n - count + 1, tail))
    high = 1.0 if count == n else float(betaincinv(count + 1, n - count, 1 - tail))
    return Interval(count / n, low, high, n, level)


def jeffreys_interval(count: int, n: int, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """The equal-tailed interval of a proportion under Jeffreys' prior.

    Claim: given Beta(½, ½) beforehand, the proportion lies in the interval with probability ``level``; over samples it covers that on average.

    Inputs: ``count`` hits (0 ≤ count ≤ n) of ``n`` independent trials; ``level`` in (0, 1).

    Returns: ``Interval``: ``value`` = count / n, ``low`` = 0 at no hits and ``high`` = 1 at n hits, as is the convention, so that a true
    proportion near the edge is not missed; ``Undefined`` when n is 0.

    Assumptions: independent trials with one common probability.

    Reference: Brown, Cai, DasGupta (2001), "Interval estimation for a binomial proportion", Statistical Science 16, 101–133, section 3.1.3.

    Example:

    >>> interval = jeffreys_interval(3, 10)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0927, 0.6058)
    >>> jeffreys_interval(0, 20).low
    0.0
    """
    require_trials(count, n)
    tail = (1 - require_share(level, "a level")) / 2
    if n == 0:
        return Undefined("no cases")
    low = 0.0 if count == 0 else float(betaincinv(count + 0.5, n - count + 0.5, tail))
    high = 1.0 if count == n else float(betaincinv(count + 0.5, n - count + 0.5, 1 - tail))
    return Interval(count / n, low, high, n, level)
