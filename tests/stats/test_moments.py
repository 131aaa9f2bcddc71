"""Moments: the merge of parts is the whole, numpy agrees, rounding is not mistaken for spread, impossible sums are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.stats import Moments, PairMoments, Undefined

numbers = st.integers(-1_000, 1_000).map(lambda n: n / 8)
samples = st.lists(numbers, min_size=2, max_size=40)
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=40)


@given(samples, st.integers(0, 40))
@settings(max_examples=60)
def test_merged_moments_are_those_of_the_whole(values: list[float], cut: int) -> None:
    assert Moments.of(values[:cut]).merge(Moments.of(values[cut:])) == Moments.of(values)


@given(pairs, st.integers(0, 40))
@settings(max_examples=60)
def test_merged_pair_moments_are_those_of_the_whole(rows: list[tuple[float, float]], cut: int) -> None:
    def of(part: list[tuple[float, float]]) -> PairMoments:
        return PairMoments.of([x for x, _ in part], [y for _, y in part])

    assert of(rows[:cut]).merge(of(rows[cut:])) == of(rows)


@given(samples)
@settings(max_examples=60)
def test_numpy_agrees_on_mean_and_variance(values: list[float]) -> None:
    moments = Moments.of(values)
    assert moments.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert moments.variance == pytest.approx(np.var(values, ddof=1), abs=1e-9)


@given(pairs, st.sampled_from((-1.0, 0.5, 2.0)))
@settings(max_examples=60)
def test_numpy_agrees_on_covariance_and_on_the_variance_of_a_sum(rows: list[tuple[float, float]], weight: float) -> None:
    x, y = np.array(rows).T
    both = PairMoments.of(x, y)
    assert (both.x, both.y) == (Moments.of(x), Moments.of(y))
    assert both.covariance == pytest.approx(np.cov(x, y)[0, 1], abs=1e-9)
    assert both.variance_of(1, weight) == pytest.approx(np.var(x + weight * y, ddof=1), abs=1e-8)


@pytest.mark.parametrize("value", [0.1, 1e9 / 7, -1e-5 / 3])
def test_what_rounding_leaves_of_equal_values_is_no_spread(value: float) -> None:
    values = np.full(1_000, value)
    assert Moments.of(values).variance == 0
    assert PairMoments.of(values, 3 * values).variance_of(3, -1) == 0


def test_too_few_or_equal_values_say_why_they_have_no_error() -> None:
    assert Moments.of([]).lack() == Undefined("no values: at least 2 are needed to see how much they vary")
    assert Moments.of([3.0]).lack("pairs") == Undefined("1 pairs: at least 2 are needed to see how much they vary")
    assert Moments.of([3.0, 3.0]).lack() == Undefined("all 2 values are the same")
    assert Moments.of([3.0, 4.0]).lack() is None


@pytest.mark.parametrize("sums", [(-1, 0, 0), (2.5, 0, 0), (2, math.nan, 1), (2, 0, math.inf), (2, 0, -1), (0, 1, 1), (2, 4, 7.9)])
def test_sums_that_no_sample_has_are_refused(sums: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="found"):
        Moments(*sums)
    with pytest.raises(ValueError, match="found"):
        PairMoments(sums[0], sums[1], sums[1], sums[2], sums[2], 0)


def test_impossible_products_and_rows_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted at most"):
        PairMoments(2, 0, 0, 2, 2, 3)
    with pytest.raises(ValueError, match="wanted one y for each x"):
        PairMoments.of([1, 2], [1])


@pytest.mark.parametrize("values", [[1, math.nan], [math.inf], [[1, 2]]])
def test_values_that_are_no_row_of_finite_numbers_are_refused(values: object) -> None:
    with pytest.raises(ValueError, match="found values"):
        Moments.of(values)  # type: ignore[arg-type]
