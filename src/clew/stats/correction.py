"""A judge's rate put right by human labels: prediction-powered inference, and Rogan and Gladen's formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from clew.stats.checks import Floats, as_values, require_share, require_trials
from clew.stats.mean import estimate_comparison, estimate_interval
from clew.stats.result import DEFAULT_LEVEL, Comparison, Estimate, Interval, Undefined

Drawn = Literal["random", "chosen", "unknown"]
"""How the cases for the human were drawn: at random from all, chosen in some other way, or nobody knows."""

FEW = 50  # human labels; below it the large-sample formulas are not to be leant on
FEW_OF_A_KIND = 10


@dataclass(frozen=True)
class JudgedSample:
    """``human`` and ``judge`` on the same cases in the same order, ``judge_only`` on the cases that no human has seen."""

    human: ArrayLike
    judge: ArrayLike
    judge_only: ArrayLike
    drawn: Drawn = "unknown"


@dataclass(frozen=True)
class Corrected:
    """A mean put right by human labels; the interval's ``n`` counts those.

    ``weight`` is what the judge is leant on (0: not at all, 1: fully); ``judge_alone`` its own mean, uncorrected; ``worth``: as many human
    labels would give the same error without a judge.
    """

    interval: Interval
    estimate: Estimate
    weight: float
    judge_alone: float
    worth: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CorrectedComparison:
    """Two systems compared on corrected means; ``weights`` of the judge for a and b, ``judge_alone``: the judge's own b − a."""

    comparison: Comparison
    weights: tuple[float, float]
    judge_alone: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CorrectedRate:
    """A true rate from a judge's rate, sensitivity and specificity. ``clipped``: the formula left [0, 1], the value is the nearest end."""

    interval: Interval
    se: float
    judge_alone: float
    sensitivity: float
    specificity: float
    clipped: bool
    warnings: tuple[str, ...]


def ppi_mean(sample: JudgedSample, *, level: float = DEFAULT_LEVEL) -> Corrected | Undefined:
    """A mean of human scores, made more exact by a judge's scores on many cases more.

    Claim: the interval holds the mean of what humans would say about all cases in about ``level`` of samples, however wrong the judge is;
    for large samples it is never wider than that of the human scores alone.

    Inputs: ``sample``: n scores of human and judge, N of the judge alone, in one unit; ``level`` in (0, 1).

    Returns: ``Corrected``, all in the scores' unit; ``warnings`` in plain words. ``Undefined`` with fewer than two human scores, none of
    the judge alone, or human scores that are all the same.

    Assumptions: the cases with human scores are a random sample of all, and independent. Student's quantile with n − 1 degrees of freedom
    (the paper: the normal's) and variances with n − 1 below make small samples a little wider; the weight is kept within [0, 1].

    Reference: A. N. Angelopoulos, J. C. Duchi, T. Zrnic (2023), "PPI++: efficient prediction-powered inference", arXiv 2311.01453,
    section 6 (the power-tuned weight), example 6.1 (a mean).

    Example:

    >>> sample = JudgedSample([1, 0, 1, 1, 0, 1], [1, 0, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1], "random")
    >>> corrected = ppi_mean(sample)
    >>> round(corrected.interval.value, 4), round(corrected.weight, 4), round(corrected.judge_alone, 4)
    (0.6667, 0.5037, 0.8333)
    """
    human, judge, only = _rows(sample)
    estimate, weight = _tuned(human, judge, only)
    if isinstance(estimate, Undefined):
        return estimate
    worth = float(human.var(ddof=1)) / estimate.se**2
    alone = _mean_of_judge((human, judge, only))
    return Corrected(estimate_interval(estimate, level=level), estimate, weight, alone, worth, _warnings(human.size, sample.drawn))


