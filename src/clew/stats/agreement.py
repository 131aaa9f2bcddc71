"""How far raters agree beyond chance, each with its interval: two raters from a confusion matrix, several from counts per item."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from clew.stats.checks import Floats, require_at_least, require_share
from clew.stats.interval import wilson_interval
from clew.stats.result import DEFAULT_LEVEL, Interval, Undefined
from clew.stats.score import score_bounds
from clew.stats.tables import as_table

Weights = Literal["none", "linear", "quadratic"]
Metric = Literal["nominal", "ordinal", "interval"]
Table = tuple[tuple[int, ...], ...]

DRAWS_AT_ONCE = 2_000_000  # numbers held by one block of bootstrap draws


@dataclass(frozen=True)
class ConfusionMatrix:
    """``counts[i][j]`` items have label i from the first rater (the truth) and j from the second; ``left_out`` lack one of the two."""

    labels: tuple[Hashable, ...]
    counts: Table
    left_out: int = 0


@dataclass(frozen=True)
class RatingCounts:
    """``counts[i][c]`` raters gave label c to item i: items need not have the same number of raters."""

    labels: tuple[Hashable, ...]
    counts: Table


@dataclass(frozen=True)
class Agreement:
    """A coefficient 1 − disagreement / by_chance with its interval, whose ``n`` counts the items; ``method`` says how that was made."""

    interval: Interval
    disagreement: float
    by_chance: float
    left_out: int
    method: str


@dataclass(frozen=True)
class TrueRates:
    """How often a judge says so where it is so (``tpr``), and says no where it is not (``tnr``)."""

    tpr: Interval | Undefined
    tnr: Interval | Undefined
    left_out: int


def confusion_matrix(first: Sequence[Hashable], second: Sequence[Hashable], *, labels: Sequence[Hashable] | None = None) -> ConfusionMatrix:
    """The table of two raters' labels.

    Claim: every item that both have labelled is counted once; None stands for a missing label.

    Inputs: ``first`` (the truth, where one is) and ``second``: one label per item, in the same order; ``labels``: all labels in their
    order, else those that occur, sorted.

    Returns: ``ConfusionMatrix``: rows ``first``, columns ``second``; ``left_out`` counts the items with a label missing.

    Assumptions: none; never undefined (an empty table is one).

    Reference: J. Cohen (1960), "A coefficient of agreement for nominal scales", Educ. Psychol. Measurement 20, 37–46, table 1.

    Example:

    >>> confusion_matrix(["good", "bad", "good", None], ["good", "good", "good", "bad"])
    ConfusionMatrix(labels=('bad', 'good'), counts=((0, 1), (0, 2)), left_out=1)
    """
    if len(first) != len(second):
        raise ValueError(f"found {len(first)} labels of one rater and {len(second)} of the other; wanted both for every item")
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    names = _label_order((label for pair in pairs for label in pair), labels)
    place = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for a, b in pairs:
        table[place[a], place[b]] += 1
    return ConfusionMatrix(names, tuple(map(tuple, table.tolist())), len(first) - len(pairs))


def rating_counts(ratings: Sequence[Sequence[Hashable]], *, labels: Sequence[Hashable] | None = None) -> RatingCounts:
    """How many raters gave each label to each item.

    Claim: keeps all that the coefficients for several raters need; who gave which label does not matter to them.

    Inputs: ``ratings``: for each item the labels it was given, None for a missing one; ``labels``: all labels in their order, else those
    that occur, sorted.

    Returns: ``RatingCounts``, one row per item.

    Assumptions: none; never undefined.

    Reference: J. L. Fleiss (1971), "Measuring nominal scale agreement among many raters", Psychol. Bull. 76, 378–382, table 1.

    Example:

    >>> rating_counts([["a", "a", "b"], ["b", None, "b"]])
    RatingCounts(labels=('a', 'b'), counts=((2, 1), (0, 2)))
    """
    names = _label_order((label for item in ratings for label in item if label is not None), labels)
    place = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(ratings), len(names)), dtype=np.int64)
    for row, item in enumerate(ratings):
        for label in item:
            if label is not None:
                table[row, place[label]] += 1
    return RatingCounts(names, tuple(map(tuple, table.tolist())))


def true_rates(matrix: ConfusionMatrix, positive: Hashable, *, level: float = DEFAULT_LEVEL) -> TrueRates:
    """A judge's sensitivity (TPR) and specificity (TNR) for one label.

    Claim: each interval holds the true rate in about ``level`` of samples.

    Inputs: ``matrix`` with the truth in its rows; ``positive``: one of its labels, against all others together; ``level`` in (0, 1).

    Returns: ``TrueRates``, both as Wilson intervals in [0, 1]. A rate is ``Undefined`` when no item is truly of its kind.

    Assumptions: items are independent draws, and the truth is true.

    Reference: as ``wilson_interval``, with n = the items truly of that kind.

    Example:

    >>> rates = true_rates(ConfusionMatrix(("no", "yes"), ((40, 10), (5, 45))), "yes")
    >>> rates.tpr.value, rates.tnr.value, round(rates.tpr.low, 4)
    (0.9, 0.8, 0.7864)
    """
    table = _square(matrix)
    if positive not in matrix.labels:
        raise ValueError(f"found {positive!r} as the positive label; wanted one of {', '.join(map(repr, matrix.labels))}")
    at = matrix.labels.index(positive)
    positives, negatives = int(table[at].sum()), int(table.sum() - table[at].sum())
    hits, rejections = int(table[at, at]), negatives - int(table[:, at].sum() - table[at, at])
    tpr = (
        wilson_interval(hits, positives, level=require_share(level, "a level"))
        if positives
        else Undefined(f"no item is truly {positive!r}")
    )
    tnr = wilson_interval(rejections, negatives, level=level) if negatives else Undefined(f"every item is truly {positive!r}")
    return TrueRates(tpr, tnr, matrix.left_out)


def cohen_kappa(matrix: ConfusionMatrix, *, weights: Weights | ArrayLike = "none", level: float = DEFAULT_LEVEL) -> Agreement | Undefined:
    """Cohen's kappa of two raters, plain or weighted.

    Claim: 1 for perfect agreement, 0 for what chance gives raters with these shares of labels; the interval holds the true kappa in about
    ``level`` of large samples.

    Inputs: ``matrix`` of two raters, labels in their order; ``weights``: "none" (any difference counts 1), "linear" or "quadratic" in the
    labels' places, or a square table of disagreements (0 on the diagonal, else ≥ 0); ``level`` in (0, 1).

    Returns: ``Agreement``, analytic: the delta method's standard error and the normal quantile; where that error is 0 (all agree),
    Wilson's bounds of the disagreement with the chance part held. ``Undefined`` without items, or when chance leaves nothing to
    disagree about (both raters gave one label only).

    Assumptions: items are independent; below about 50 items the interval is somewhat too narrow. With rare labels kappa may be low though
    raters agree on nearly all items: see ``gwet_ac1``.

    Reference: J. Cohen (1968), Psychol. Bull. 70, 213–220 (weighted kappa as 1 − ratio of disagreements); the standard error:
    J. L. Fleiss, J. Cohen, B. S. Everitt (1969), Psychol. Bull. 72, 323–327, large-sample variance of weighted kappa.

    Example:

    >>> kappa = cohen_kappa(ConfusionMatrix(("a", "b"), ((45, 15), (25, 15)))).interval
    >>> round(kappa.value, 4), round(kappa.low, 4), round(kappa.high, 4)
    (0.1304, -0.0629, 0.3238)
    """
    table = _square(matrix)
    n = int(table.sum())
    costs = _costs(weights, len(matrix.labels))
    if n == 0:
        return Undefined("no items that both raters labelled")
    shares = table / n
    by_first, by_second = costs @ shares.sum(axis=0), shares.sum(axis=1) @ costs
    observed, chance = float((shares * costs).sum()), float(by_first @ shares.sum(axis=1))
    if chance <= 0:
        return Undefined("both raters gave every item the same one label: there is no variation to agree on")
    pull = costs / chance - observed / chance**2 * (by_first[:, None] + by_second[None, :])
    variance = float((shares * pull**2).sum() - (shares * pull).sum() ** 2) / n
    half = float(ndtri((1 + require_share(level, "a level")) / 2)) * math.sqrt(max(0.0, variance))
    return _agreement(observed, chance, half, float(costs.max()), n, level, matrix.left_out, "analytic (Fleiss, Cohen, Everitt 1969)")


def fleiss_kappa(ratings: RatingCounts, *, level: float = DEFAULT_LEVEL) -> Agreement | Undefined:
    """Fleiss' kappa of several raters, who need not be the same ones for each item.

    Claim: 1 for perfect agreement, 0 for what chance gives with these shares of labels; the interval holds the true kappa in about
    ``level`` of large samples.

    Inputs: ``ratings``: counts per item and label; items with one rating count towards the shares of labels only; ``level`` in (0, 1).

    Returns: ``Agreement``, analytic: Gwet's linearised standard error and Student's quantile with items − 1 degrees of freedom (Wilson's
    bounds where that error is 0, as ``cohen_kappa``). ``Undefined`` with fewer than two items that two raters labelled, or one label only.

    Assumptions: items are independent, raters exchangeable. With unequal numbers of raters: Gwet's extension of Fleiss' formula.

    Reference: Fleiss (1971), Psychol. Bull. 76, 378–382, equation (7); K. L. Gwet (2021), "Large-sample variance of Fleiss generalized
    kappa", Educ. Psychol. Measurement 81, 781–790.

    Example:

    >>> kappa = fleiss_kappa(rating_counts([["a", "a", "a"], ["a", "b", "b"], ["b", "b", "b"], ["a", "a", "a"]])).interval
    >>> round(kappa.value, 4)
    0.6571
    """
    return _counted(ratings, _chance_of_fleiss, level)


def gwet_ac1(ratings: RatingCounts, *, level: float = DEFAULT_LEVEL) -> Agreement | Undefined:
    """Gwet's AC1 of two or more raters: agreement beyond chance that stays meaningful when nearly all items have one label.

    Claim: 1 for perfect agreement; chance counts only for items that are hard to label; the interval holds the true AC1 in about
    ``level`` of large samples.

    Inputs: as ``fleiss_kappa``; ``ratings.labels`` must list every label a rater could have given: their number enters the formula.

    Returns: ``Agreement``, analytic as ``fleiss_kappa``. ``Undefined`` with fewer than two items that two raters labelled, or when the
    scale has one label only.

    Assumptions: items are independent, raters exchangeable.

    Reference: K. L. Gwet (2008), "Computing inter-rater reliability and its variance in the presence of high agreement", British J. Math.
    Stat. Psychol. 61, 29–48, section 3.

    Example:

    >>> ratings = RatingCounts(("no", "yes"), ((0, 2),) * 118 + ((1, 1),) * 5 + ((2, 0),) * 2)
    >>> round(gwet_ac1(ratings).interval.value, 4), round(fleiss_kappa(ratings).interval.value, 4)
    (0.957, 0.4237)
    """
    return _counted(ratings, _chance_of_gwet, level)


def krippendorff_alpha(
    ratings: RatingCounts,
    rng: np.random.Generator,
    *,
    metric: Metric = "nominal",
    draws: int = 2000,
    level: float = DEFAULT_LEVEL,
) -> Agreement | Undefined:
    """Krippendorff's alpha: any number of raters, any scale, missing labels allowed.

    Claim: 1 for perfect agreement, 0 when labels do not depend on items; the interval holds the true alpha in about ``level`` of samples
    with many items.

    Inputs: ``ratings``: counts per item and label, labels in their order ("ordinal") or numbers ("interval"); ``rng`` for the bootstrap;
    ``draws`` ≥ 100; ``level`` in (0, 1).

    Returns: ``Agreement``, bootstrap over items: percentiles of ``draws`` resamples (those with one label only passed over; Wilson's
    bounds where all agree, as ``cohen_kappa``); ``left_out`` items have fewer than two labels. ``Undefined`` with fewer than two
    items that count, or one label only.

    Assumptions: items are independent draws; below about 30 items the interval is too narrow.

    Reference: K. Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section C (missing data) and D (metrics);
    A. F. Hayes, K. Krippendorff (2007), Communication Methods and Measures 1, 77–89 (the bootstrap).

    Example:

    >>> ratings = rating_counts([[1, 1, None], [2, 2, 3], [3, 3, 3], [3, 3, 3], [2, 2, 2], [1, 2, 3], [4, 4, 4], [1, 1, 2], [2, None, 2]])
    >>> round(krippendorff_alpha(ratings, np.random.default_rng(1), metric="ordinal").interval.value, 4)
    0.7555
    """
    require_at_least(100, draws, "draws")
    require_share(level, "a level")
    table, positions = _counts_table(ratings), _positions(ratings, metric)
    table, left_out = table[table.sum(axis=1) >= 2], int((table.sum(axis=1) < 2).sum())
    n = len(table)
    if n < 2:
        return Undefined(f"{n or 'no'} item{'' if n == 1 else 's'} with two labels or more: alpha needs two")
    observed, chance, worst = (float(part[0]) for part in _disagreements(table, np.ones((1, n)), positions, metric))
    if chance <= 0:
        return Undefined("every item has the same one label: there is no variation to agree on")
    method = f"bootstrap over items, {draws} draws"
    again = _resampled(table, positions, metric, draws, rng)
    low, high = (float(bound) for bound in np.quantile(again, [(1 - level) / 2, (1 + level) / 2])) if again.size else (1.0, 1.0)
    value = 1 - observed / chance
    if observed == 0 or low == high:
        return _agreement(observed, chance, 0.0, worst, n, level, left_out, method)
    return Agreement(Interval(value, min(low, value), max(high, value), n, level), observed, chance, left_out, method)


def _label_order(found: Iterable[Hashable], labels: Sequence[Hashable] | None) -> tuple[Hashable, ...]:
    """The labels given, when they hold all that occur; else those that occur, sorted."""
    seen = set(found)
    if labels is None:
        try:
            return tuple(sorted(seen))  # type: ignore[type-var]  # what has no order is refused below
        except TypeError:
            raise ValueError("found labels of several types, which have no order; wanted `labels` in their order") from None
    if len(set(labels)) != len(labels):
        raise ValueError("found a label twice in `labels`; wanted each once")
    if unknown := seen - set(labels):
        raise ValueError(f"found {sorted(map(repr, unknown))[0]} among the ratings; wanted one of {', '.join(map(repr, labels))}")
    return tuple(labels)


def _square(matrix: ConfusionMatrix) -> Floats:
    """The counts of a confusion matrix, checked."""
    table = as_table(matrix.counts, len(matrix.labels), "a confusion matrix")
    if len(table) != len(matrix.labels):
        raise ValueError(f"found a confusion matrix of {len(table)} rows; wanted one for each of {len(matrix.labels)} labels")
    return table


def _counts_table(ratings: RatingCounts) -> Floats:
    """The counts of ratings, checked."""
    return as_table(ratings.counts, len(ratings.labels), "ratings")


def _costs(weights: Weights | ArrayLike, labels: int) -> Floats:
    """What each pair of labels counts as disagreement."""
    apart = np.abs(np.subtract.outer(np.arange(labels), np.arange(labels))).astype(np.float64)
    if isinstance(weights, str):
        if weights not in ("none", "linear", "quadratic"):
            raise ValueError(f"found weights {weights!r}; wanted 'none', 'linear', 'quadratic' or a table")
        return np.minimum(apart, 1) if weights == "none" else apart ** (2 if weights == "quadratic" else 1)
    costs = np.asarray(weights, dtype=np.float64)
    if costs.shape != apart.shape or not np.isfinite(costs).all() or (costs < 0).any() or costs.diagonal().any():
        raise ValueError(f"found weights of shape {costs.shape!r}; wanted {labels} × {labels} numbers ≥ 0 with 0 on the diagonal")
    return costs


def _agreement(observed: float, chance: float, half: float, worst: float, n: int, level: float, left_out: int, method: str) -> Agreement:
    """The coefficient with its interval; ``worst`` is what the largest disagreement about an item counts."""
    value = 1 - observed / chance
    low, high = value - half, value + half
    share = min(1.0, max(0.0, observed / worst))
    if half < 1e-6:  # none but rounding
        least, most = score_bounds(share, n, float(ndtri((1 + level) / 2)))
        low, high = 1 - most * worst / chance, 1 - least * worst / chance
    interval = Interval(value, min(value, max(-1.0, low)), max(value, min(1.0, high)), n, level)
    return Agreement(interval, observed, chance, left_out, method)


def _chance_of_fleiss(shares: Floats, marks: Floats) -> tuple[float, Floats]:
    """Agreement by chance, and each item's part in it (``marks``: the item's own shares of labels)."""
    return float(shares @ shares), marks @ shares


def _chance_of_gwet(shares: Floats, marks: Floats) -> tuple[float, Floats]:
    """Agreement by chance, and each item's part in it."""
    labels = shares.size
    return float(shares @ (1 - shares)) / (labels - 1), marks @ (1 - shares) / (labels - 1)


