"""Wilson's interval and the ranks that bound a quantile, against scipy and by simulation."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

import clew.stats.interval
from clew.stats import Interval, RankBounds, Undefined, quantile_ranks, wilson_interval


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(clew.stats.interval).failed == 0


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from((0.8, 0.9, 0.95, 0.99)))
def test_wilson_agrees_with_scipy(counts: tuple[int, int], level: float) -> None:
    count, n = counts
    interval = wilson_interval(count, n, level=level)
    assert isinstance(interval, Interval)
    theirs = binomtest(count, n).proportion_ci(level, method="wilson")
    assert interval.low == pytest.approx(theirs.low, abs=1e-12)
    assert interval.high == pytest.approx(theirs.high, abs=1e-12)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_no_cases_are_undefined_not_zero() -> None:
    assert wilson_interval(0, 0) == Undefined("no cases")
    assert quantile_ranks(0, 0.5) == Undefined("no values")


@pytest.mark.parametrize(("count", "n"), [(-1, 3), (4, 3), (1, 0.5)])
def test_an_impossible_count_is_refused(count: int, n: int) -> None:
    with pytest.raises(ValueError, match="wanted 0 ≤ count ≤ n"):
        wilson_interval(count, n)


@pytest.mark.parametrize("q", [0, 1, -0.5, 2])
def test_a_quantile_outside_0_and_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_ranks(10, q)


@given(st.integers(1, 20_000), st.floats(0.01, 0.99), st.sampled_from((0.9, 0.95, 0.99)))
def test_the_ranks_miss_the_quantile_on_each_side_no_more_often_than_the_level_allows(n: int, q: float, level: float) -> None:
    ranks = quantile_ranks(n, q, level=level)
    assert isinstance(ranks, RankBounds)
    tail = (1 - level) / 2
    # X(low) lies above the quantile when fewer than `low` values lie below it; X(high) lies below it when at least `high` do.
    if ranks.low is not None:
        assert binom.cdf(ranks.low - 1, n, q) <= tail + 1e-12
    if ranks.high is not None:
        assert binom.sf(ranks.high - 1, n, q) <= tail + 1e-12
    assert (ranks.low or 1) <= ranks.rank <= (ranks.high or n)
    assert ranks.rank == min(n, max(1, math.ceil(n * q - 1e-9)))


@given(st.integers(1, 5_000), st.floats(0.01, 0.99))
def test_no_tighter_ranks_would_do(n: int, q: float) -> None:
    ranks = quantile_ranks(n, q)
    assert isinstance(ranks, RankBounds)
    low, high = ranks.low or 0, ranks.high or n + 1
    assert binom.cdf(low, n, q) > 0.025
    assert binom.sf(high - 2, n, q) > 0.025


def test_a_side_that_so_few_values_cannot_bound_is_left_open() -> None:
    ranks = quantile_ranks(50, 0.99)
    assert isinstance(ranks, RankBounds)
    assert ranks.high is None
    assert ranks.low is not None
    assert quantile_ranks(5, 0.5) == RankBounds(rank=3, low=None, high=None, n=5)


@pytest.mark.parametrize(("n", "q"), [(40, 0.5), (400, 0.95), (3_000, 0.99), (12_000, 0.95)])
def test_intervals_of_a_skewed_sample_cover_its_true_quantile(n: int, q: float) -> None:
    rng = np.random.default_rng(11)
    ranks = quantile_ranks(n, q)
    assert isinstance(ranks, RankBounds)
    assert ranks.low is not None
    assert ranks.high is not None
    truth, draws = -math.log(1 - q), 1_000
    samples = np.sort(rng.exponential(size=(draws, n)), axis=1)
    covered = int(((samples[:, ranks.low - 1] <= truth) & (truth <= samples[:, ranks.high - 1])).sum())
    assert binomtest(covered, draws, 0.95, alternative="less").pvalue > 0.001