def ppi_rate(sample: JudgedSample, *, level: float = DEFAULT_LEVEL) -> Corrected | Undefined:
    """A rate of what humans would say, made more exact by a judge's verdicts on many cases more.

    Claim: as ``ppi_mean``.

    Inputs: ``sample`` with human verdicts of 0 and 1 (the judge's may be probabilities); ``level`` in (0, 1).

    Returns: ``Corrected``, value and bounds kept within [0, 1]. ``Undefined`` as ``ppi_mean``.

    Assumptions: as ``ppi_mean``. With few human verdicts of the rarer kind the interval is too narrow, and says so (simulated: 90 % for
    95 % at a rate of 0.9 with 50 labels, 93 to 95 % with 200).

    Reference: as ``ppi_mean``.

    Example:

    >>> ppi_rate(JudgedSample([1, 1, 1], [1, 0, 1], [1, 0]))
    Undefined(reason='all 3 human scores are the same: their variation is unknown')
    """
    if not np.isin(human := as_values(sample.human, "human scores"), (0, 1)).all():
        raise ValueError(f"found human verdicts from {human.min()!r} to {human.max()!r}; wanted 0 and 1 only")
    found = ppi_mean(sample, level=level)
    if isinstance(found, Undefined):
        return found
    value, low, high = (min(1.0, max(0.0, number)) for number in (found.interval.value, found.interval.low, found.interval.high))
    interval = Interval(value, low, high, found.interval.n, level)
    rare = int(min(human.sum(), human.size - human.sum()))
    few = (f"only {rare} of the human verdicts are of the rarer kind: below {FEW_OF_A_KIND} the interval is too narrow",)
    warnings = found.warnings + (few if rare < FEW_OF_A_KIND else ())
    return Corrected(interval, found.estimate, found.weight, found.judge_alone, found.worth, warnings)


def ppi_difference(
    a: JudgedSample, b: JudgedSample, *, paired: bool = False, level: float = DEFAULT_LEVEL
) -> CorrectedComparison | Undefined:
    """How much b's mean is above a's in human eyes, made more exact by a judge.

    Claim: the interval holds the difference that humans would find on all cases in about ``level`` of samples, however wrong the judge
    is, also where the judge favours one of the two.

    Inputs: ``a`` and ``b``: each system's scores; ``paired``: both have the same cases in the same order (all three rows of a length);
    ``level`` in (0, 1).

    Returns: ``CorrectedComparison``: b − a, in the scores' unit. ``Undefined`` where ``ppi_mean`` of one system is, or paired
    differences do not vary.

    Assumptions: as ``ppi_mean``, for each system; unpaired systems have separate cases, and Satterthwaite's degrees of freedom.

    Reference: as ``ppi_mean``; paired: the same of the differences, case by case.

    Example:

    >>> a = JudgedSample([1, 0, 0, 1, 0, 1], [1, 0, 1, 1, 0, 1], [1, 0, 0, 1, 1, 0, 0, 1], "random")
    >>> b = JudgedSample([1, 1, 0, 1, 1, 1], [1, 1, 1, 1, 0, 1], [1, 1, 1, 1, 1, 0, 1, 1], "random")
    >>> round(ppi_difference(a, b).comparison.difference.value, 4)
    0.3935
    """
    warnings = tuple(dict.fromkeys(_warnings(np.size(a.human), a.drawn) + _warnings(np.size(b.human), b.drawn)))
    rows_a, rows_b = _rows(a), _rows(b)
    if paired:
        if any(one.shape != other.shape for one, other in zip(rows_a, rows_b, strict=True)):
            raise ValueError("found paired systems with rows of different lengths; wanted the same cases for both")
        estimate, weight = _tuned(*(other - one for one, other in zip(rows_a, rows_b, strict=True)))
        if isinstance(estimate, Undefined):
            return estimate
        return CorrectedComparison(
            estimate_comparison(estimate, "PPI++, paired", level=level),
            (weight, weight),
            _mean_of_judge(rows_b) - _mean_of_judge(rows_a),
            warnings,
        )
    (one, weight_a), (other, weight_b) = _tuned(*rows_a), _tuned(*rows_b)
    if isinstance(one, Undefined):
        return one
    if isinstance(other, Undefined):
        return other
    variance = one.se**2 + other.se**2
    df = variance**2 / (one.se**4 / one.df + other.se**4 / other.df)
    difference = Estimate(other.value - one.value, math.sqrt(variance), one.n + other.n, df)
    alone = _mean_of_judge(rows_b) - _mean_of_judge(rows_a)
    return CorrectedComparison(estimate_comparison(difference, "PPI++", level=level), (weight_a, weight_b), alone, warnings)


