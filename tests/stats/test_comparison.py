"""Paired and unpaired differences of means against scipy, statsmodels and GrowthBook's figures; the sign-flip test against every flip."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as theirs

import clew.stats.comparison as room
from clew.stats import (
    Comparison,
    Moments,
    Undefined,
    bootstrap_interval,
    paired_bootstrap_test,
    paired_clustered_test,
    paired_t_test,
    sign_flip_test,
    welch_test,
)

numbers = st.integers(-64, 64).map(lambda n: n / 8)
rows = st.lists(numbers, min_size=2, max_size=30)
few = st.lists(st.integers(-8, 12).map(lambda n: n / 10), min_size=6, max_size=9)  # tenths: sums that are equal but for rounding
levels = st.sampled_from((0.8, 0.9, 0.95, 0.99))

# GrowthBook's own test fixture: means, deviations and sizes of two arms, with its absolute verdict (experiment_statistics.md).
GROWTHBOOK = (Moments(3407, 3407 * 0.41, 3406 * 3.9**2 + 3407 * 0.41**2), Moments(3461, 3461 * 0.70, 3460 * 6.2**2 + 3461 * 0.70**2))


def test_welch_meets_growthbooks_fixture() -> None:
    found, estimate = welch_test(*GROWTHBOOK), room.welch_estimate(*GROWTHBOOK)
    assert isinstance(found, Comparison)
    assert not isinstance(estimate, Undefined)
    assert estimate.value / estimate.se == pytest.approx(2.3240, abs=5e-5)
    assert estimate.df == pytest.approx(5841.7, abs=0.05)
    assert found.p == pytest.approx(0.02016, abs=5e-6)
    assert (found.difference.low, found.difference.high) == (pytest.approx(0.04538, abs=5e-6), pytest.approx(0.53462, abs=5e-6))
    assert (found.n, found.method, found.guarantee) == (6868, "Welch's t test", "fixed n")


@given(rows, rows, levels)
@settings(max_examples=60)
def test_welch_agrees_with_scipy(a: list[float], b: list[float], level: float) -> None:
    assume(len(set(a)) > 1 or len(set(b)) > 1)
    found, test = welch_test(Moments.of(a), Moments.of(b), level=level), theirs.ttest_ind(b, a, equal_var=False)
    assert isinstance(found, Comparison)
    interval = test.confidence_interval(level)
    assert found.p == pytest.approx(test.pvalue, rel=1e-8)
    assert (found.difference.low, found.difference.high) == (pytest.approx(interval.low, abs=1e-8), pytest.approx(interval.high, abs=1e-8))


@given(rows, rows, st.integers(1, 9), st.integers(-9, 9))
@settings(max_examples=40)
def test_welch_keeps_its_p_under_shift_and_scale_and_turns_with_the_arms(a: list[float], b: list[float], scale: int, shift: int) -> None:
    assume(len(set(a)) > 1)
    plain, swapped = welch_test(Moments.of(a), Moments.of(b)), welch_test(Moments.of(b), Moments.of(a))
    moved = welch_test(*(Moments.of([scale * value + shift for value in row]) for row in (a, b)))
    assert isinstance(plain, Comparison)
    assert isinstance(swapped, Comparison)
    assert isinstance(moved, Comparison)
    assert moved.p == pytest.approx(plain.p, rel=1e-6)
    assert moved.difference.low == pytest.approx(scale * plain.difference.low, abs=1e-6)
    assert (swapped.p, swapped.difference.low) == (pytest.approx(plain.p, rel=1e-9), pytest.approx(-plain.difference.high, abs=1e-9))


@given(rows, rows, levels)
@settings(max_examples=60)
def test_the_paired_t_test_agrees_with_scipy(a: list[float], b: list[float], level: float) -> None:
    n = min(len(a), len(b))
    differences = np.array(b[:n]) - np.array(a[:n])
    assume(len(set(differences.tolist())) > 1)
    found, test = paired_t_test(Moments.of(differences), level=level), theirs.ttest_rel(b[:n], a[:n])
    assert isinstance(found, Comparison)
    interval = test.confidence_interval(level)
    assert found.p == pytest.approx(test.pvalue, rel=1e-8)
    assert (found.difference.low, found.difference.high) == (pytest.approx(interval.low, abs=1e-8), pytest.approx(interval.high, abs=1e-8))


def test_the_clustered_test_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(1)
    cases = np.repeat(np.arange(25), 3)
    differences = 0.3 + rng.normal(size=25)[cases] + rng.normal(size=75)
    model = sm.OLS(differences, np.ones(75)).fit(cov_type="cluster", cov_kwds={"groups": cases}, use_t=True)
    found = paired_clustered_test(differences, cases)
    assert isinstance(found, Comparison)
    assert found.p == pytest.approx(model.pvalues[0], rel=1e-9)
    two_way = paired_clustered_test(differences, cases, np.tile(np.arange(3), 25))
    assert isinstance(two_way, Comparison)
    assert (found.method, two_way.method) == ("cluster-robust paired t test", "two-way cluster-robust paired t test")
    assert two_way.difference.high - two_way.difference.low > found.difference.high - found.difference.low  # 2 degrees of freedom


def p_by_every_flip(row: np.ndarray, shift: float) -> float:
    """The definition, flip by flip."""
    shifted = row - shift
    total = abs(shifted.sum()) - 1e-9
    return sum(abs(np.dot(signs, shifted)) >= total for signs in itertools.product((-1, 1), repeat=len(row))) / 2 ** len(row)


@given(few, st.sampled_from((0.8, 0.9, 0.95)))
@settings(max_examples=30, deadline=None)
def test_up_to_20_pairs_p_and_interval_are_those_of_every_flip(values: list[float], level: float) -> None:
    assume(any(values))
    found, row = sign_flip_test(values, level=level), np.array(values)
    assert isinstance(found, Comparison)
    assert found.p == p_by_every_flip(row, 0)
    low, high = found.difference.low, found.difference.high
    assert low <= found.difference.value <= high
    if high - low > 1e-5:
        assert p_by_every_flip(row, low + 1e-6) > 1 - level  # inside: not rejected
        assert p_by_every_flip(row, high - 1e-6) > 1 - level
    assert p_by_every_flip(row, low - 1e-6) <= 1 - level + 1e-12
    assert p_by_every_flip(row, high + 1e-6) <= 1 - level + 1e-12
    assert (found.p <= 1 - level + 1e-12) == (low > 0 or high < 0)


def test_the_sign_flip_test_agrees_with_scipy() -> None:
    values = np.random.default_rng(2).normal(0.4, size=12)
    test = theirs.permutation_test((values,), np.mean, permutation_type="samples", vectorized=True, n_resamples=np.inf)
    found = sign_flip_test(values)
    assert isinstance(found, Comparison)
    assert found.p == pytest.approx(test.pvalue, rel=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.35, -0.6])
def test_random_flips_come_near_every_flip_and_p_and_interval_say_the_same(shift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(shift, size=18)
    exact = sign_flip_test(values)
    monkeypatch.setattr(room, "EXACT_PAIRS", 5)
    found = sign_flip_test(values, rng=np.random.default_rng(4))
    assert isinstance(exact, Comparison)
    assert isinstance(found, Comparison)
    assert found.p == pytest.approx(exact.p, abs=0.02)
    assert found.difference.low == pytest.approx(exact.difference.low, abs=0.05)
    assert found.difference.high == pytest.approx(exact.difference.high, abs=0.05)
    assert (found.p <= 0.05) == (found.difference.low > 0 or found.difference.high < 0)
    assert sign_flip_test(values, rng=np.random.default_rng(4)) == found
    monkeypatch.setattr(room, "CELLS", 180)  # ten flips at a time
    in_parts = sign_flip_test(values, rng=np.random.default_rng(4))
    assert isinstance(in_parts, Comparison)
    assert in_parts.p == pytest.approx(exact.p, abs=0.02)


@given(st.lists(st.integers(-40, 60), min_size=21, max_size=40), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_random_flips_exclude_0_exactly_when_they_reject(values: list[int], seed: int) -> None:
    assume(any(values))
    found = sign_flip_test(values, rng=np.random.default_rng(seed), resamples=199)
    assert isinstance(found, Comparison)
    assert 0 < found.p <= 1
    assert found.difference.low <= found.difference.value <= found.difference.high
    assert (found.p <= 0.05 + 1e-9) == (found.difference.low > 0 or found.difference.high < 0)


def test_the_bootstraps_p_and_interval_say_the_same() -> None:
    for seed in range(20):
        values = np.random.default_rng(seed).exponential(size=25) - 0.6
        found = paired_bootstrap_test(values, rng=np.random.default_rng(seed), resamples=1_000)
        assert isinstance(found, Comparison)
        assert found.difference == bootstrap_interval(values, rng=np.random.default_rng(seed), resamples=1_000)
        if abs(found.p - 0.05) > 0.005:
            assert (found.p < 0.05) == (found.difference.low > 0 or found.difference.high < 0)
        assert 0 < found.p <= 1
    assert found.method == "paired bootstrap (BCa)"


def test_what_cannot_be_compared_says_why() -> None:
    rng = np.random.default_rng(5)
    assert paired_t_test(Moments.of([1])) == Undefined("1 differences: at least 2 are needed to see how much they vary")
    assert paired_t_test(Moments.of([1, 1])) == Undefined("all 2 differences are the same")
    assert paired_clustered_test([1, 2], ["a", "a"]) == Undefined("1 cluster: at least 2 are needed to see how much clusters vary")
    assert sign_flip_test([]) == Undefined("no pairs")
    assert sign_flip_test([0, 0, 0]) == Undefined("no pair differs")
    assert sign_flip_test(range(30), rng=rng, resamples=10) == Undefined(
        "too few flips for level 0.95: the smallest p that 30 pairs can show is 0.0909091"
    )
    assert paired_bootstrap_test([1], rng=rng) == Undefined("1 values: at least 2 are needed to draw from")
    assert welch_test(Moments.of([]), Moments.of([1, 2])) == Undefined("no values in a: at least 2 are needed to see how much they vary")
    assert welch_test(Moments.of([1, 1]), Moments.of([2, 2])) == Undefined("no value differs from the others of its side")


def test_wrong_arguments_are_refused() -> None:
    rng = np.random.default_rng(6)
    with pytest.raises(ValueError, match="wanted one for more than 20"):
        sign_flip_test(range(21))
    with pytest.raises(ValueError, match="finite numbers"):
        sign_flip_test([1, math.nan])
    with pytest.raises(ValueError, match="whole number ≥ 1"):
        sign_flip_test([1, 2], resamples=0)
    two = Moments.of([1, 2])
    for level in (0, 1, math.nan):
        for call in (
            lambda level: paired_t_test(two, level=level),
            lambda level: welch_test(two, two, level=level),
            lambda level: sign_flip_test([1, 2], level=level),
            lambda level: paired_clustered_test([1, 2], "ab", level=level),
            lambda level: paired_bootstrap_test([1, 2], rng=rng, level=level),
        ):
            with pytest.raises(ValueError, match="between 0 and 1"):
                call(level)
