"""How reliable a system is over repetitions: pass@k and pass^k, where the variance lies, and what more runs would buy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from clew.stats.checks import Floats, Labels, Whole, as_clusters, as_values, require_at_least, require_share
from clew.stats.result import DEFAULT_LEVEL, Interval, Undefined
from clew.stats.score import score_bounds
from clew.stats.tables import as_counts


@dataclass(frozen=True)
class PassRate:
    """pass@k or pass^k over cases: ``left_out`` cases had fewer than k repetitions; the interval's error is between ``clusters``."""

    interval: Interval
    se: float
    k: int
    cases: int
    left_out: int
    clusters: int


@dataclass(frozen=True)
class VarianceSplit:
    """The variance of one run: between cases and within a case. ``floored``: the estimate between cases was below 0 and is given as 0."""

    between: float
    within: float
    share_between: float
    cases: int
    runs: int
    floored: bool


@dataclass(frozen=True)
class PlannedError:
    """The standard error of a mean over cases.

    ``se``: for new cases of the same kind; ``same_cases``: for these very cases, run again; ``endless_repetitions``: what no number of
    repetitions can get below. ``runs`` is what it costs.
    """

    se: float
    same_cases: float
    endless_repetitions: float
    runs: int


def pass_at_k(
    successes: ArrayLike, repetitions: ArrayLike, k: int, *, clusters: Labels | None = None, level: float = DEFAULT_LEVEL
) -> PassRate | Undefined:
    """pass@k: how often at least one of k tries succeeds.

    Claim: the mean over cases of 1 − C(n−c, k) / C(n, k) has the probability that one of k tries succeeds as its expectation, for any
    n ≥ k; the interval holds the mean over all cases of this kind in about ``level`` of samples.

    Inputs: ``successes`` c and ``repetitions`` n, one whole number per case (0 ≤ c ≤ n); ``k`` ≥ 1 tries; ``clusters``: a label per case
    for cases that go together (variants of one task), else every case stands alone; ``level`` in (0, 1).

    Returns: ``PassRate``: ``interval`` in [0, 1] with ``n`` = the cases used, ``se``, ``left_out`` cases with n < k. ``Undefined`` when no
    case has k repetitions or all that have belong to one cluster.

    Assumptions: clusters are independent draws of their kind; the tries at a case are exchangeable. Score interval with the effective
    number of cases value·(1−value)/se², at most the number of runs (the number of clusters where all cases came out at 0 or at 1).

    Reference: M. Chen et al. (2021), "Evaluating large language models trained on code", arXiv 2107.03374, equation (1); the interval:
    N. Dean, M. Pagano (2015), J. Survey Statistics and Methodology 3, 484–503, section 2 (Wilson's interval, clustered).

    Example:

    >>> rate = pass_at_k([0, 1, 2, 4], [4, 4, 4, 4], 2)
    >>> round(rate.interval.value, 4), round(rate.interval.low, 4), round(rate.interval.high, 4)
    (0.5833, 0.1203, 0.9348)
    """
    wins, tries, groups = _cases(successes, repetitions, k, clusters)
    enough = tries >= k
    return _pass_rate(1 - _all_of_k(tries - wins, tries, k, enough), tries, groups, enough, k, require_share(level, "a level"))


def pass_hat_k(
    successes: ArrayLike, repetitions: ArrayLike, k: int, *, clusters: Labels | None = None, level: float = DEFAULT_LEVEL
) -> PassRate | Undefined:
    """pass^k: how often all of k tries succeed.

    Claim: the mean over cases of C(c, k) / C(n, k) has the probability that k of k tries succeed as its expectation, for any n ≥ k; the
    interval holds the mean over all cases of this kind in about ``level`` of samples.

    Inputs: as ``pass_at_k``.

    Returns: as ``pass_at_k``. ``Undefined`` when no case has k repetitions or all that have belong to one cluster.

    Assumptions: as ``pass_at_k``.

    Reference: S. Yao et al. (2024), "τ-bench", arXiv 2406.12045, section 4 (the definition of pass^k); the interval as ``pass_at_k``.

    Example:

    >>> rate = pass_hat_k([0, 1, 2, 4], [4, 4, 4, 4], 2)
    >>> round(rate.interval.value, 4), rate.left_out
    (0.2917, 0)
    >>> pass_hat_k([1, 1], [1, 1], 2)
    Undefined(reason='no case has 2 repetitions')
    """
    wins, tries, groups = _cases(successes, repetitions, k, clusters)
    enough = tries >= k
    return _pass_rate(_all_of_k(wins, tries, k, enough), tries, groups, enough, k, require_share(level, "a level"))


