"""Tests that may be looked at at any time: published values, plain reference loops, and error rates over all looks together."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln
from scipy.stats import binomtest

import clew.stats.sequential
from clew.stats.group_sequential import crossing_probability
from clew.stats.result import Comparison, Estimate, Undefined
from clew.stats.sequential import (
    AnytimeInterval,
    SequentialSampleRatio,
    asymptotic_comparison,
    betting_comparison,
    betting_interval,
    msprt_comparison,
    sequential_srm,
)

LOOKS = tuple((look + 1) / 100 for look in range(100))


def defined(result: Comparison | Undefined) -> Comparison:
    assert isinstance(result, Comparison)
    assert result.guarantee == "anytime"
    return result


def bet(values: Any, **more: Any) -> AnytimeInterval:
    found = betting_interval(values, **more)
    assert isinstance(found, AnytimeInterval)
    assert found.guarantee == "anytime"
    return found


def of_two_arms(n: int, difference: float) -> Estimate:
    """Two arms of n with variance 1."""
    return Estimate(difference, math.sqrt(2 / n), 2 * n)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(clew.stats.sequential).failed == 0


def test_msprt_of_johari() -> None:
    first = defined(msprt_comparison(of_two_arms(1000, 0.1), mixing_variance=0.01))
    assert first.p == pytest.approx(0.304997, abs=5e-7)
    assert 1 / first.p == pytest.approx(3.278722, abs=5e-7)
    assert defined(msprt_comparison(of_two_arms(5000, 0.05), mixing_variance=0.01)).p == pytest.approx(0.252648, abs=5e-7)


@pytest.mark.parametrize(("n", "width"), [(500, 0.172403), (5000, 0.042924), (100_000, 0.010552)])
def test_the_asymptotic_sequences_half_width(n: int, width: float) -> None:
    found = defined(asymptotic_comparison(Estimate(0.0, 1 / math.sqrt(n), n), best_at=5000))
    assert found.difference.high == pytest.approx(width, abs=5e-7)


def test_the_asymptotic_sequence_is_narrowest_where_it_was_asked_to_be() -> None:
    def width(best_at: int) -> float:
        return defined(asymptotic_comparison(Estimate(0.0, 1 / math.sqrt(5000), 5000), best_at=best_at)).difference.high * math.sqrt(5000)

    assert width(5000) == pytest.approx(0.04292433 * math.sqrt(5000), abs=1e-5)  # Howard's normal mixture, computed apart
    assert width(5000) / 1.959964 == pytest.approx(1.55, abs=0.005)
    assert width(5000) < min(width(1000), width(25_000))


SEQUENCES: list[Callable[..., Comparison | Undefined]] = [
    lambda estimate, **more: msprt_comparison(estimate, mixing_variance=0.02, **more),
    lambda estimate, **more: asymptotic_comparison(estimate, best_at=2000, **more),
]


@pytest.mark.parametrize("method", SEQUENCES)
@settings(deadline=None)
@given(value=st.floats(-1, 1), n=st.integers(50, 50_000), level=st.sampled_from((0.8, 0.95, 0.99)))
def test_an_interval_excludes_0_just_when_p_says_so_and_grows_with_the_level(method: Any, value: float, n: int, level: float) -> None:
    found, wider = defined(method(of_two_arms(n, value), level=level)), defined(method(of_two_arms(n, value), level=0.999))
    assert found.difference.low <= value <= found.difference.high
    assert 0 <= found.p <= 1
    if method is SEQUENCES[0] and abs(found.p - (1 - level)) > 1e-9:
        assert (found.p < 1 - level) == (not found.difference.low <= 0 <= found.difference.high)
    assert wider.difference.low < found.difference.low
    assert defined(method(of_two_arms(n, -value), level=level)).p == pytest.approx(found.p)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("value", [0.03, 0.05, 0.06, 0.065, 0.07, 0.08, 0.12])
def test_the_asymptotic_p_and_interval_agree(level: float, value: float) -> None:
    found = defined(asymptotic_comparison(Estimate(value, 0.02, 2500), best_at=5000, level=level))
    assert (found.p < 1 - level) == (found.difference.low > 0)


@pytest.mark.parametrize("method", SEQUENCES)
def test_p_never_rises_again(method: Any) -> None:
    early = defined(method(of_two_arms(1000, 0.2)))
    late = defined(method(of_two_arms(2000, 0.0), previous_p=early.p))
    assert late.p == early.p < 0.05


def test_looking_a_hundred_times_keeps_the_error_where_the_naive_test_does_not() -> None:
    naive = crossing_probability([1.959964] * 100, LOOKS)[-1]
    assert naive == pytest.approx(0.3736, abs=5e-5)  # 37.2 % in 20 000 simulated runs, whose error is 0.34 points
    looks = [of_two_arms(10 * (look + 1), 0.0) for look in range(100)]
    bounds = [defined(msprt_comparison(look, mixing_variance=0.01)).difference.high / look.se for look in looks]
    assert crossing_probability(bounds, LOOKS)[-1] == pytest.approx(0.0108, abs=5e-5)  # 1.1 % in 20 000 simulated runs
    for best_at in (200, 2000, 20_000):
        bounds = [defined(asymptotic_comparison(look, best_at=best_at)).difference.high / look.se for look in looks]
        assert crossing_probability(bounds, LOOKS)[-1] < 0.025


def by_the_book(values: list[float], mean: float, level: float) -> float:
    """Waudby-Smith and Ramdas' hedged capital at one mean, value by value."""
    alpha, above, below, total, squares = 1 - level, 1.0, 1.0, 0.0, 0.0
    variance = 0.25
    for t, value in enumerate(values, start=1):
        stake = math.sqrt(2 * math.log(2 / alpha) / (variance * t * math.log(t + 1)))
        above *= 1 + min(stake, 0.5 / mean) * (value - mean)
        below *= 1 - min(stake, 0.5 / (1 - mean)) * (value - mean)
        total += value
        squares += (value - (0.5 + total) / (t + 1)) ** 2
        variance = (0.25 + squares) / (t + 1)
    return max(above, below) / 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.sampled_from((0.8, 0.95)))
