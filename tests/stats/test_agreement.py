"""Coefficients of agreement against published examples, statsmodels, scikit-learn and krippendorff, and by simulation.

Values marked irrCAC come from the PyPI package irrCAC 0.4.4, run once on the same data.
"""

from __future__ import annotations

import doctest
from collections.abc import Callable
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

import clew.stats.agreement
from clew.stats.agreement import (
    Agreement,
    ConfusionMatrix,
    RatingCounts,
    cohen_kappa,
    confusion_matrix,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    rating_counts,
    true_rates,
)
from clew.stats.interval import wilson_interval
from clew.stats.result import Interval, Undefined

# Krippendorff (2011), section C: four observers, twelve units, labels missing; also Gwet's "cac.raw4raters".
KRIPPENDORFF = [
    [1, 1, None, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [None, 5, 5, 5], [None, None, 1, 1], [None, None, 3, None],
]  # fmt: skip
# Fleiss (1971), table 1: 30 patients, 6 psychiatrists, 5 diagnoses.
FLEISS = RatingCounts(
    ("depression", "personality disorder", "schizophrenia", "neurosis", "other"),
    (
        (0, 0, 0, 6, 0), (0, 3, 0, 0, 3), (0, 1, 4, 0, 1), (0, 0, 0, 0, 6), (0, 3, 0, 3, 0), (2, 0, 4, 0, 0),
        (0, 0, 4, 0, 2), (2, 0, 3, 1, 0), (2, 0, 0, 4, 0), (0, 0, 0, 0, 6), (1, 0, 0, 5, 0), (1, 1, 0, 4, 0),
        (0, 3, 3, 0, 0), (1, 0, 0, 5, 0), (0, 2, 0, 3, 1), (0, 0, 5, 0, 1), (3, 0, 0, 1, 2), (5, 1, 0, 0, 0),
        (0, 2, 0, 4, 0), (1, 0, 2, 0, 3), (0, 0, 0, 0, 6), (0, 1, 0, 5, 0), (0, 2, 0, 1, 3), (2, 0, 0, 4, 0),
        (1, 0, 0, 4, 1), (0, 5, 0, 1, 0), (4, 0, 0, 0, 2), (0, 2, 0, 4, 0), (1, 0, 5, 0, 0), (0, 0, 0, 0, 6),
    ),
)  # fmt: skip
COHEN = ConfusionMatrix(("1", "2", "3"), ((88, 14, 18), (10, 40, 10), (2, 6, 12)))  # Cohen (1960), table 1, of 200

TABLES = st.integers(2, 4).flatmap(lambda q: st.lists(st.lists(st.integers(0, 9), min_size=q, max_size=q), min_size=q, max_size=q))
RATINGS = st.lists(st.lists(st.sampled_from([None, 1, 2, 4]), min_size=3, max_size=3), min_size=2, max_size=10)


def matrix_of(table: list[list[int]]) -> ConfusionMatrix:
    return ConfusionMatrix(tuple(range(len(table))), tuple(map(tuple, table)))


def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def defined(result: Agreement | Undefined) -> Agreement:
    assert isinstance(result, Agreement)
    return result


def several(ratings: RatingCounts) -> list[Agreement | Undefined]:
    alphas = [krippendorff_alpha(ratings, rng(), metric=metric, draws=100) for metric in ("nominal", "ordinal", "interval")]
    return [fleiss_kappa(ratings), gwet_ac1(ratings), *alphas]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(clew.stats.agreement).failed == 0


def test_cohen_1960_and_1968() -> None:
    plain = defined(cohen_kappa(COHEN))
    assert plain.interval.value == pytest.approx(0.4915, abs=5e-5)  # .492 in the paper
    weighted = defined(cohen_kappa(COHEN, weights=[[0, 1, 3], [1, 0, 6], [3, 6, 0]]))
    assert weighted.interval.value == pytest.approx(0.3478, abs=5e-5)  # .348 in the paper


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # statsmodels divides by an error of 0
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
@settings(deadline=None)
@given(table=TABLES)
def test_kappa_and_its_error_are_those_of_statsmodels_and_scikit_learn(weights: Any, table: list[list[int]]) -> None:
    counts = np.array(table)
    kappa = cohen_kappa(matrix_of(table), weights=weights)
    if isinstance(kappa, Undefined):
        assert counts.sum() == 0 or ((counts.sum(axis=0) > 0).sum() == 1 and (counts.sum(axis=1) > 0).sum() == 1)
        return
    theirs = inter_rater.cohens_kappa(counts, wt=None if weights == "none" else weights)
    assert kappa.interval.value == pytest.approx(theirs.kappa, abs=1e-10)
    first, second = np.repeat(np.indices(counts.shape).reshape(2, -1), counts.ravel(), axis=1)
    names = None if weights == "none" else weights
    assert kappa.interval.value == pytest.approx(cohen_kappa_score(first, second, labels=range(len(table)), weights=names), abs=1e-10)
    low, high = kappa.interval.value - 1.959964 * theirs.std_kappa, kappa.interval.value + 1.959964 * theirs.std_kappa
    if theirs.std_kappa > 1e-6:
        assert kappa.interval.low == pytest.approx(max(-1, low), abs=1e-5)
        assert kappa.interval.high == pytest.approx(min(1, high), abs=1e-5)
    assert -1 - 1e-9 <= kappa.interval.low <= kappa.interval.value <= kappa.interval.high <= 1


@settings(deadline=None)
@given(TABLES, st.randoms(use_true_random=False))
def test_kappa_does_not_mind_which_rater_comes_first_or_what_labels_are_called(table: list[list[int]], random: Any) -> None:
    order = random.sample(range(len(table)), len(table))
    kappa = cohen_kappa(matrix_of(table))
    turned = cohen_kappa(matrix_of([[table[j][i] for j in order] for i in order]))
    if isinstance(kappa, Undefined):
        assert turned == kappa
        return
    assert defined(turned).interval.value == pytest.approx(kappa.interval.value)
    assert defined(turned).interval.low == pytest.approx(kappa.interval.low)


def test_fleiss_1971() -> None:
    kappa = defined(fleiss_kappa(FLEISS))
    assert kappa.interval.value == pytest.approx(0.4302, abs=5e-5)  # .430 in the paper
    assert kappa.interval.value == pytest.approx(inter_rater.fleiss_kappa(np.array(FLEISS.counts)), abs=1e-12)
    assert half_width(kappa) == pytest.approx(0.0541989 * stdtrit(29, 0.975), abs=1e-6)  # irrCAC
    ac1 = defined(gwet_ac1(FLEISS))
    assert ac1.interval.value == pytest.approx(0.4478845, abs=1e-7)  # irrCAC, also its error
    assert half_width(ac1) == pytest.approx(0.0556621 * stdtrit(29, 0.975), abs=1e-6)


def half_width(result: Agreement) -> float:
    return result.interval.value - result.interval.low


def test_gwets_example_with_missing_labels() -> None:
    ratings = rating_counts(KRIPPENDORFF)
    kappa, ac1 = defined(fleiss_kappa(ratings)), defined(gwet_ac1(ratings))
    assert kappa.interval.value == pytest.approx(0.7611693, abs=1e-7)  # irrCAC; Gwet (2014) gives .76117 and .77544
    assert ac1.interval.value == pytest.approx(0.7754441, abs=1e-7)
    assert kappa.interval.low == pytest.approx(0.4243763, abs=1e-6)
    assert ac1.interval.low == pytest.approx(0.4608133, abs=1e-6)
    assert kappa.left_out == ac1.left_out == 1


def test_gwets_example_of_high_agreement() -> None:
    ratings = RatingCounts(("no", "yes"), ((0, 2),) * 118 + ((1, 1),) * 5 + ((2, 0),) * 2)
    assert defined(gwet_ac1(ratings)).interval.value == pytest.approx(0.9570166, abs=1e-7)  # irrCAC
    assert defined(cohen_kappa(ConfusionMatrix(("yes", "no"), ((118, 5), (0, 2))))).interval.value == pytest.approx(0.4302644, abs=1e-7)


@pytest.mark.parametrize(("metric", "known"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_own_example_with_missing_labels(metric: Any, known: float) -> None:
    alpha = defined(krippendorff_alpha(rating_counts(KRIPPENDORFF), rng(), metric=metric))
    assert alpha.interval.value == pytest.approx(known, abs=5e-4)
    assert (alpha.interval.n, alpha.left_out, alpha.method) == (11, 1, "bootstrap over items, 2000 draws")
    assert alpha.interval.low < known < alpha.interval.high


@settings(deadline=None)
@given(RATINGS, st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_is_that_of_the_package_krippendorff(ratings: list[list[int | None]], metric: Any) -> None:
    alpha = krippendorff_alpha(rating_counts(ratings, labels=[1, 2, 4]), rng(), metric=metric, draws=100)
    if isinstance(alpha, Undefined):
        return
    table = np.array([[np.nan if label is None else float(label) for label in item] for item in ratings]).T
    theirs = krippendorff.alpha(table, value_domain=[1, 2, 4], level_of_measurement=metric)
    assert alpha.interval.value == pytest.approx(theirs, abs=1e-10)
    assert alpha.interval.low <= alpha.interval.value <= alpha.interval.high


@settings(max_examples=40, deadline=None)
@given(RATINGS)
def test_coefficients_of_several_raters_do_not_mind_the_order_of_raters_and_items(ratings: list[list[int | None]]) -> None:
    turned = [item[1:] + item[:1] for item in reversed(ratings)]
    for one, other in zip(*(several(rating_counts(r, labels=[1, 2, 4])) for r in (ratings, turned)), strict=True):
        if isinstance(one, Undefined):
            assert other == one
            continue
        assert defined(other).interval.value == pytest.approx(one.interval.value)
        assert one.interval.low <= one.interval.value <= one.interval.high
        assert one.interval.value == pytest.approx(1 - one.disagreement / one.by_chance)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=30).filter(lambda labels: len(set(labels)) > 1))
def test_perfect_agreement_is_one_but_few_items_do_not_prove_it(labels: list[str]) -> None:
    ratings = rating_counts([[label] * 3 for label in labels])
    alpha = krippendorff_alpha(ratings, rng(), metric="ordinal", draws=100)
    every = [cohen_kappa(confusion_matrix(labels, labels), weights=w) for w in ("none", "linear", "quadratic")]
    for result in [*every, fleiss_kappa(ratings), gwet_ac1(ratings), alpha]:
        interval = defined(result).interval
        assert interval.value == pytest.approx(1)
        assert interval.high == pytest.approx(1)
        assert interval.low < 0.95


@pytest.mark.parametrize("coefficient", [lambda level: cohen_kappa(COHEN, level=level), lambda level: gwet_ac1(FLEISS, level=level),
                                         lambda level: krippendorff_alpha(FLEISS, rng(), level=level)])  # fmt: skip
def test_a_higher_level_is_wider(coefficient: Callable[[float], Agreement | Undefined]) -> None:
    narrow, wide = (defined(coefficient(level)).interval for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_kappas_of_two_labels_and_one_item_each() -> None:
    nothing = "there is no variation to agree on"
    assert cohen_kappa(confusion_matrix([], [])) == Undefined("no items that both raters labelled")
    assert cohen_kappa(confusion_matrix("aa", "aa")) == Undefined(f"both raters gave every item the same one label: {nothing}")
    one_label = rating_counts(["aa", "aa"], labels=["a", "b"])
    assert fleiss_kappa(one_label) == Undefined(f"every item has the same one label: {nothing}")
    assert krippendorff_alpha(one_label, rng()) == Undefined(f"every item has the same one label: {nothing}")
    assert defined(gwet_ac1(one_label)).interval.value == 1
    assert gwet_ac1(rating_counts(["aa", "aa"])) == Undefined(f"the scale has one label only: {nothing}")
    assert fleiss_kappa(rating_counts(["ab", "a"])) == Undefined("1 item with two labels or more: agreement needs two")
    assert krippendorff_alpha(rating_counts([]), rng()) == Undefined("no items with two labels or more: alpha needs two")


def test_true_rates_are_wilsons_of_each_kind() -> None:
    rates = true_rates(confusion_matrix([1, 1, 1, 0, 0, None], [1, 1, 0, 0, 1, 1]), 1)
    assert rates.tpr == wilson_interval(2, 3)
    assert rates.tnr == wilson_interval(1, 2)
    assert rates.left_out == 1
    none = true_rates(confusion_matrix([0, 0], [1, 0]), 1)
    assert none.tpr == Undefined("no item is truly 1")
    assert isinstance(none.tnr, Interval)
    assert true_rates(confusion_matrix([1, 1], [1, 0]), 1).tnr == Undefined("every item is truly 1")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: confusion_matrix("ab", "a"), "wanted both for every item"),
        (lambda: confusion_matrix("ab", "ab", labels="a"), "found 'b' among the ratings; wanted one of 'a'"),
        (lambda: confusion_matrix("ab", "ab", labels="aba"), "wanted each once"),
        (lambda: confusion_matrix(["a", 1], ["a", 1]), "found labels of several types"),
        (lambda: cohen_kappa(COHEN, weights="square"), "wanted 'none', 'linear', 'quadratic'"),
        (lambda: cohen_kappa(COHEN, weights=[[1]]), "wanted 3 × 3 numbers"),
        (lambda: cohen_kappa(COHEN, level=0), "wanted a number between 0 and 1"),
        (lambda: cohen_kappa(ConfusionMatrix(("a", "b"), ((1, 2),))), "wanted one for each of 2 labels"),
        (lambda: fleiss_kappa(RatingCounts(("a",), ((1, 2),))), "wanted rows of 1 counts"),
        (lambda: fleiss_kappa(RatingCounts(("a", "b"), ((1, -2),))), "wanted only such"),
        (lambda: true_rates(COHEN, "4"), "wanted one of '1', '2', '3'"),
        (lambda: krippendorff_alpha(FLEISS, rng(), metric="interval"), "wanted finite numbers for the interval metric"),
        (lambda: krippendorff_alpha(FLEISS, rng(), metric="ratio"), "wanted 'nominal', 'ordinal' or 'interval'"),  # type: ignore[arg-type]
        (lambda: krippendorff_alpha(FLEISS, rng(), draws=5), "wanted a whole number ≥ 100"),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def two_raters(world: np.random.Generator, n: int) -> tuple[Any, Any]:
    truth = world.random(n) < 0.4
    return tuple(np.where(world.random(n) < 0.85, truth, ~truth) for _ in range(2))


def test_intervals_cover_the_true_coefficient() -> None:
    world, worlds, n = np.random.default_rng(4), 300, 120
    both, share = 0.85**2 + 0.15**2, 0.4 * 0.85 + 0.6 * 0.15
    kappa = 1 - (1 - both) / (2 * share * (1 - share))  # both raters have the same share, so Cohen's, Fleiss' and alpha are one
    ac1 = 1 - (1 - both) / (1 - 2 * share * (1 - share))
    covered = {"cohen": 0, "fleiss": 0, "ac1": 0, "alpha": 0}
    for _ in range(worlds):
        first, second = two_raters(world, n)
        counts = np.stack([2 - (first.astype(int) + second), first.astype(int) + second], axis=1)
        ratings = RatingCounts((0, 1), tuple(map(tuple, counts.tolist())))
        found = {"cohen": cohen_kappa(confusion_matrix(first.tolist(), second.tolist())), "fleiss": fleiss_kappa(ratings),
                 "ac1": gwet_ac1(ratings), "alpha": krippendorff_alpha(ratings, world, draws=200)}  # fmt: skip
        for name, result in found.items():
            interval = defined(result).interval
            covered[name] += interval.low <= (ac1 if name == "ac1" else kappa) <= interval.high
    for name, count in covered.items():
        assert binomtest(count, worlds, 0.94, alternative="less").pvalue > 0.001, name
