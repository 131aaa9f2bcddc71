"""Boundaries for planned looks, against published tables and simulation.

Pocock, O'Brien-Fleming and Lan-DeMets: the values of Jennison and Turnbull (2000) and gsDesign; power spending: those of
spotify-confidence's solver.
"""

from __future__ import annotations

import doctest
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

import clew.stats.group_sequential
from clew.stats.group_sequential import Boundaries, crossing_probability, group_boundaries, group_sequential_comparison
from clew.stats.result import Comparison, Estimate, Undefined

PLANS = ("pocock", "obrien-fleming", "lan-demets-of", "power")


def defined(result: Comparison | Undefined) -> Comparison:
    assert isinstance(result, Comparison)
    assert result.guarantee == "group sequential"
    return result


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(clew.stats.group_sequential).failed == 0


@pytest.mark.parametrize(
    ("plan", "looks", "last"),
    [
        *[("pocock", looks, bound) for looks, bound in ((2, 2.1783), (3, 2.2895), (4, 2.3613), (5, 2.4132))],
        *[("obrien-fleming", looks, bound) for looks, bound in ((2, 1.9774), (3, 2.0040), (4, 2.0243), (5, 2.0401))],
    ],
)
def test_the_constants_of_pocock_and_of_obrien_and_fleming(plan: Any, looks: int, last: float) -> None:
    boundaries = group_boundaries(looks, plan=plan)
    assert boundaries.critical[-1] == pytest.approx(last, abs=5.1e-5)
    assert boundaries.spent[-1] == pytest.approx(0.05, abs=1e-9)
    assert all(bound >= boundaries.critical[-1] - 1e-9 for bound in boundaries.critical)


@pytest.mark.parametrize(
    ("plan", "bounds", "digits"),
    [
        ("obrien-fleming", (4.562, 3.226, 2.634, 2.281, 2.040), 5.1e-4),
        ("lan-demets-of", (3.7103, 2.5114, 1.9930), 5.1e-5),
        ("lan-demets-of", (4.8769, 3.3570, 2.6803, 2.2898, 2.0310), 5.1e-5),
        ("power", (3.0902, 2.7141, 2.4728, 2.2799, 2.1140), 5.1e-5),
    ],
)
def test_the_bounds_of_every_look(plan: Any, bounds: tuple[float, ...], digits: float) -> None:
    assert group_boundaries(len(bounds), plan=plan).critical == pytest.approx(bounds, abs=digits)


@pytest.mark.parametrize(("looks", "error"), [(5, 0.1417), (10, 0.1934), (20, 0.2479), (100, 0.3736)])
def test_the_naive_tests_error_when_one_looks_again_and_again(looks: int, error: float) -> None:
    # Armitage, McPherson and Rowe (1969): 14.2, 19.3 and 24.8 %; a hundred looks: 37.2 % in 20 000 simulated runs
    found = crossing_probability([1.959964] * looks, [(look + 1) / looks for look in range(looks)])
    assert found[-1] == pytest.approx(error, abs=5e-5)
    assert found[0] == pytest.approx(0.05, abs=1e-8)


@pytest.mark.parametrize("plan", PLANS)
def test_worlds_without_a_difference_cross_as_often_as_the_level_says(plan: Any) -> None:
    world, worlds, information = np.random.default_rng(3), 20_000, (0.1, 0.25, 0.6, 1.0)
    boundaries = group_boundaries(information, plan=plan, level=0.9)
    steps = np.sqrt(np.diff((0.0, *information)))
    z = np.cumsum(world.normal(size=(worlds, 4)) * steps, axis=1) / np.sqrt(information)
    crossed = int((np.abs(z) >= boundaries.critical).any(axis=1).sum())
    assert binomtest(crossed, worlds, 0.1).pvalue > 0.001
    assert boundaries.spent == pytest.approx(crossing_probability(boundaries.critical, information), abs=1e-9)


@pytest.mark.parametrize("plan", PLANS)
def test_one_look_is_the_fixed_test(plan: Any) -> None:
    assert group_boundaries(1, plan=plan).critical[0] == pytest.approx(norm.isf(0.025), abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(PLANS), st.lists(st.floats(0.05, 1), min_size=1, max_size=5), st.sampled_from((0.8, 0.95, 0.99)))