def test_betting_is_the_hedged_capital_of_the_book(values: list[float], level: float) -> None:
    interval = bet(values, level=level).interval
    for mean in np.linspace(0.01, 0.99, 50):
        kept = by_the_book(values, float(mean), level) < 1 / (1 - level)
        if min(abs(mean - interval.low), abs(mean - interval.high)) > 1e-6:
            assert (interval.low <= mean <= interval.high) == kept or interval.value in (interval.low, interval.high)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.floats(-10, 10), st.floats(0.1, 10))
def test_betting_carries_a_shift_a_scale_and_a_mirror(values: list[float], shift: float, scale: float) -> None:
    interval = bet(values).interval
    moved = bet(np.clip(shift + scale * np.array(values), shift, shift + scale), bounds=(shift, shift + scale)).interval
    mirror = bet(1 - np.array(values)).interval
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert moved.low == pytest.approx(shift + scale * interval.low, abs=1e-5)
    assert moved.high == pytest.approx(shift + scale * interval.high, abs=1e-5)
    assert mirror.low == pytest.approx(1 - interval.high, abs=1e-9)


def test_betting_holds_the_mean_at_all_looks_together() -> None:
    world, worlds, missed = np.random.default_rng(12), 200, 0
    for values in world.beta(1, 4, (worlds, 400)):
        missed += any(not (i := bet(values[:n]).interval).low <= 0.2 <= i.high for n in (5, 20, 60, 150, 400))
    assert binomtest(missed, worlds, 0.05, alternative="greater").pvalue > 0.001


def test_betting_narrows_with_small_variance_and_with_n() -> None:
    world = np.random.default_rng(2)
    widths = [(i := bet(world.random(n)).interval).high - i.low for n in (100, 1000, 10_000)]
    assert widths == sorted(widths, reverse=True)
    calm = bet(world.normal(0.5, 0.01, 1000).clip(0, 1)).interval
    assert calm.high - calm.low < widths[1] / 4
    one, other = (bet(world.random(500), level=level).interval for level in (0.8, 0.99))
    assert other.high - other.low > one.high - one.low


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=200), st.floats(0, 0.9))
def test_the_betting_test_rejects_just_when_the_interval_excludes_0(differences: list[int], lean: float) -> None:
    leaning = [1 if number < lean * len(differences) else value for number, value in enumerate(differences)]
    found = defined(betting_comparison(leaning))
    assert found.difference.low <= found.difference.value <= found.difference.high
    if abs(found.p - 0.05) > 1e-6:
        assert (found.p < 0.05) == (not found.difference.low <= 0 <= found.difference.high) or found.difference.value == 0
    assert defined(betting_comparison([-value for value in leaning])).p == pytest.approx(found.p)


