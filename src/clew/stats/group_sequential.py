"""Results that may be looked at a planned number of times: boundaries by recursive integration, and the comparison at one look."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from clew.stats.checks import Floats, require_at_least, require_positive, require_share
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Interval, Undefined

Plan = Literal["pocock", "obrien-fleming", "lan-demets-of", "power"]
PLANS: dict[str, str] = {
    "pocock": "Pocock",
    "obrien-fleming": "O'Brien-Fleming",
    "lan-demets-of": "Lan-DeMets (O'Brien-Fleming-like)",
    "power": "power spending",
}

WIDEST = 37.0  # standard errors; beyond it the normal's tail is no longer a float
SHORTEST_STEP = 0.005  # of the information between looks; the integration gets slow below, and an anytime method fits better
SMALLEST_P = 1e-15  # what a look's p is followed down to


@dataclass(frozen=True)
class Boundaries:
    """At look i the test rejects when |z| ≥ ``critical[i]``; ``spent`` is the error used up to there, both sides together.

    ``information`` is each look's share of the planned whole; ``power`` matters to power spending only.
    """

    critical: tuple[float, ...]
    information: tuple[float, ...]
    spent: tuple[float, ...]
    plan: Plan
    level: float = DEFAULT_LEVEL
    power: float = 2.0


@dataclass(frozen=True)
class _Walk:
    """Brownian motion at one look among the paths that crossed no boundary: weights (of the integral) at its places."""

    time: float
    places: Floats
    weights: Floats


def crossing_probability(critical: Sequence[float], information: Sequence[float]) -> tuple[float, ...]:
    """How often chance alone has crossed one of the boundaries by each look.

    Claim: exact, to about 12 digits, for a normal test statistic with independent increments.

    Inputs: ``critical``: a bound of |z| > 0 for each look; ``information``: each look's share of the whole, growing, above 0 and at most 1.

    Returns: one cumulative probability per look, in [0, 1].

    Assumptions: no difference; never undefined.

    Reference: P. Armitage, C. K. McPherson, B. C. Rowe (1969), "Repeated significance tests on accumulating data", J. Royal Stat. Soc. A
    132, 235–244 (the recursion); C. Jennison, B. W. Turnbull (2000), "Group Sequential Methods", chapter 19.

    Example:

    >>> [round(p, 4) for p in crossing_probability([1.96] * 5, [0.2, 0.4, 0.6, 0.8, 1.0])][-1]
    0.1417
    """
    times = _times(information)
    if len(critical) != len(times) or not all(bound > 0 for bound in critical):
        raise ValueError(f"found {len(critical)} boundaries for {len(times)} looks; wanted one above 0 for each")
    walk, crossed, found = _START, 0.0, []
    for number, (bound, time) in enumerate(zip(critical, times, strict=True)):
        crossed += _exit(walk, time, bound)
        found.append(min(1.0, crossed))
        walk = _go_on(walk, time, bound, times[number + 1] if number + 1 < len(times) else time + 1)
    return tuple(found)


def group_boundaries(
    looks: int | Sequence[float], *, plan: Plan = "lan-demets-of", power: float = 2.0, level: float = DEFAULT_LEVEL
) -> Boundaries:
    """The boundaries of a two-sided group sequential test.

    Claim: under no difference the test crosses one of its boundaries in a share 1 − ``level`` of experiments (spending plans whose last look
    comes before the whole: in the share spent by then).

    Inputs: ``looks``: how many, equally spaced, or each look's share of the planned information, growing, above 0 and at most 1; ``plan``:
    "pocock" (one bound for all looks), "obrien-fleming" (bounds ∝ 1/√information), "lan-demets-of" (error spent like O'Brien-Fleming's),
    "power" (error spent ∝ information^``power``); ``level`` in (0, 1).

    Returns: ``Boundaries``, one bound of |z| per look.

    Assumptions: a normal test statistic with independent increments; for "pocock" and "obrien-fleming" all looks take place as planned.
    Spending plans may move later looks, not choose them by what was seen. Never undefined.

    Reference: S. J. Pocock (1977), Biometrika 64, 191–199; P. C. O'Brien, T. R. Fleming (1979), Biometrics 35, 549–556; K. K. G. Lan,
    D. L. DeMets (1983), Biometrika 70, 659–663 (α₁*, each side with half the error); Jennison, Turnbull (2000), sections 2.4, 2.5, 7.2.

    Example:

    >>> [round(bound, 4) for bound in group_boundaries(3, plan="lan-demets-of").critical]
    [3.7103, 2.5114, 1.993]
    """
    times = _times([(look + 1) / looks for look in range(require_at_least(1, looks, "looks"))] if isinstance(looks, int) else looks)
    if plan not in PLANS:
        raise ValueError(f"found plan {plan!r}; wanted one of {', '.join(map(repr, PLANS))}")
    alpha = 1 - require_share(level, "a level")
    critical, spent = _plan(times, plan, alpha, require_positive(power, "a power"))
    return Boundaries(critical, times, spent, plan, level, power)


def group_sequential_comparison(difference: Estimate, boundaries: Boundaries, *, look: int) -> Comparison | Undefined:
    """A difference at one look of a group sequential test.

    Claim: the interval excludes 0 exactly when |z| reaches the look's bound; the intervals of all looks hold the true difference together in
    at least ``boundaries.level`` of experiments.

    Inputs: ``difference`` b − a with its standard error at this look; ``boundaries`` planned beforehand; ``look`` from 1.

    Returns: ``Comparison``, guarantee "group sequential": the repeated interval, and the repeated p: the smallest error at which this plan
    would reject at this look (down to 1e-15). ``Undefined`` when the estimate has no error.

    Assumptions: as ``group_boundaries``; the estimate is about normal.

    Reference: C. Jennison, B. W. Turnbull (1989), "Interim analyses: the repeated confidence interval approach", J. Royal Stat. Soc. B 51,
    305–361; the same (2000), sections 9.2 and 9.4 (repeated p-values).

    Example:

    >>> result = group_sequential_comparison(Estimate(0.1, 0.04, 500), group_boundaries(5, plan="obrien-fleming"), look=4)
    >>> round(result.difference.low, 4), round(result.p, 4)
    (0.0088, 0.03)
    """
    if not 1 <= look <= len(boundaries.critical) or look != int(look):
        raise ValueError(f"found look {look!r}; wanted one from 1 to {len(boundaries.critical)}")
    if difference.se <= 0:
        return Undefined("the difference has no error: nothing varied")
    half = boundaries.critical[look - 1] * difference.se
    interval = Interval(difference.value, difference.value - half, difference.value + half, difference.n, boundaries.level)
    p = _repeated_p(abs(difference.value) / difference.se, boundaries, look)
    method = f"group sequential, {PLANS[boundaries.plan]}, look {look} of {len(boundaries.critical)}"
    return Comparison(interval, p, difference.n, method, "group sequential")


_START = _Walk(0.0, np.zeros(1), np.ones(1))


def _times(information: Sequence[float]) -> tuple[float, ...]:
    """The looks' shares of the information, checked."""
    times = tuple(float(time) for time in information)
    steps = [later - earlier for earlier, later in zip((0.0, *times), times, strict=False)]
    if not times or min(steps) < SHORTEST_STEP - 1e-9 or times[-1] > 1 + 1e-9:
        raise ValueError(f"found looks at {times!r} of the information; wanted shares that grow by {SHORTEST_STEP} or more, at most to 1")
    return times


