"""Means and their errors against scipy and statsmodels, alone, clustered and clustered two ways."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as theirs
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from clew.stats import (
    Estimate,
    Interval,
    Moments,
    Undefined,
    clustered_mean,
    estimate_comparison,
    estimate_interval,
    mean_estimate,
    mean_interval,
    two_way_clustered_mean,
)

samples = st.lists(st.integers(-500, 500).map(lambda n: n / 4), min_size=2, max_size=60).filter(lambda row: len(set(row)) > 1)
levels = st.sampled_from((0.8, 0.9, 0.95, 0.99))


@given(samples, levels)
@settings(max_examples=60)
def test_the_t_interval_and_test_agree_with_scipy(values: list[float], level: float) -> None:
    test = theirs.ttest_1samp(values, 0)
    expected = test.confidence_interval(level)
    interval, estimate = mean_interval(Moments.of(values), level=level), mean_estimate(Moments.of(values))
    assert isinstance(interval, Interval)
    assert isinstance(estimate, Estimate)
    assert (interval.low, interval.high) == (
        pytest.approx(expected.low, rel=1e-9, abs=1e-9),
        pytest.approx(expected.high, rel=1e-9, abs=1e-9),
    )
    comparison = estimate_comparison(estimate, "t test", level=level)
    assert comparison.p == pytest.approx(test.pvalue, rel=1e-9)
    assert comparison.difference == interval
    assert (comparison.p < 1 - level) == (interval.low > 0 or interval.high < 0)


@given(samples, st.integers(-50, 50), st.integers(1, 8))
@settings(max_examples=60)
def test_the_interval_moves_and_stretches_with_its_values(values: list[float], shift: int, scale: int) -> None:
    plain = mean_interval(Moments.of(values))
    moved = mean_interval(Moments.of([scale * value + shift for value in values]))
    assert isinstance(plain, Interval)
    assert isinstance(moved, Interval)
    assert plain.low <= plain.value <= plain.high
    assert moved.low == pytest.approx(scale * plain.low + shift, abs=1e-6)
    assert moved.high == pytest.approx(scale * plain.high + shift, abs=1e-6)


@given(samples)
@settings(max_examples=40)
def test_the_interval_widens_with_the_level_and_narrows_with_n(values: list[float]) -> None:
    narrow, wide = mean_interval(Moments.of(values), level=0.8), mean_interval(Moments.of(values), level=0.99)
    more = mean_interval(Moments.of(values * 4), level=0.8)
    assert isinstance(narrow, Interval)
    assert isinstance(wide, Interval)
    assert isinstance(more, Interval)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert more.high - more.low < narrow.high - narrow.low


def test_infinite_degrees_of_freedom_are_the_normal_distribution() -> None:
    interval = estimate_interval(Estimate(0.0, 1.0, 9))
    assert interval.high == pytest.approx(1.959963984540054, abs=1e-12)
    assert estimate_comparison(Estimate(40.0, 1.0, 9), "z test").p == pytest.approx(2 * theirs.norm.sf(40), rel=1e-9)  # no 1 − CDF


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 20)), min_size=4, max_size=60))
@settings(max_examples=40, deadline=None)
def test_the_clustered_mean_agrees_with_statsmodels(rows: list[tuple[int, int]]) -> None:
    names, values = np.array([name for name, _ in rows]), np.array([value for _, value in rows], dtype=float)
    found = clustered_mean(values, names)
    if len(set(names.tolist())) < 2:
        assert isinstance(found, Undefined)
        return
    model = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": names}, use_t=True)
    if isinstance(found, Undefined):
        assert float(model.bse[0]) == pytest.approx(0, abs=1e-12)
        return
    assert (found.value, found.se) == (pytest.approx(model.params[0], abs=1e-9), pytest.approx(model.bse[0], rel=1e-9))
    low, high = model.conf_int()[0]
    interval = estimate_interval(found)
    assert (interval.low, interval.high) == (pytest.approx(low, rel=1e-9, abs=1e-9), pytest.approx(high, rel=1e-9, abs=1e-9))


def test_one_value_per_cluster_is_the_plain_mean() -> None:
    values = np.random.default_rng(3).normal(size=30)
    plain, clustered = mean_estimate(Moments.of(values)), clustered_mean(values, range(30))
    assert isinstance(plain, Estimate)
    assert isinstance(clustered, Estimate)
    assert (clustered.se, clustered.df) == (pytest.approx(plain.se, rel=1e-12), plain.df)


def test_copies_of_a_row_within_its_cluster_teach_nothing() -> None:
    values = np.random.default_rng(4).normal(size=12)
    once, thrice = clustered_mean(values, range(12)), clustered_mean(np.repeat(values, 3), np.repeat(np.arange(12), 3))
    assert isinstance(once, Estimate)
    assert isinstance(thrice, Estimate)
    assert (thrice.value, thrice.se, thrice.df) == (pytest.approx(once.value), pytest.approx(once.se), once.df)


def test_two_way_clusters_agree_with_statsmodels() -> None:
    rng = np.random.default_rng(5)
    cases, repetitions = np.repeat(np.arange(15), 4), np.tile(np.arange(4), 15)
    values = rng.normal(size=15)[cases] + rng.normal(size=4)[repetitions] + rng.normal(size=60)
    found = two_way_clustered_mean(values, cases, repetitions.tolist())
    both, first, second = cov_cluster_2groups(sm.OLS(values, np.ones(60)).fit(), cases, repetitions)
    assert isinstance(found, Estimate)
    assert found.se == pytest.approx(math.sqrt(both[0, 0]), rel=1e-9)
    assert (found.n, found.df) == (60, 3)
    one_way = clustered_mean(values, cases)
    assert isinstance(one_way, Estimate)
    assert one_way.se == pytest.approx(math.sqrt(first[0, 0]), rel=1e-9)
    assert second[0, 0] > 0


def test_a_two_way_variance_below_0_falls_back_to_the_larger_one_way_variance() -> None:
    values, cases, repetitions = [1, 0, 0, 1.5], ["a", "a", "b", "b"], [1, 2, 1, 2]
    both, first, second = cov_cluster_2groups(sm.OLS(values, np.ones(4)).fit(), np.array([0, 0, 1, 1]), np.array(repetitions))
    assert both[0, 0] < 0
    found = two_way_clustered_mean(values, cases, repetitions)
    assert isinstance(found, Estimate)
    assert found.se == pytest.approx(math.sqrt(max(first[0, 0], second[0, 0])), rel=1e-9)


def test_what_cannot_be_estimated_says_why() -> None:
    assert mean_interval(Moments.of([1])) == Undefined("1 values: at least 2 are needed to see how much they vary")
    assert mean_estimate(Moments.of([2, 2, 2])) == Undefined("all 3 values are the same")
    assert clustered_mean([], []) == Undefined("no cluster: at least 2 are needed to see how much clusters vary")
    assert clustered_mean([1, 2], ["a", "a"]) == Undefined("1 cluster: at least 2 are needed to see how much clusters vary")
    assert clustered_mean([0, 0.1, 0, 0.1], list("aabb")) == Undefined("the 2 clusters do not differ")
    few = Undefined("1 cluster one way: at least 2 are needed to see how much clusters vary")
    assert two_way_clustered_mean([1, 2], ["a", "b"], [1, 1]) == few
    nothing = Undefined("neither the 2 clusters one way nor the 2 the other way differ")
    assert two_way_clustered_mean([1, 0, 0, 1], list("aabb"), [1, 2, 1, 2]) == nothing


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted one for each value"):
        clustered_mean([1, 2], ["a"])
    with pytest.raises(ValueError, match="finite numbers"):
        clustered_mean([1, math.nan], ["a", "b"])
    for level in (0, 1, -1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            mean_interval(Moments.of([1, 2]), level=level)