def ratio(counts: Any, **more: Any) -> SequentialSampleRatio:
    found = sequential_srm(counts, **more)
    assert isinstance(found, SequentialSampleRatio)
    return found


@pytest.mark.parametrize(("concentration", "p", "exact"), [(10_000, 1.56e-4, 1.559504e-4), (100, 1.46e-3, 1.455555e-3)])
def test_sequential_srm_of_kohavis_example(concentration: float, p: float, exact: float) -> None:
    found = ratio([821_588, 815_482], concentration=concentration)
    assert found.p == pytest.approx(p, rel=0.005)
    a, b = 821_588, 815_482  # for two equal arms the factor is a ratio of beta functions
    log_factor = betaln(concentration / 2 + a, concentration / 2 + b) - betaln(concentration / 2, concentration / 2) + (a + b) * math.log(2)
    assert found.log_bayes_factor == pytest.approx(log_factor, rel=1e-6)
    assert found.p == pytest.approx(exact, rel=1e-6)
    assert (found.n, found.guarantee) == (a + b, "anytime")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.floats(0.1, 5)), min_size=2, max_size=5), st.floats(0.01, 1))
def test_srm_does_not_mind_the_order_of_arms_or_the_unit_of_shares(arms: list[tuple[int, float]], previous: float) -> None:
    counts, shares = [count for count, _ in arms], [share for _, share in arms]
    if not sum(counts):
        assert sequential_srm(counts, shares=shares) == Undefined("no members yet")
        return
    found = ratio(counts, shares=shares, previous_p=previous)
    turned = ratio(counts[::-1], shares=[3 * share for share in shares[::-1]])
    assert found.log_bayes_factor == pytest.approx(turned.log_bayes_factor, abs=1e-6)
    assert found.p == pytest.approx(min(previous, turned.p))


def test_srm_keeps_its_error_over_all_looks_and_finds_a_wrong_split() -> None:
    world, worlds = np.random.default_rng(7), 400
    looks = (50, 200, 1000, 5000, 20_000)

    def lowest(share: float) -> list[float]:
        steps = [later - earlier for earlier, later in pairwise((0, *looks))]
        firsts = [np.cumsum([world.binomial(step, share) for step in steps]) for _ in range(worlds)]
        return [min(ratio([a, n - a]).p for a, n in zip(first, looks, strict=True)) for first in firsts]

    assert binomtest(sum(p < 0.05 for p in lowest(0.5)), worlds, 0.05, alternative="greater").pvalue > 0.001
    assert np.mean([p < 0.001 for p in lowest(0.46)]) > 0.9


def test_what_cannot_be_told_is_undefined() -> None:
    still = Undefined("the difference has no error: nothing varied")
    assert msprt_comparison(Estimate(0, 0, 5), mixing_variance=1) == still
    assert asymptotic_comparison(Estimate(0, 0, 5), best_at=10) == still
    assert betting_interval([]) == betting_comparison([]) == Undefined("no values")
    assert sequential_srm([0, 0]) == Undefined("no members yet")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: msprt_comparison(Estimate(0, 1, 5), mixing_variance=0), "wanted a finite number above 0"),
        (lambda: msprt_comparison(Estimate(0, 1, 5), mixing_variance=1, level=1), "wanted a number between 0 and 1"),
        (lambda: msprt_comparison(Estimate(0, 1, 5), mixing_variance=1, previous_p=2), "wanted a number from 0 to 1"),
        (lambda: asymptotic_comparison(Estimate(0, 1, 5), best_at=0), "wanted a whole number ≥ 1"),
        (lambda: betting_interval([0.5, 1.5]), "wanted all within"),
        (lambda: betting_interval([0.5], bounds=(1, 0)), "the lower first"),
        (lambda: betting_interval([0.5], level=0), "wanted a number between 0 and 1"),
        (lambda: betting_comparison([0.5], bounds=(0, 1)), "wanted one below and one above 0"),
        (lambda: sequential_srm([5]), "wanted two arms or more"),
        (lambda: sequential_srm([5, 5], shares=[1, 0]), "each with a share above 0"),
        (lambda: sequential_srm([5, 5], shares=[1, 1, 1]), "wanted two arms or more"),
        (lambda: sequential_srm([5, -5]), "wanted whole numbers from 0"),
        (lambda: sequential_srm([5, 5], concentration=-1), "wanted a finite number above 0"),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