def _plan(times: tuple[float, ...], plan: str, alpha: float, power: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The bounds of a plan, and the error spent up to each look."""
    if plan == "power":
        return _by_spending(times, tuple(alpha * min(1.0, time) ** power for time in times))
    if plan == "lan-demets-of":
        quantile = -float(ndtri(alpha / 4))  # a half of the error on each side, and of that a half again in the formula
        return _by_spending(times, tuple(4 * float(ndtr(-quantile / math.sqrt(min(1.0, time)))) for time in times))
    shape = [1.0 if plan == "pocock" else math.sqrt(times[-1] / time) for time in times]

    def excess(constant: float) -> float:
        return crossing_probability([constant * part for part in shape], times)[-1] - alpha

    constant = _root(excess, -float(ndtri(alpha / 2)), -float(ndtri(alpha / 2 / len(times))))  # between one look and Bonferroni's
    critical = tuple(constant * part for part in shape)
    return critical, crossing_probability(critical, times)


def _by_spending(times: tuple[float, ...], spent: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The bounds that spend just so much by each look, found one after the other."""
    walk, critical, before = _START, [], 0.0
    for number, (time, goal) in enumerate(zip(times, spent, strict=True)):
        bound = _bound(walk, time, goal - before)
        critical.append(bound)
        walk = _go_on(walk, time, bound, times[number + 1] if number + 1 < len(times) else time + 1)
        before = goal
    return tuple(critical), spent


def _bound(walk: _Walk, time: float, share: float) -> float:
    """The bound of |z| that ``share`` of all paths cross at this look; the widest where that is too little for a float."""
    if share < _exit(walk, time, WIDEST) or share < 1e-290:
        return WIDEST
    return _root(lambda bound: math.log(max(_exit(walk, time, bound), 1e-300)) - math.log(share), 1e-9, WIDEST)


def _exit(walk: _Walk, time: float, bound: float) -> float:
    """How many of the paths left are beyond ±bound (in z) at ``time``."""
    edge, spread = bound * math.sqrt(time), math.sqrt(time - walk.time)
    above, below = ndtr((walk.places - edge) / spread), ndtr((-walk.places - edge) / spread)
    return float(walk.weights @ (above + below))


def _go_on(walk: _Walk, time: float, bound: float, later: float) -> _Walk:
    """The paths that stay within ±bound at ``time``; as many places as the narrower of the steps before and after asks for."""
    edge, spread = min(bound, 9.0) * math.sqrt(time), math.sqrt(time - walk.time)
    fineness = 2 * edge / math.sqrt(min(time - walk.time, later - time))
    nodes, weights = _gauss_legendre(32 * math.ceil((32 + 2 * fineness) / 32))
    places = edge * nodes
    steps = (places[:, None] - walk.places[None, :]) / spread
    density = np.exp(-(steps**2) / 2) @ walk.weights / (spread * math.sqrt(2 * math.pi))
    return _Walk(time, places, edge * weights * density)


@functools.lru_cache(maxsize=32)
def _gauss_legendre(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights on [−1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function passes 0 between ``low`` and ``high``: false position, the Illinois way; an end where it does not."""
    at_low, at_high = falling(low), falling(high)
    if at_low <= 0 or at_high >= 0:
        return low if at_low <= 0 else high
    side = 0
    for step in range(200):
        middle = (low + high) / 2 if step % 4 == 3 else (low * at_high - high * at_low) / (at_high - at_low)
        value = falling(middle)
        if abs(value) < 1e-13 or high - low < 1e-12:
            return middle
        if value > 0:
            low, at_low, at_high, side = middle, value, at_high / 2 if side > 0 else at_high, 1
        else:
            high, at_high, at_low, side = middle, value, at_low / 2 if side < 0 else at_low, -1
    return (low + high) / 2


def _repeated_p(z: float, boundaries: Boundaries, look: int) -> float:
    """The smallest error at which the plan would reject at this look."""
    times = boundaries.information if boundaries.plan in ("pocock", "obrien-fleming") else boundaries.information[:look]

    def lacking(log_alpha: float) -> float:
        return _plan(times, boundaries.plan, math.exp(log_alpha), boundaries.power)[0][look - 1] - z

    return math.exp(min(0.0, _root(lacking, math.log(SMALLEST_P), -1e-9)))