def rogan_gladen(
    positives: int,
    n: int,
    *,
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    drawn: Drawn = "unknown",
    level: float = DEFAULT_LEVEL,
) -> CorrectedRate | Undefined:
    """The true rate behind a judge's rate, from the judge's sensitivity and specificity as humans measured them.

    Claim: the interval holds the true rate in about ``level`` of samples: it counts the uncertainty of all three rates.

    Inputs: ``positives`` of ``n`` cases by the judge alone; ``sensitivity``: (said yes, truly yes) and ``specificity``: (said no, truly
    no), counts of cases with human labels; ``drawn``: how those were drawn; ``level`` in (0, 1).

    Returns: ``CorrectedRate``: (judge's rate + specificity − 1) / (sensitivity + specificity − 1), kept within [0, 1] and said; ``se`` with
    the variances of all three (before clipping); Lang and Reiczigel's interval, widened to the value where it would leave that out.
    ``Undefined`` without cases of either kind, and when sensitivity + specificity ≤ 1: such a judge tells nothing.

    Assumptions: the judge errs among the n cases as among those with human labels, which are other cases; all are independent.

    Reference: W. J. Rogan, B. Gladen (1978), Am. J. Epidemiology 107, 71–76 (the estimate and its variance); Zs. Lang, J. Reiczigel
    (2014), Preventive Veterinary Medicine 113, 13–22 (the interval).

    Example:

    >>> rate = rogan_gladen(460, 1000, sensitivity=(90, 100), specificity=(80, 100), drawn="random")
    >>> round(rate.interval.value, 4), round(rate.se, 4), round(rate.interval.low, 4), round(rate.interval.high, 4)
    (0.3714, 0.0453, 0.2746, 0.4563)
    """
    for count, of in ((positives, n), sensitivity, specificity):
        require_trials(count, of)
    if lacking := _lacking(n, sensitivity[1], specificity[1]):
        return Undefined(lacking)
    apparent, sens, spec = positives / n, sensitivity[0] / sensitivity[1], specificity[0] / specificity[1]
    youden = sens + spec - 1
    if youden <= 1e-12:
        return Undefined(f"sensitivity {sens:.3g} and specificity {spec:.3g} add up to no more than 1: such a judge tells nothing")
    raw = (apparent + spec - 1) / youden
    value = min(1.0, max(0.0, raw))
    sizes = (n, sensitivity[1], specificity[1])
    se = math.sqrt(_full_variance(raw, (apparent, sens, spec), sizes))
    z = float(ndtri((1 + require_share(level, "a level")) / 2))
    low, high = _lang_reiczigel(positives, n, sensitivity, specificity, z)
    warnings = _warnings(sensitivity[1] + specificity[1], drawn)
    if youden <= z * math.sqrt(sens * (1 - sens) / sizes[1] + spec * (1 - spec) / sizes[2]):
        warnings += ("the judge may be no better than chance: sensitivity + specificity − 1 is not clearly above 0",)
    interval = Interval(value, min(low, value), max(high, value), n, level)
    return CorrectedRate(interval, se, apparent, sens, spec, raw != value, warnings)