def split_variance(values: Sequence[Sequence[float]]) -> VarianceSplit | Undefined:
    """How much of a run's variance lies between cases and how much within a case.

    Claim: both parts are unbiased under a one-way random-effects model, also when cases have unequal repetitions (before the floor at 0).

    Inputs: ``values``: for each case the scores of its repetitions, in any unit; cases without a value are passed over.

    Returns: ``VarianceSplit``: ``between`` and ``within`` in the unit squared, ``share_between`` in [0, 1] (the intraclass correlation:
    1 = a case always gives the same score). ``Undefined`` with fewer than two cases, no case run twice, or no variation at all.

    Assumptions: cases are independent draws; a case's repetitions are independent with one common variance. For 0/1 scores the variance
    within is that of an average case.

    Reference: S. R. Searle, G. Casella, C. E. McCulloch (1992), "Variance Components", section 3.6 (ANOVA estimators, unbalanced data).

    Example:

    >>> split = split_variance([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> round(split.within, 4), round(split.between, 4), round(split.share_between, 4)
    (6.2639, 1.2444, 0.1657)
    """
    rows = [row for row in (as_values(case, "scores") for case in values) if row.size]
    means = np.array([row.mean() for row in rows])
    squares = np.array([float(((row - row.mean()) ** 2).sum()) for row in rows])
    return _split(np.array([row.size for row in rows], dtype=np.int64), means, squares)


def split_variance_of_counts(successes: ArrayLike, repetitions: ArrayLike) -> VarianceSplit | Undefined:
    """As ``split_variance``, from the successes of each case: a run's score is 1 or 0.

    Claim: gives what ``split_variance`` gives for the single runs.

    Inputs: ``successes`` c and ``repetitions`` n, one whole number per case (0 ≤ c ≤ n).

    Returns: ``VarianceSplit`` of the 0/1 scores. ``Undefined`` as ``split_variance``.

    Assumptions: as ``split_variance``.

    Reference: as ``split_variance``; within a case the sum of squares is c·(n − c)/n.

    Example:

    >>> split = split_variance_of_counts([0, 1, 2, 4], [4, 4, 4, 4])
    >>> round(split.between, 4), round(split.within, 4)
    (0.1458, 0.1458)
    """
    wins, tries, _ = _cases(successes, repetitions, 1, None)
    wins, tries = wins[tries > 0], tries[tries > 0]
    return _split(tries, wins / tries, wins * (tries - wins) / tries)


def planned_error(split: VarianceSplit, *, cases: int, repetitions: int) -> PlannedError:
    """What a mean's standard error would be with so many cases and repetitions.

    Claim: the mean over ``cases`` cases of ``repetitions`` runs each has the variance (between + within / repetitions) / cases.

    Inputs: ``split`` as measured; ``cases`` ≥ 1; ``repetitions`` of each case ≥ 1.

    Returns: ``PlannedError``, in the unit of the scores: more repetitions shrink only the part within.

    Assumptions: new cases are of the same kind; the two variances are taken as known, though they were estimated.

    Reference: Searle, Casella, McCulloch (1992), "Variance Components", section 3.4 (variance of a mean in the balanced one-way model);
    E. Miller (2024), "Adding error bars to evals", arXiv 2411.00640, section 3.1 (repetitions of the same question).

    Example:

    >>> split = split_variance_of_counts([0, 1, 2, 4], [4, 4, 4, 4])
    >>> [round(planned_error(split, cases=100, repetitions=r).se, 4) for r in (1, 4, 100)]
    [0.054, 0.0427, 0.0384]
    """
    if cases < 1 or repetitions < 1:
        raise ValueError(f"found {cases!r} cases with {repetitions!r} repetitions; wanted at least 1 of each")
    return PlannedError(
        math.sqrt((split.between + split.within / repetitions) / cases),
        math.sqrt(split.within / repetitions / cases),
        math.sqrt(split.between / cases),
        cases * repetitions,
    )


