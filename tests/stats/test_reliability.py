"""pass@k, pass^k and the split of variance, against enumeration, published values and simulation."""

from __future__ import annotations

import doctest
import gzip
import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.regression.linear_model import OLS

import clew.stats.reliability
from clew.stats.reliability import (
    PassRate,
    VarianceSplit,
    pass_at_k,
    pass_hat_k,
    planned_error,
    split_variance,
    split_variance_of_counts,
)
from clew.stats.result import Undefined

CASES = st.lists(st.integers(1, 7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=12)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(clew.stats.reliability).failed == 0


@settings(deadline=None)
@given(CASES, st.integers(1, 4))
def test_both_rates_are_the_mean_over_every_choice_of_k_tries(cases: list[tuple[int, int]], k: int) -> None:
    used = [(c, n) for c, n in cases if n >= k]
    some, every = (f([c for c, _ in cases], [n for _, n in cases], k) for f in (pass_at_k, pass_hat_k))
    if len(used) < 2:
        assert isinstance(some, Undefined)
        assert isinstance(every, Undefined)
        return
    assert isinstance(some, PassRate)
    assert isinstance(every, PassRate)
    choices = [list(combinations([1] * c + [0] * (n - c), k)) for c, n in used]
    assert some.interval.value == pytest.approx(np.mean([np.mean([any(tries) for tries in case]) for case in choices]))
    assert every.interval.value == pytest.approx(np.mean([np.mean([all(tries) for tries in case]) for case in choices]))
    assert some.cases + some.left_out == len(cases)
    assert every.interval.value <= some.interval.value + 1e-12


@settings(deadline=None)
@given(CASES, st.integers(1, 3))
def test_the_interval_is_ordered_grows_with_the_level_and_does_not_mind_the_order_of_cases(cases: list[tuple[int, int]], k: int) -> None:
    low, high = (pass_hat_k([c for c, _ in cases], [n for _, n in cases], k, level=level) for level in (0.8, 0.99))
    turned = pass_hat_k([c for c, _ in cases[::-1]], [n for _, n in cases[::-1]], k, level=0.8)
    if isinstance(low, Undefined):
        assert high == turned == low
        return
    assert isinstance(high, PassRate)
    assert isinstance(turned, PassRate)
    assert 0 <= high.interval.low <= low.interval.low <= low.interval.value <= low.interval.high <= high.interval.high <= 1
    assert turned.interval.low == pytest.approx(low.interval.low)
    assert turned.interval.value == pytest.approx(low.interval.value)


@pytest.mark.field
def test_the_airline_agents_rates_are_the_known_ones(field_data: Path) -> None:
    with gzip.open(field_data / "airline_agent" / "conversations.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    tasks = sorted({row["task_id"] for row in rows})
    wins = [sum(row["reward"] == 1 for row in rows if row["task_id"] == task) for task in tasks]
    tries = [sum(row["task_id"] == task for row in rows) for task in tasks]
    for k, known in enumerate((0.420, 0.273, 0.220, 0.200), start=1):
        rate = pass_hat_k(wins, tries, k)
        assert isinstance(rate, PassRate)
        assert rate.interval.value == pytest.approx(known, abs=0.0005)
        assert rate.interval.n == rate.clusters == 50
        assert rate.interval.low < known < rate.interval.high


def test_every_case_of_a_cluster_twice_tells_no_more_than_once() -> None:
    wins, tries = [0, 1, 2, 4, 3, 4], [4] * 6
    once = pass_hat_k(wins, tries, 2)
    twice = pass_hat_k(wins * 2, tries * 2, 2, clusters=[*"abcdef"] * 2)
    alone = pass_hat_k(wins * 2, tries * 2, 2)
    assert isinstance(once, PassRate)
    assert isinstance(twice, PassRate)
    assert isinstance(alone, PassRate)
    assert twice.se == pytest.approx(once.se)
    assert twice.interval.low == pytest.approx(once.interval.low)
    assert alone.se < once.se


def test_the_clustered_error_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 9, 40)
    tries = rng.integers(3, 8, 40)
    wins = rng.binomial(tries, 0.6)
    rate = pass_at_k(wins, tries, 1, clusters=groups)
    assert isinstance(rate, PassRate)
    # statsmodels multiplies by G/(G-1) · (n-1)/(n-p), which is G/(G-1) for a mean alone (p = 1)
    fit = OLS(wins / tries, np.ones(40)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert rate.se == pytest.approx(float(fit.bse[0]), rel=1e-10)


def test_all_cases_alike_have_the_interval_of_that_many_trials() -> None:
    rate = pass_hat_k([4] * 10, [4] * 10, 4)
    assert isinstance(rate, PassRate)
    assert (rate.interval.value, rate.interval.high) == (1.0, 1.0)
    assert rate.interval.low == pytest.approx(10 / (10 + 2.2621572**2))  # n / (n + t²), t with 9 degrees of freedom


@pytest.mark.parametrize("k", [1, 2, 4])
def test_intervals_cover_the_mean_over_all_cases(k: int) -> None:
    rng = np.random.default_rng(7)
    covered, worlds = 0, 400
    for _ in range(worlds):
        chances = rng.beta(2, 1, 50)
        rate = pass_hat_k(rng.binomial(4, chances), [4] * 50, k)
        assert isinstance(rate, PassRate)
        covered += rate.interval.low <= 2 / (2 + k) <= rate.interval.high  # E p^k of Beta(2, 1)
    assert binomtest(covered, worlds, 0.95).pvalue > 0.001


@pytest.mark.parametrize(
    ("wins", "tries", "k", "reason"),
    [
        ([], [], 1, "no cases"),
        ([1, 1], [1, 1], 2, "no case has 2 repetitions"),
        ([1, 0], [1, 0], 1, "one case alone: an interval over cases needs two"),
    ],
)
def test_too_few_cases_are_undefined(wins: list[int], tries: list[int], k: int, reason: str) -> None:
    assert pass_at_k(wins, tries, k) == Undefined(reason)
    assert pass_hat_k(wins, tries, k) == Undefined(reason)


def test_one_cluster_is_undefined() -> None:
    assert pass_at_k([1, 2], [2, 2], 1, clusters=["a", "a"]) == Undefined("all cases belong to one cluster")


@pytest.mark.parametrize(
    ("wins", "tries", "k", "message"),
    [
        ([3], [2], 1, "wanted 0 ≤ successes ≤ repetitions"),
        ([-1], [2], 1, "wanted whole numbers"),
        ([0.5], [2], 1, "wanted whole numbers"),
        ([float("nan")], [2], 1, "wanted finite"),
        ([[1]], [2], 1, "wanted one dimension"),
        ([1], [2, 2], 1, "wanted both"),
        ([1], [2], 0, "wanted a whole number ≥ 1"),
    ],
)
def test_impossible_counts_are_refused(wins: list[int], tries: list[int], k: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pass_at_k(wins, tries, k)


def test_a_wrong_level_and_missing_clusters_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted a number between 0 and 1"):
        pass_at_k([1, 0], [1, 1], 1, level=1)
    with pytest.raises(ValueError, match="wanted one for each"):
        pass_at_k([1, 0], [1, 1], 1, clusters=["a"])


SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_shrout_and_fleiss_1979() -> None:
    split = split_variance(SHROUT_FLEISS)
    assert isinstance(split, VarianceSplit)
    assert split.within == pytest.approx(6.2639, abs=5e-5)  # their WMS 6.26; BMS 11.24
    assert split.within + 4 * split.between == pytest.approx(11.2417, abs=5e-5)
    assert split.share_between == pytest.approx(0.1657, abs=5e-5)  # their ICC(1,1) = .17


@settings(deadline=None)
@given(CASES)
def test_counts_and_single_runs_give_the_same_split(cases: list[tuple[int, int]]) -> None:
    of_counts = split_variance_of_counts([c for c, _ in cases], [n for _, n in cases])
    of_runs = split_variance([[1.0] * c + [0.0] * (n - c) for c, n in cases])
    if isinstance(of_counts, Undefined):
        assert of_counts == of_runs
        return
    assert isinstance(of_runs, VarianceSplit)
    assert (of_counts.cases, of_counts.runs) == (of_runs.cases, of_runs.runs)
    assert of_counts.between == pytest.approx(of_runs.between, abs=1e-12)
    assert of_counts.within == pytest.approx(of_runs.within, abs=1e-12)
    assert 0 <= of_counts.share_between <= 1


@settings(max_examples=30, deadline=None)
@given(st.floats(-100, 100), st.floats(0.1, 10), st.permutations(range(6)))
def test_a_shift_of_the_scores_changes_nothing_and_a_scale_squares(shift: float, scale: float, order: list[int]) -> None:
    split = split_variance(SHROUT_FLEISS)
    other = split_variance([[shift + scale * value for value in SHROUT_FLEISS[case]] for case in order])
    assert isinstance(split, VarianceSplit)
    assert isinstance(other, VarianceSplit)
    assert other.within == pytest.approx(split.within * scale**2, rel=1e-6)
    assert other.share_between == pytest.approx(split.share_between, rel=1e-6)


def test_the_split_finds_the_variances_of_a_known_world_with_unequal_repetitions() -> None:
    rng = np.random.default_rng(3)
    splits = []
    for _ in range(300):
        sizes = rng.integers(1, 7, 40)
        splits.append(split_variance([rng.normal(rng.normal(0, 2), 1, size).tolist() for size in sizes]))
    assert all(isinstance(split, VarianceSplit) for split in splits)
    assert np.mean([split.between for split in splits if isinstance(split, VarianceSplit)]) == pytest.approx(4, rel=0.06)
    assert np.mean([split.within for split in splits if isinstance(split, VarianceSplit)]) == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no cases: the variance between cases needs two"),
        ([[1, 2]], "1 case: the variance between cases needs two"),
        ([[1], [2]], "no case was run twice: the variance within a case is unknown"),
        ([[1, 1], [1]], "every run gave the same score: there is no variation to split"),
    ],
)
def test_a_split_without_repetitions_or_variation_is_undefined(values: list[list[float]], reason: str) -> None:
    assert split_variance(values) == Undefined(reason)


def test_cases_that_differ_less_than_their_runs_say_that_they_were_floored() -> None:
    split = split_variance([[0, 1], [1, 0], [0, 1]])
    assert isinstance(split, VarianceSplit)
    assert (split.between, split.share_between, split.floored) == (0, 0, True)


@pytest.mark.parametrize("repetitions", [1, 3, 10])
def test_a_planned_error_is_what_new_samples_show(repetitions: int) -> None:
    rng = np.random.default_rng(2)
    split = VarianceSplit(4.0, 1.0, 0.8, 40, 160, False)
    plan = planned_error(split, cases=30, repetitions=repetitions)
    chances = rng.normal(0, 2, (3000, 30, 1))
    means = (chances + rng.normal(0, 1, (3000, 30, repetitions))).mean(axis=(1, 2))
    assert plan.se == pytest.approx(means.std(), rel=0.05)
    assert plan.runs == 30 * repetitions
    assert plan.se**2 == pytest.approx(plan.same_cases**2 + plan.endless_repetitions**2)


def test_a_plan_without_cases_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted at least 1 of each"):
        planned_error(VarianceSplit(1, 1, 0.5, 2, 4, False), cases=0, repetitions=1)