def _counted(ratings: RatingCounts, chance_of: Callable[[Floats, Floats], tuple[float, Floats]], level: float) -> Agreement | Undefined:
    """A coefficient from counts per item, with Gwet's linearised standard error."""
    table = _counts_table(ratings)
    table = table[table.sum(axis=1) >= 1]
    raters = table.sum(axis=1)
    n, several = len(table), raters >= 2
    paired = int(several.sum())
    left_out = len(ratings.counts) - paired
    if paired < 2:
        return Undefined(f"{paired or 'no'} item{'' if paired == 1 else 's'} with two labels or more: agreement needs two")
    if len(ratings.labels) < 2:
        return Undefined("the scale has one label only: there is no variation to agree on")
    marks = table / raters[:, None]
    chance, chances = chance_of(marks.mean(axis=0), marks)
    if chance >= 1 - 1e-12:
        return Undefined("every item has the same one label: there is no variation to agree on")
    agreed = np.where(several, (table * (table - 1)).sum(axis=1) / np.where(several, raters * (raters - 1), 1), 0.0)
    value = (float(agreed.sum()) / paired - chance) / (1 - chance)
    own = np.where(several, n / paired * (agreed - chance), 0.0) / (1 - chance)
    linear = own - 2 * (1 - value) * (chances - chance) / (1 - chance)
    se = math.sqrt(float(((linear - value) ** 2).sum()) / n / (n - 1))
    half = float(stdtrit(n - 1, (1 + require_share(level, "a level")) / 2)) * se
    return _agreement(1 - float(agreed.sum()) / paired, 1 - chance, half, 1.0, paired, level, left_out, "analytic (Gwet 2008, 2021)")


