"""Clopper-Pearson and Jeffreys against scipy, statsmodels and published figures."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from clew.stats import Interval, Undefined, clopper_pearson_interval, jeffreys_interval, wilson_interval

counts = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from((0.8, 0.9, 0.95, 0.99))
METHODS = (clopper_pearson_interval, jeffreys_interval, wilson_interval)

# The four samples of Newcombe (1998), Statistics in Medicine 17, 857–872, table I; his limits for the first two methods.
PUBLISHED = {
    clopper_pearson_interval: [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0, 0.1684), (1, 29, 0.0009, 0.1776)],
    wilson_interval: [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
    jeffreys_interval: [(81, 263, 0.2545, 0.3656), (15, 148, 0.0604, 0.1576), (0, 20, 0, 0.1166), (1, 29, 0.0037, 0.1501)],
}


@pytest.mark.parametrize("method", METHODS)
def test_published_intervals_are_met_to_four_digits(method: object) -> None:
    for count, n, low, high in PUBLISHED[method]:  # type: ignore[index]
        interval = method(count, n)  # type: ignore[operator]
        assert (interval.low, interval.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(counts, levels)
@settings(max_examples=60)
def test_clopper_pearson_agrees_with_scipy(pair: tuple[int, int], level: float) -> None:
    ours, theirs = clopper_pearson_interval(*pair, level=level), binomtest(*pair).proportion_ci(level, method="exact")
    assert isinstance(ours, Interval)
    assert (ours.low, ours.high) == (pytest.approx(theirs.low, abs=1e-10), pytest.approx(theirs.high, abs=1e-10))


@given(counts, levels)
@settings(max_examples=60)
def test_jeffreys_agrees_with_statsmodels_inside_and_ends_at_0_and_1(pair: tuple[int, int], level: float) -> None:
    ours, theirs = jeffreys_interval(*pair, level=level), proportion_confint(*pair, alpha=1 - level, method="jeffreys")
    assert isinstance(ours, Interval)
    assert ours.low == (0 if pair[0] == 0 else pytest.approx(theirs[0], abs=1e-10))
    assert ours.high == (1 if pair[0] == pair[1] else pytest.approx(theirs[1], abs=1e-10))


@pytest.mark.parametrize("method", METHODS)
@given(counts)
@settings(max_examples=40)
def test_the_interval_holds_the_share_widens_with_the_level_and_narrows_with_n(method: object, pair: tuple[int, int]) -> None:
    count, n = pair
    narrow, wide, more = method(count, n, level=0.8), method(count, n, level=0.99), method(10 * count, 10 * n, level=0.8)  # type: ignore[operator]
    assert 0 <= wide.low <= narrow.low <= narrow.value == count / n <= narrow.high <= wide.high <= 1
    assert more.high - more.low < narrow.high - narrow.low
    mirror = method(n - count, n, level=0.8)  # type: ignore[operator]
    assert (1 - mirror.high, 1 - mirror.low) == (pytest.approx(narrow.low, abs=1e-9), pytest.approx(narrow.high, abs=1e-9))


@pytest.mark.parametrize("method", [clopper_pearson_interval, jeffreys_interval])
def test_no_cases_are_undefined_and_wrong_arguments_refused(method: object) -> None:
    assert method(0, 0) == Undefined("no cases")  # type: ignore[operator]
    for count, n, level in (
        (-1, 3, 0.95),
        (4, 3, 0.95),
        (1.5, 3, 0.95),
        (float("nan"), 3, 0.95),
        (1, 3, 0),
        (1, 3, 1),
        (1, 3, float("nan")),
    ):
        with pytest.raises(ValueError, match="wanted"):
            method(count, n, level=level)  # type: ignore[operator]
