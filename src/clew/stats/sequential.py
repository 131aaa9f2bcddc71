"""Results that may be looked at whenever one likes: the interval and the p hold at all times together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from clew.stats.checks import Floats, as_values, require_at_least, require_positive, require_share
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Guarantee, Interval, Undefined
from clew.stats.tables import as_counts

BISECTIONS = 60  # halvings of [0, 1]: below the spacing of floats
LONGEST_BET = 0.5  # of the capital, Waudby-Smith and Ramdas' c


@dataclass(frozen=True)
class AnytimeInterval:
    """An interval that holds the truth at all looks together; ``method`` names it as a person would cite it."""

    interval: Interval
    method: str
    guarantee: Guarantee = "anytime"


@dataclass(frozen=True)
class SequentialSampleRatio:
    """Whether members were split as planned: ``p`` small means that they were not. ``log_bayes_factor``: evidence against the plan."""

    p: float
    log_bayes_factor: float
    n: int
    guarantee: Guarantee = "anytime"


def msprt_comparison(
    difference: Estimate, *, mixing_variance: float, previous_p: float = 1.0, level: float = DEFAULT_LEVEL
) -> Comparison | Undefined:
    """The mixture sequential probability ratio test of a difference.

    Claim: under no difference p ever falls to α in at most a share α of experiments, however often one looks; the interval holds the true
    difference at all looks together in at least ``level`` of experiments.

    Inputs: ``difference`` b − a with its standard error (for two arms of n: √(2σ²/n)); ``mixing_variance`` τ² > 0 in the unit squared: about the
    square of the effects one expects, fixed beforehand; ``previous_p``: the p of the look before; ``level`` in (0, 1).

    Returns: ``Comparison``, guarantee "anytime": ``p`` = the smaller of ``previous_p`` and 1/Λ; the interval is this look's own.
    ``Undefined`` when the estimate has no error.

    Assumptions: the estimate is normal with independent increments and a known error: let each arm have some dozens first.

    Reference: R. Johari, P. Koomen, L. Pekelis, D. Walsh (2022), "Always valid inference", Operations Research 70, 1806–1821, section 5
    (the normal mixture): Λ = √(V/(V + nτ²)) · exp(n²τ²δ²/(2V(V + nτ²))) with V/n = se².

    Example:

    >>> result = msprt_comparison(Estimate(0.1, (2 / 1000) ** 0.5, 2000), mixing_variance=0.01)
    >>> round(result.p, 6), round(1 / result.p, 6)
    (0.304997, 3.278722)
    """
    require_positive(mixing_variance, "a mixing variance")
    alpha = 1 - require_share(level, "a level")
    if difference.se <= 0:
        return Undefined("the difference has no error: nothing varied")
    variance = difference.se**2
    total = variance + mixing_variance
    shrink = math.log(total / variance) / 2
    log_ratio = mixing_variance * difference.value**2 / (2 * variance * total) - shrink
    half = math.sqrt(2 * variance * total / mixing_variance * (shrink - math.log(alpha)))
    return _comparison(difference, half, -log_ratio, "mSPRT (Johari et al.)", previous_p, level)


def asymptotic_comparison(
    difference: Estimate, *, best_at: int, previous_p: float = 1.0, level: float = DEFAULT_LEVEL
) -> Comparison | Undefined:
    """The asymptotic confidence sequence of a difference (or of a mean, against 0).

    Claim: the interval holds the truth at all looks together in about ``level`` of experiments, for any distribution with a variance, once
    samples are large; under no difference p ever falls to α in about a share α at most.

    Inputs: ``difference`` with its standard error and n; ``best_at``: the n (counted as in ``difference``) at which the interval should
    be narrowest, fixed beforehand; ``previous_p``: the p of the look before; ``level`` in (0, 1).

    Returns: ``Comparison``, guarantee "anytime"; the interval is this look's own. ``Undefined`` when the estimate has no error.

    Assumptions: independent values; asymptotic: begin to look at some hundreds.

    Reference: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas (2024), "Time-uniform central limit theory and asymptotic
    confidence sequences", Annals of Statistics 52, 2613–2640, theorem 2.2; ρ for ``best_at``: appendix B.2, closed form.

    Example:

    >>> result = asymptotic_comparison(Estimate(0.1, 1 / 5000**0.5, 5000), best_at=5000)
    >>> round(result.difference.high - 0.1, 6)
    0.042924
    """
    require_at_least(1, best_at, "a best n")
    alpha = 1 - require_share(level, "a level")
    if difference.se <= 0:
        return Undefined("the difference has no error: nothing varied")
    seen = difference.n * (math.log(1 - 2 * math.log(alpha)) - 2 * math.log(alpha)) / best_at  # nρ²
    scale = difference.se**2 * (seen + 1) / seen
    half = math.sqrt(2 * scale * (math.log(seen + 1) / 2 - math.log(alpha)))
    log_p = math.log(seen + 1) / 2 - difference.value**2 / (2 * scale)
    return _comparison(difference, half, log_p, "asymptotic confidence sequence (Waudby-Smith et al.)", previous_p, level)


def betting_interval(
    values: ArrayLike, *, bounds: tuple[float, float] = (0.0, 1.0), level: float = DEFAULT_LEVEL
) -> AnytimeInterval | Undefined:
    """The betting confidence sequence of the mean of bounded values.

    Claim: the interval holds the true mean at all looks together in at least ``level`` of experiments, for every sample size and any
    distribution within the bounds.

    Inputs: ``values`` in the order they came; ``bounds`` that no value can pass, known beforehand; ``level`` in (0, 1).

    Returns: ``AnytimeInterval`` in the values' unit and within ``bounds``, for the look after the last value. ``Undefined`` without values.

    Assumptions: every value has the same mean given those before it. Looks at parts of a batch must keep the order.

    Reference: I. Waudby-Smith, A. Ramdas (2024), "Estimating means of bounded random variables by betting", J. Royal Stat. Soc. B 86,
    1–27: hedged capital (theorem 3), predictable plug-in bets (equation (26)), c = 1/2, θ = 1/2.

    Example:

    >>> found = betting_interval([1, 0, 1, 1] * 25).interval
    >>> round(found.low, 4), found.value, round(found.high, 4)
    (0.6076, 0.75, 0.868)
    """
    row, bets = _bets(values, bounds, level)
    if row.size == 0:
        return Undefined("no values")
    goal = math.log(2) - math.log(1 - level)
    low, high = _lowest(row, bets, goal), 1 - _lowest(1 - row, bets, goal)
    start, width, mean = bounds[0], bounds[1] - bounds[0], float(row.mean())
    low, high = start + width * min(mean, low), start + width * max(mean, high)
    return AnytimeInterval(Interval(start + width * mean, low, high, row.size, level), "betting (Waudby-Smith, Ramdas)")


def betting_comparison(
    differences: ArrayLike, *, bounds: tuple[float, float] = (-1.0, 1.0), previous_p: float = 1.0, level: float = DEFAULT_LEVEL
) -> Comparison | Undefined:
    """The betting test that paired differences have mean 0.

    Claim: as ``betting_interval``; under a mean of 0 p ever falls to α in at most a share α of experiments, for every sample size.

    Inputs: ``differences`` b − a of pairs in the order they came; ``bounds`` around 0 that none can pass; ``previous_p``: the p of the look
    before; ``level`` in (0, 1), which also sets the bets.

    Returns: ``Comparison``, guarantee "anytime"; the interval is this look's own. ``Undefined`` without differences.

    Assumptions: as ``betting_interval``.

    Reference: as ``betting_interval``; p = 1 / capital at mean 0.

    Example:

    >>> result = betting_comparison([1, 0, 0, 1, 0, 0, 1, 0] * 10)
    >>> round(result.difference.low, 4), result.p < 0.05
    (0.2128, True)
    """
    if not bounds[0] < 0 < bounds[1]:
        raise ValueError(f"found bounds {bounds!r}; wanted one below and one above 0")
    found = betting_interval(differences, bounds=bounds, level=level)
    if isinstance(found, Undefined):
        return found
    row, bets = _bets(differences, bounds, level)
    null = -bounds[0] / (bounds[1] - bounds[0])
    log_capital = max(_log_capital(row, bets, null), _log_capital(1 - row, bets, 1 - null)) - math.log(2)
    p = min(_share(previous_p), 1.0, math.exp(min(0.0, -log_capital)))
    return Comparison(found.interval, p, row.size, found.method, "anytime")


def sequential_srm(
    counts: ArrayLike, *, shares: Sequence[float] | None = None, concentration: float = 10_000.0, previous_p: float = 1.0
) -> SequentialSampleRatio | Undefined:
    """Whether arms have the members that the plan gives them, at every look.

    Claim: with the planned split p ever falls to α in at most a share α of experiments, however often one looks.

    Inputs: ``counts`` of members per arm so far; ``shares`` planned, in any unit (equal ones if left out); ``concentration`` > 0 of the prior
    around the plan: larger finds small shifts sooner; ``previous_p``: the p of the look before.

    Returns: ``SequentialSampleRatio``: ``p`` = the smaller of ``previous_p`` and 1 / Bayes factor. ``Undefined`` without members.

    Assumptions: each member is assigned independently.

    Reference: M. Lindon, A. Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS 35, section 3 (Bayes factor of a
    Dirichlet-multinomial against the multinomial of the plan).

    Example:

    >>> round(sequential_srm([821588, 815482], concentration=10_000).p, 6)
    0.000156
    """
    require_positive(concentration, "a concentration")
    members = as_counts(counts, "counts")
    plan = np.ones(members.size) if shares is None else as_values(shares, "shares")
    if members.size < 2 or plan.shape != members.shape or (plan <= 0).any():
        raise ValueError(f"found {members.size} arms and {plan.size} planned shares; wanted two arms or more, each with a share above 0")
    n = int(members.sum())
    if n == 0:
        return Undefined("no members yet")
    plan = plan / plan.sum()
    prior = concentration * plan
    log_factor = float(gammaln(concentration) - gammaln(concentration + n) + (gammaln(prior + members) - gammaln(prior)).sum())
    log_factor -= float(members @ np.log(plan))
    return SequentialSampleRatio(min(_share(previous_p), math.exp(min(0.0, -log_factor))), log_factor, n)


def _comparison(difference: Estimate, half: float, log_p: float, method: str, previous_p: float, level: float) -> Comparison:
    """A comparison that holds at any time; p is at most 1 and at most what it was."""
    interval = Interval(difference.value, difference.value - half, difference.value + half, difference.n, level)
    return Comparison(interval, min(_share(previous_p), math.exp(min(0.0, log_p))), difference.n, method, "anytime")


def _share(p: float) -> float:
    """A p, checked."""
    if not 0 <= p <= 1:
        raise ValueError(f"found a p of {p!r} from the look before; wanted a number from 0 to 1")
    return p


def _bets(values: ArrayLike, bounds: tuple[float, float], level: float) -> tuple[Floats, Floats]:
    """The values brought into [0, 1], and the bet on each: made from those before it alone."""
    row = as_values(values)
    if not (math.isfinite(bounds[0]) and math.isfinite(bounds[1]) and bounds[0] < bounds[1]):
        raise ValueError(f"found bounds {bounds!r}; wanted two finite numbers, the lower first")
    if row.size and (row.min() < bounds[0] or row.max() > bounds[1]):
        raise ValueError(f"found values from {row.min()!r} to {row.max()!r}; wanted all within {bounds!r}")
    row = (row - bounds[0]) / (bounds[1] - bounds[0])
    seen = np.arange(1, row.size + 1)
    means = (0.5 + np.cumsum(row)) / (seen + 1)
    variances = (0.25 + np.cumsum((row - means) ** 2)) / (seen + 1)
    before = np.concatenate([[0.25], variances])[: row.size]
    goal = math.log(2) - math.log(1 - require_share(level, "a level"))
    return row, np.sqrt(2 * goal / (before * seen * np.log1p(seen)))


def _log_capital(row: Floats, bets: Floats, mean: float) -> float:
    """What betting that the values lie above ``mean`` has made of 1; falls as ``mean`` grows."""
    return float(np.log1p(np.minimum(bets, LONGEST_BET / max(mean, 1e-300)) * (row - mean)).sum())


def _lowest(row: Floats, bets: Floats, goal: float) -> float:
    """The lowest mean that bets from above have not ruled out."""
    low, high = 0.0, 1.0
    if _log_capital(row, bets, low) < goal:
        return low
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_capital(row, bets, middle) >= goal else (low, middle)
    return low
