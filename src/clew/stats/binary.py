"""Comparisons of yes-or-no outcomes: of the same cases under a and b, and of two independent samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import bdtr, ndtr

from clew.stats.checks import require_at_least, require_share, require_trials
from clew.stats.interval import wilson_interval
from clew.stats.result import DEFAULT_LEVEL, Comparison, Interval, Undefined


@dataclass(frozen=True)
class PairedTable:
    """The same cases under a and b, counted: passed by both, by one alone, by neither; ``merge`` of two parts is the whole."""

    both: int
    only_a: int
    only_b: int
    neither: int

    def __post_init__(self) -> None:
        for count in (self.both, self.only_a, self.only_b, self.neither):
            require_at_least(0, count, "a count of cases")

    @property
    def n(self) -> int:
        """All cases."""
        return self.both + self.only_a + self.only_b + self.neither

    def merge(self, other: PairedTable) -> PairedTable:
        """The table of both sets of cases together."""
        return PairedTable(self.both + other.both, self.only_a + other.only_a, self.only_b + other.only_b, self.neither + other.neither)


def mcnemar_test(table: PairedTable, *, mid_p: bool = False, level: float = DEFAULT_LEVEL) -> Comparison | Undefined:
    """Whether the same cases pass more often under b than under a.

    Claim: if neither is better, a case that only one of them passes is as likely to be a's as b's. The exact p is at most α in at most α of
    samples; the mid-p is near α, and rarely above it.

    Inputs: ``table`` of n cases; ``mid_p`` to count the table itself half; ``level`` in (0, 1).

    Returns: ``Comparison``: the share of cases passed by b minus that by a, with ``newcombe_paired_difference``'s interval, which near the
    threshold may differ from p's verdict; ``Undefined`` when a and b agree on every case.

    Assumptions: independent cases: repetitions of one case are not that.

    Reference: Q. McNemar (1947), Psychometrika 12, 153–157; exact and mid-p as in M. W. Fagerland, S. Lydersen, P. Laake (2013), "The McNemar
    test for binary matched-pairs data", BMC Medical Research Methodology 13:91. With equal counts mid-p is 1, twice a half.

    Example:

    >>> table = PairedTable(both=7, only_a=1, only_b=7, neither=6)
    >>> mcnemar_test(table).p, round(mcnemar_test(table, mid_p=True).p, 4)
    (0.0703125, 0.0391)
    """
    interval = newcombe_paired_difference(table, level=level)
    fewer, differing = min(table.only_a, table.only_b), table.only_a + table.only_b
    if isinstance(interval, Undefined):
        return interval
    if differing == 0:
        return Undefined(f"a and b agree on all {table.n} cases")
    below = fewer - 1 if mid_p else fewer  # mid-p counts the table's own probability once instead of twice
    p = float(bdtr(fewer, differing, 0.5)) + (float(bdtr(below, differing, 0.5)) if below >= 0 else 0.0)
    return Comparison(interval, min(1.0, p), table.n, "McNemar's mid-p test" if mid_p else "McNemar's exact test")


def newcombe_difference(count_a: int, n_a: int, count_b: int, n_b: int, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """The difference of two independent proportions, with Newcombe's hybrid score interval.

    Claim: the interval holds the true difference in about ``level`` of samples, also for small n and for shares near 0 and 1.

    Inputs: ``count_a`` hits of ``n_a`` trials, ``count_b`` of ``n_b``; ``level`` in (0, 1).

    Returns: ``Interval`` of share(b) − share(a), within [−1, 1], ``n`` of both; ``Undefined`` when a side has no trials.

    Assumptions: independent trials, each side with one common probability.

    Reference: R. G. Newcombe (1998), "Interval estimation for the difference between independent proportions", Statistics in Medicine 17,
    873–890, method 10.

    Example:

    >>> interval = newcombe_difference(48, 80, 56, 70)
    >>> round(interval.low, 4), round(interval.value, 4), round(interval.high, 4)
    (0.0524, 0.2, 0.3339)
    """
    require_share(level, "a level")
    require_trials(count_a, n_a)
    require_trials(count_b, n_b)
    a, b = wilson_interval(count_a, n_a, level=level), wilson_interval(count_b, n_b, level=level)
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return Undefined(f"no cases in {'a' if n_a == 0 else 'b'}")
    return _square_and_add(b.value - a.value, a, b, 0.0, n_a + n_b)


def newcombe_paired_difference(table: PairedTable, *, level: float = DEFAULT_LEVEL) -> Interval | Undefined:
    """The difference of two proportions over the same cases, with Newcombe's hybrid score interval.

    Claim: the interval holds the true difference in about ``level`` of samples, also for small n.

    Inputs: ``table`` of n cases; ``level`` in (0, 1).

    Returns: ``Interval`` of share(b) − share(a), within [−1, 1]; ``Undefined`` when there are no cases.

    Assumptions: independent cases: repetitions of one case are not that.

    Reference: R. G. Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions based on paired data",
    Statistics in Medicine 17, 2635–2650, method 10.

    Example:

    >>> interval = newcombe_paired_difference(PairedTable(both=36, only_a=2, only_b=12, neither=0))
    >>> round(interval.low, 4), interval.value, round(interval.high, 4)
    (0.0569, 0.2, 0.3404)
    """
    require_share(level, "a level")
    n = table.n
    a = wilson_interval(table.both + table.only_a, n, level=level)
    b = wilson_interval(table.both + table.only_b, n, level=level)
    if isinstance(a, Undefined) or isinstance(b, Undefined):
        return Undefined("no cases")
    return _square_and_add((table.only_b - table.only_a) / n, a, b, _shrunk_phi(table), n)


def two_proportion_z_test(count_a: int, n_a: int, count_b: int, n_b: int, *, level: float = DEFAULT_LEVEL) -> Comparison | Undefined:
    """The difference of two independent proportions, by the score test.

    Claim: if both proportions are one, p is below any α in about α of samples; z² is Pearson's χ² of the 2 × 2 table.

    Inputs: ``count_a`` hits of ``n_a`` trials, ``count_b`` of ``n_b``; ``level`` in (0, 1).

    Returns: ``Comparison`` of share(b) − share(a), with ``newcombe_difference``'s interval, which near the threshold may differ from p's
    verdict; ``Undefined`` when a side has no trials, and when all trials of both sides came out the same.

    Assumptions: independent trials, and at least about 5 hits and 5 misses to be expected on each side.

    Reference: NIST/SEMATECH e-Handbook, section 7.3.3; K. Pearson (1900), Philosophical Magazine 50, 157–175.

    Example:

    >>> found = two_proportion_z_test(100, 1000, 130, 1000)
    >>> round(found.p, 5), round(found.difference.low, 7), round(found.difference.high, 7)
    (0.03549, 0.0020023, 0.0580705)
    """
    interval = newcombe_difference(count_a, n_a, count_b, n_b, level=level)
    if isinstance(interval, Undefined):
        return interval
    hits, n = count_a + count_b, n_a + n_b
    if hits in (0, n):
        return Undefined(f"all {n} trials came out the same")
    error = math.sqrt(hits / n * ((n - hits) / n) * (1 / n_a + 1 / n_b))
    return Comparison(interval, 2 * float(ndtr(-abs(interval.value) / error)), n, "two-proportion z test")


def _square_and_add(difference: float, a: Interval, b: Interval, phi: float, n: int) -> Interval:
    """Newcombe's ends: the two intervals' distances, added as the sides of a triangle with the correlation ``phi``."""

    def far(up: float, down: float) -> float:
        return math.sqrt(max(0.0, up * up - 2 * phi * up * down + down * down))

    low = difference - far(b.value - b.low, a.high - a.value)
    high = difference + far(b.high - b.value, a.value - a.low)
    return Interval(difference, max(-1.0, low), min(1.0, high), n, a.level)


def _shrunk_phi(table: PairedTable) -> float:
    """The correlation of a and b over cases, a positive one made smaller by a correction for continuity; 0 where a or b never varies."""
    margins = (table.both + table.only_a) * (table.only_b + table.neither) * (table.both + table.only_b) * (table.only_a + table.neither)
    if margins == 0:
        return 0.0
    product = float(table.both * table.neither - table.only_a * table.only_b)
    return (max(0.0, product - table.n / 2) if product > 0 else product) / math.sqrt(margins)