def _positions(ratings: RatingCounts, metric: Metric) -> Floats:
    """Where the labels stand on the scale; the metrics of names and of ranks need no more than their number."""
    if metric not in ("nominal", "ordinal", "interval"):
        raise ValueError(f"found metric {metric!r}; wanted 'nominal', 'ordinal' or 'interval'")
    if metric != "interval":
        return np.arange(len(ratings.labels), dtype=np.float64)
    if not all(isinstance(label, (int, float)) and math.isfinite(label) for label in ratings.labels):
        raise ValueError("found labels that are not numbers; wanted finite numbers for the interval metric")
    return np.array(ratings.labels, dtype=np.float64)


def _disagreements(table: Floats, times: Floats, positions: Floats, metric: Metric) -> tuple[Floats, Floats, Floats]:
    """Observed, expected (0 with one label only) and largest disagreement, for each draw of the items so many ``times`` (draws × items).

    Pairs are never spelled out: in a group of m values those squared apart add up to 2 (m · the sum of squares − the sum, squared).
    """
    totals, raters = times @ table, table.sum(axis=1)
    n = totals.sum(axis=1)
    if metric == "nominal":
        observed = times @ ((raters**2 - (table**2).sum(axis=1)) / (raters - 1)) / n
        expected = (n**2 - (totals**2).sum(axis=1)) / (n * (n - 1))
        worst = np.ones(len(times))
    else:
        places = np.cumsum(totals, axis=1) - totals / 2 if metric == "ordinal" else np.broadcast_to(positions, totals.shape)
        worst = np.ptp(places, axis=1) ** 2
        places = places - ((totals * places).sum(axis=1) / n)[:, None]
        apart = 2 * (raters * (places**2 @ table.T) - (places @ table.T) ** 2) / (raters - 1)
        observed = (times * apart).sum(axis=1) / n
        expected = 2 * (totals * places**2).sum(axis=1) / (n - 1)
    expected = np.where((totals > 0).sum(axis=1) > 1, expected, 0.0)
    return np.where(observed > 1e-12 * expected, observed, 0.0), expected, worst  # less than that is rounding


def _resampled(table: Floats, positions: Floats, metric: Metric, draws: int, rng: np.random.Generator) -> Floats:
    """Alpha of resamples of the items, where it is defined."""
    n = len(table)
    found: list[Floats] = []
    block = max(1, min(draws, DRAWS_AT_ONCE // max(table.shape)))
    for start in range(0, draws, block):
        times = rng.multinomial(n, np.full(n, 1 / n), size=min(block, draws - start)).astype(np.float64)
        observed, expected, _ = _disagreements(table, times, positions, metric)
        found.append(1 - observed[expected > 0] / expected[expected > 0])
    return np.concatenate(found)
