"""Bootstrap intervals against scipy's, draw for draw, and a quantile's by resampling against its closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

import clew.stats.bootstrap as room
from clew.stats import Interval, Undefined, bootstrap_interval, quantile_bootstrap_interval, quantile_interval
from clew.stats.checks import Floats

SKEWED = np.random.default_rng(7).exponential(size=40)
rows = st.lists(st.integers(-400, 400).map(lambda n: n / 8), min_size=2, max_size=40).filter(lambda row: len(set(row)) > 1)


def medians(samples: Floats) -> Floats:
    found: Floats = np.median(samples, axis=-1)
    return found


@pytest.mark.parametrize(("method", "scipys"), [("bca", "BCa"), ("percentile", "percentile")])
@pytest.mark.parametrize("statistic", [room.row_means, medians])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_same_draws_give_scipys_interval(method: str, scipys: str, statistic: room.Statistic, level: float) -> None:
    ours = bootstrap_interval(SKEWED, rng=np.random.default_rng(1), statistic=statistic, method=method, resamples=2_000, level=level)  # type: ignore[arg-type]
    function = np.mean if statistic is room.row_means else np.median
    draws = {"n_resamples": 2_000, "rng": np.random.default_rng(1)}
    interval = bootstrap((SKEWED,), function, confidence_level=level, method=scipys, **draws).confidence_interval
    assert isinstance(ours, Interval)
    assert (ours.low, ours.high) == (pytest.approx(interval.low, abs=1e-10), pytest.approx(interval.high, abs=1e-10))


def test_small_tables_give_what_one_large_table_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    def interval() -> Interval | Undefined:
        return bootstrap_interval(SKEWED, rng=np.random.default_rng(2), statistic=medians, resamples=500)

    whole = interval()
    monkeypatch.setattr(room, "CELLS", 100)
    assert interval() == whole


@given(rows, st.integers(-50, 50), st.sampled_from((0.5, 2.0, 8.0)), st.sampled_from(("bca", "percentile")))
@settings(max_examples=40, deadline=None)
def test_the_interval_moves_and_stretches_with_its_values(values: list[float], shift: int, scale: float, method: str) -> None:
    plain, moved = (
        bootstrap_interval(row, rng=np.random.default_rng(3), method=method, resamples=300)  # type: ignore[arg-type]
        for row in (values, [scale * value + shift for value in values])
    )
    if isinstance(plain, Undefined) or isinstance(moved, Undefined):
        assert type(plain) is type(moved)
        return
    assert min(values) <= plain.low <= plain.value <= plain.high <= max(values)
    assert moved.low == pytest.approx(scale * plain.low + shift, abs=1e-6)
    assert moved.high == pytest.approx(scale * plain.high + shift, abs=1e-6)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_a_higher_level_is_wider_and_more_values_narrower(method: str) -> None:
    def width(values: Floats, level: float) -> float:
        found = bootstrap_interval(values, rng=np.random.default_rng(4), method=method, resamples=1_000, level=level)  # type: ignore[arg-type]
        assert isinstance(found, Interval)
        return found.high - found.low

    assert width(SKEWED, 0.8) < width(SKEWED, 0.95) < width(SKEWED, 0.99)
    assert width(np.tile(SKEWED, 4), 0.95) < width(SKEWED, 0.95)


def test_p_is_where_the_interval_reaches_the_null() -> None:
    found = room.replicates(SKEWED, np.random.default_rng(5), room.row_means, "bca", 4_000)
    assert isinstance(found, room.Replicates)
    for tail in (0.005, 0.025, 0.1, 0.4):
        assert found.p_value(found.quantile(tail)) == pytest.approx(2 * tail, abs=2e-3)
        assert found.p_value(found.quantile(1 - tail)) == pytest.approx(2 * tail, abs=2e-3)
    assert 0 < found.p_value(-1e9) < 0.005  # no resample lies there, and that is no proof that none ever would
    assert 0 < found.p_value(1e9) < 0.005


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_a_quantiles_closed_form_is_what_many_resamples_come_to(q: float) -> None:
    values = np.arange(1.0, 61.0)
    rank = max(1, math.ceil(60 * q - 1e-9))
    drawn = bootstrap_interval(
        values,
        rng=np.random.default_rng(6),
        statistic=lambda samples: np.sort(samples, axis=-1)[:, rank - 1],
        method="percentile",
        resamples=20_000,
    )
    exact = quantile_bootstrap_interval(values, q)
    assert isinstance(drawn, Interval)
    assert isinstance(exact, Interval)
    assert exact.value == drawn.value
    assert (abs(exact.low - drawn.low), abs(exact.high - drawn.high)) <= (1, 1)  # neighbouring ranks where the tail falls between two


@given(rows, st.floats(0.05, 0.95), st.integers(-9, 9), st.sampled_from((quantile_interval, quantile_bootstrap_interval)))
@settings(max_examples=80)
def test_a_quantiles_interval_holds_it_moves_with_it_and_widens_with_the_level(
    values: list[float], q: float, shift: int, method: object
) -> None:
    narrow, wide = method(values, q, level=0.8), method(values, q, level=0.99)  # type: ignore[operator]
    moved = method([2 * value + shift for value in values], q, level=0.8)  # type: ignore[operator]
    if isinstance(narrow, Undefined):
        assert isinstance(moved, Undefined)
        assert isinstance(wide, Undefined)
        return
    assert narrow.low <= narrow.value <= narrow.high
    assert {narrow.low, narrow.value, narrow.high} <= set(values)
    assert (moved.low, moved.high) == (2 * narrow.low + shift, 2 * narrow.high + shift)
    assert isinstance(wide, Undefined) or (wide.low <= narrow.low and narrow.high <= wide.high)


def test_what_cannot_be_bounded_says_why() -> None:
    rng = np.random.default_rng(8)
    assert bootstrap_interval([], rng=rng) == Undefined("no values: at least 2 are needed to draw from")
    assert bootstrap_interval([1], rng=rng) == Undefined("1 values: at least 2 are needed to draw from")
    assert bootstrap_interval([0.1] * 7, rng=rng) == Undefined("every resample gives the same number")
    top = bootstrap_interval(
        SKEWED, rng=rng, statistic=lambda samples: np.where(samples.std(axis=-1) == SKEWED.std(), 9.0, samples.mean(axis=-1))
    )
    assert top == Undefined("no resample lies on one side of the value: there is nothing to correct its bias by")
    assert quantile_interval([], 0.5) == Undefined("no values")
    assert quantile_interval(range(3), 0.01) == Undefined("3 values are too few to bound the 0.01 quantile from below")
    assert quantile_bootstrap_interval([1], 0.5) == Undefined("1 values: at least 2 are needed to draw from")
    assert quantile_bootstrap_interval([2, 2], 0.5) == Undefined("all 2 values are the same")


def test_wrong_arguments_are_refused() -> None:
    rng = np.random.default_rng(9)
    with pytest.raises(ValueError, match="wanted a whole number ≥ 1"):
        bootstrap_interval([1, 2], rng=rng, resamples=0)
    with pytest.raises(ValueError, match="wanted 'bca' or 'percentile'"):
        bootstrap_interval([1, 2], rng=rng, method="basic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite numbers"):
        quantile_bootstrap_interval([1, math.nan], 0.5)
    for method in (quantile_interval, quantile_bootstrap_interval):
        with pytest.raises(ValueError, match="between 0 and 1"):
            method([1, 2, 3], 1)
        with pytest.raises(ValueError, match="between 0 and 1"):
            method([1, 2, 3], 0.5, level=1)