def _rows(sample: JudgedSample) -> tuple[Floats, Floats, Floats]:
    """The three rows of a sample, checked."""
    if sample.drawn not in ("random", "chosen", "unknown"):
        raise ValueError(f"found cases drawn {sample.drawn!r}; wanted 'random', 'chosen' or 'unknown'")
    human, judge = as_values(sample.human, "human scores"), as_values(sample.judge, "judge's scores")
    if human.shape != judge.shape:
        raise ValueError(f"found {human.size} human scores and {judge.size} of the judge on the same cases; wanted as many")
    return human, judge, as_values(sample.judge_only, "judge's scores alone")


def _mean_of_judge(rows: tuple[Floats, Floats, Floats]) -> float:
    """What the judge says of all cases, uncorrected."""
    return float(np.concatenate(rows[1:]).mean())


def _tuned(human: Floats, judge: Floats, only: Floats) -> tuple[Estimate | Undefined, float]:
    """The power-tuned estimate and the judge's weight in it."""
    n, more = human.size, only.size
    if n < 2 or more < 1:
        return Undefined(f"{n} human scores and {more} of the judge alone: at least 2 and 1 are needed"), 0.0
    if np.ptp(human) == 0:
        return Undefined(f"all {n} human scores are the same: their variation is unknown"), 0.0
    spread = float(np.concatenate([judge, only]).var(ddof=1))
    together = float(np.cov(human, judge, ddof=0)[0, 1])
    weight = min(1.0, max(0.0, together / spread / (1 + n / more))) if spread > 0 else 0.0
    value = weight * float(only.mean()) + float((human - weight * judge).mean())
    variance = float((human - weight * judge).var(ddof=1)) / n + weight**2 * (float(only.var(ddof=1)) if more > 1 else spread) / more
    if variance <= 0:
        return Undefined("neither the judge's scores nor its errors vary: no error can be given"), weight
    return Estimate(value, math.sqrt(variance), n, n - 1), weight


def _warnings(n: int, drawn: Drawn) -> tuple[str, ...]:
    """What is wrong with the sample of human labels, in plain words."""
    few = (f"only {n} human labels: below {FEW} the interval is not to be leant on",) if n < FEW else ()
    chosen = ("the cases with human labels were not drawn at random: the correction may be off by any amount",)
    unknown = ("nobody said how the cases with human labels were drawn: unless at random, the correction may be off by any amount",)
    return few + {"random": (), "chosen": chosen, "unknown": unknown}[drawn]


def _lacking(n: int, truly: int, truly_not: int) -> str:
    """What there are no cases of, if anything."""
    if n == 0:
        return "no cases judged"
    return "no case is positive in human eyes" if truly == 0 else "no case is negative in human eyes" if truly_not == 0 else ""


def _full_variance(rate: float, shares: tuple[float, float, float], sizes: tuple[float, float, float]) -> float:
    """Rogan and Gladen's variance: of the judge's rate, of sensitivity and of specificity."""
    apparent, sens, spec = (share * (1 - share) / size for share, size in zip(shares, sizes, strict=True))
    return (apparent + rate**2 * sens + (1 - rate) ** 2 * spec) / (shares[1] + shares[2] - 1) ** 2


def _lang_reiczigel(positives: int, n: int, sensitivity: tuple[int, int], specificity: tuple[int, int], z: float) -> tuple[float, float]:
    """Their bounds within [0, 1]: rates drawn towards a half, and a shift for the skewness of the quotient."""
    sizes = (n + z * z, sensitivity[1] + 2, specificity[1] + 2)
    shares = ((positives + z * z / 2) / sizes[0], (sensitivity[0] + 1) / sizes[1], (specificity[0] + 1) / sizes[2])
    youden = shares[1] + shares[2] - 1
    if youden <= 0:
        return 0.0, 1.0
    rate = (shares[0] + shares[2] - 1) / youden
    sens, spec = (share * (1 - share) / size for share, size in zip(shares[1:], sizes[1:], strict=True))
    centre = rate + 2 * z * z * (rate * sens - (1 - rate) * spec)
    half = z * math.sqrt(_full_variance(rate, shares, sizes))
    return min(1.0, max(0.0, centre - half)), min(1.0, max(0.0, centre + half))