def test_bounds_grow_with_the_level_and_spending_is_kept_at_uneven_looks(plan: Any, steps: list[float], level: float) -> None:
    information = list(np.cumsum(steps) / np.sum(steps))
    lower, higher = (group_boundaries(information, plan=plan, level=one).critical for one in (level, level + 0.005))
    assert all(a < b for a, b in zip(lower, higher, strict=True))
    assert crossing_probability(lower, information)[-1] == pytest.approx(1 - level, abs=1e-8)


def test_an_early_stop_has_spent_only_its_part() -> None:
    half = group_boundaries([0.25, 0.5], plan="power")
    assert half.spent == pytest.approx((0.05 / 16, 0.05 / 4))
    assert half.critical == pytest.approx(group_boundaries([0.25, 0.5, 1.0], plan="power").critical[:2], abs=1e-9)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("look", [1, 3])
def test_the_interval_excludes_0_just_when_z_is_beyond_and_p_below(plan: Any, look: int) -> None:
    boundaries = group_boundaries(3, plan=plan)
    bound = boundaries.critical[look - 1]
    for z in (-bound - 0.01, bound - 0.01, bound + 0.01):
        found = defined(group_sequential_comparison(Estimate(z * 0.5, 0.5, 90), boundaries, look=look))
        beyond = abs(z) > bound
        assert (found.difference.low > 0 or found.difference.high < 0) == beyond
        assert (found.p < 0.05) == beyond
        assert found.p == pytest.approx(0.05, rel=0.1)


def test_p_falls_with_z_and_never_to_0() -> None:
    boundaries = group_boundaries(4, plan="lan-demets-of")
    ps = [defined(group_sequential_comparison(Estimate(z, 1.0, 9), boundaries, look=2)).p for z in (0.0, 1.0, 2.0, 4.0, 50.0)]
    assert ps == sorted(ps, reverse=True)
    assert ps[0] > 0.99
    assert 0 < ps[-1] < 1e-14
    assert defined(group_sequential_comparison(Estimate(1.0, 0.4, 9), boundaries, look=2)).method.endswith("look 2 of 4")


def test_repeated_intervals_hold_the_truth_at_all_looks_together() -> None:
    world, worlds = np.random.default_rng(5), 20_000
    boundaries = group_boundaries(3, plan="pocock")
    z = np.cumsum(world.normal(size=(worlds, 3)), axis=1) / np.sqrt(np.arange(1, 4))  # of estimate − truth
    missed = int((np.abs(z) > boundaries.critical).any(axis=1).sum())
    assert binomtest(missed, worlds, 0.05).pvalue > 0.001


def test_many_looks_and_tiny_errors_stay_numbers() -> None:
    many = group_boundaries(60, plan="lan-demets-of")
    assert crossing_probability(many.critical, many.information)[-1] == pytest.approx(0.05, abs=1e-8)
    assert many.critical[0] <= 37
    strict = group_boundaries(3, plan="obrien-fleming", level=1 - 1e-9)
    assert strict.critical[-1] == pytest.approx(norm.isf(0.5e-9), abs=0.02)


def test_no_error_is_undefined() -> None:
    still = Undefined("the difference has no error: nothing varied")
    assert group_sequential_comparison(Estimate(1, 0, 5), group_boundaries(2), look=1) == still


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: group_boundaries(0), "wanted a whole number ≥ 1"),
        (lambda: group_boundaries([]), "wanted shares that grow"),
        (lambda: group_boundaries([0.5, 0.5]), "wanted shares that grow"),
        (lambda: group_boundaries([0.5, 1.5]), "wanted shares that grow"),
        (lambda: group_boundaries(3, plan="haybittle"), "wanted one of 'pocock', 'obrien-fleming'"),  # type: ignore[arg-type]
        (lambda: group_boundaries(3, plan="power", power=0), "wanted a finite number above 0"),
        (lambda: group_boundaries(3, level=95), "wanted a number between 0 and 1"),
        (lambda: crossing_probability([2.0], [0.5, 1.0]), "wanted one above 0 for each"),
        (lambda: crossing_probability([2.0, -1], [0.5, 1.0]), "wanted one above 0 for each"),
        (lambda: group_sequential_comparison(Estimate(1, 1, 5), group_boundaries(2), look=3), "wanted one from 1 to 2"),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_boundaries_say_what_they_were_made_for() -> None:
    assert isinstance(boundaries := group_boundaries(2, plan="pocock", level=0.9), Boundaries)
    assert (boundaries.plan, boundaries.level, boundaries.information) == ("pocock", 0.9, (0.5, 1.0))