def _cases(successes: ArrayLike, repetitions: ArrayLike, k: int, clusters: Labels | None) -> tuple[Whole, Whole, Whole]:
    """Successes, repetitions and the cluster's number of each case, checked."""
    wins, tries = as_counts(successes, "successes"), as_counts(repetitions, "repetitions")
    if wins.shape != tries.shape:
        raise ValueError(f"found successes of {wins.size} cases and repetitions of {tries.size}; wanted both for every case")
    if (wrong := wins > tries).any():
        raise ValueError(f"found {wins[wrong][0]} successes in {tries[wrong][0]} repetitions; wanted 0 ≤ successes ≤ repetitions")
    require_at_least(1, k, "a k")
    groups = np.arange(wins.size) if clusters is None else as_clusters(clusters, wins.size)[0]
    return wins, tries, groups


def _all_of_k(marked: Whole, tries: Whole, k: int, enough: NDArray[np.bool_]) -> Floats:
    """C(marked, k) / C(tries, k) for each case with k tries or more: that all of k drawn without replacement are marked."""
    steps = np.arange(k)
    left = np.maximum(marked[enough, None] - steps, 0)
    return np.asarray((left / (tries[enough, None] - steps)).prod(axis=1), dtype=np.float64)


def _pass_rate(values: Floats, tries: Whole, groups: Whole, enough: NDArray[np.bool_], k: int, level: float) -> PassRate | Undefined:
    """The mean of the cases' values with its clustered interval."""
    cases = int(values.size)
    if cases == 0:
        return Undefined("no cases" if tries.size == 0 else f"no case has {k} repetition{'s' if k > 1 else ''}")
    sums = np.bincount(groups[enough], weights=values - values.mean())
    clusters = int(np.unique(groups[enough]).size)
    if clusters < 2:
        return Undefined("one case alone: an interval over cases needs two" if cases == 1 else "all cases belong to one cluster")
    value = float(min(1.0, max(0.0, values.mean())))
    se = math.sqrt(clusters / (clusters - 1) * float((sums**2).sum())) / cases
    low, high = _score_bounds(value, se, clusters, int(tries[enough].sum()), level)
    return PassRate(Interval(value, low, high, cases, level), se, k, cases, int(tries.size - cases), clusters)


def _score_bounds(value: float, se: float, clusters: int, runs: int, level: float) -> tuple[float, float]:
    """Wilson's bounds with an effective number of trials and Student's quantile for the number of clusters."""
    spread = value * (1 - value)
    trials = float(clusters) if spread == 0 else min(float(runs), spread / se**2 if se > 0 else math.inf)
    return score_bounds(value, trials, float(stdtrit(clusters - 1, (1 + level) / 2)))


def _split(tries: Whole, means: Floats, squares: Floats) -> VarianceSplit | Undefined:
    """The ANOVA estimators from each case's repetitions, mean and sum of squares about it."""
    cases, runs = int(tries.size), int(tries.sum())
    if cases < 2:
        return Undefined(f"{cases or 'no'} case{'' if cases == 1 else 's'}: the variance between cases needs two")
    if runs == cases:
        return Undefined("no case was run twice: the variance within a case is unknown")
    between_squares = float((tries * (means - (tries * means).sum() / runs) ** 2).sum())
    within = float(squares.sum()) / (runs - cases)
    typical = (runs - float((tries**2).sum()) / runs) / (cases - 1)
    between = (between_squares / (cases - 1) - within) / typical
    if within <= 0 and between <= 0:
        return Undefined("every run gave the same score: there is no variation to split")
    kept = max(0.0, between)
    return VarianceSplit(kept, within, kept / (kept + within), cases, runs, between < 0)
