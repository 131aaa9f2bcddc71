"""Lift, ratios and CUPED against tea-tasting's and GrowthBook's figures and against what they are by definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from clew.stats import (
    Comparison,
    Estimate,
    Interval,
    Moments,
    PairMoments,
    Undefined,
    cuped_coefficient,
    cuped_test,
    estimate_comparison,
    lift_interval,
    ratio_estimate,
    ratio_test,
    welch_test,
)
from clew.stats.comparison import unpaired_estimate

GROWTHBOOK = (Moments(3407, 3407 * 0.41, 3406 * 3.9**2 + 3407 * 0.41**2), Moments(3461, 3461 * 0.70, 3460 * 6.2**2 + 3461 * 0.70**2))
positive = st.lists(st.integers(1, 80).map(lambda n: n / 8), min_size=3, max_size=25)

# A small data set made by arithmetic. What tea-tasting 1.14.0 made of it (2026-11, numpy 2.4.6, scipy 1.17.1), with
# Mean("y", "x") and RatioOfMeans("num", "d"), stands in the tests below.
I = np.arange(240)
ARM = I % 2
X = ((I * 37) % 101) / 10.0
Y = 0.8 * X + ((I * 53) % 89) / 20.0 + 0.4 * ARM
D = 1.0 + (I * 29) % 7
NUM = ((I * 41) % 5) * 1.0 + D * 0.5 + 0.6 * ARM


def arms(x: np.ndarray, y: np.ndarray) -> tuple[PairMoments, PairMoments]:
    return PairMoments.of(x[ARM == 0], y[ARM == 0]), PairMoments.of(x[ARM == 1], y[ARM == 1])


def test_cuped_meets_tea_tasting_to_eight_digits() -> None:
    found = cuped_test(*arms(X, Y))
    assert isinstance(found, Comparison)
    assert found.difference.value == pytest.approx(0.45415767707402654, rel=1e-8)
    assert found.difference.low == pytest.approx(0.12575240717871983, rel=1e-8)
    assert found.difference.high == pytest.approx(0.7825629469693333, rel=1e-8)
    assert found.p == pytest.approx(0.006921353077101504, rel=1e-8)
    plain = welch_test(*(arm.y for arm in arms(X, Y)))
    assert isinstance(plain, Comparison)
    assert plain.p == pytest.approx(0.19128906471730814, rel=1e-8)


def test_ratios_meet_tea_tasting_to_eight_digits() -> None:
    a, b = arms(D, NUM)
    first, found = ratio_estimate(a), ratio_test(a, b)
    assert isinstance(first, Estimate)
    assert isinstance(found, Comparison)
    assert first.value == pytest.approx(1.0031446540880502, rel=1e-12)
    assert found.difference.value == pytest.approx(0.14957501118391892, rel=1e-8)
    assert found.difference.low == pytest.approx(0.031184206440078938, rel=1e-8)
    assert found.difference.high == pytest.approx(0.2679658159277589, rel=1e-8)
    assert found.p == pytest.approx(0.013500831782591309, rel=1e-8)


def test_the_field_figures_of_the_ratio_and_of_cuped_follow_from_each_other() -> None:
    # experiment_statistics.md, n = 2000: ratios .23759321 and .27647207 with se .00992218 give z 3.91838, p 9.216e-5.
    variance = 0.00992218**2 * 500
    estimate = unpaired_estimate(0.27647207 - 0.23759321, variance, 1000, variance, 1000)
    assert isinstance(estimate, Estimate)
    assert estimate.value / estimate.se == pytest.approx(3.91838, abs=1e-4)
    assert estimate_comparison(estimate, "ratio").p == pytest.approx(9.216e-5, rel=5e-4)
    # CUPED's: difference .28874103, p .10739754, se .17926.
    cuped = Estimate(0.28874103, 0.17926, 2000, 1998)
    assert estimate_comparison(cuped, "CUPED").p == pytest.approx(0.10739754, abs=5e-5)


def test_growthbooks_fixture_gets_fiellers_interval_and_one_verdict() -> None:
    lift, absolute = lift_interval(*GROWTHBOOK), welch_test(*GROWTHBOOK)
    assert isinstance(lift, Interval)
    assert isinstance(absolute, Comparison)
    assert lift.value == pytest.approx(0.70 / 0.41 - 1)
    assert lift.low > 0
    # The field figures take the normal distribution's 1.95996 for t: the level that makes them the same of 5841.7 degrees of freedom.
    normal = lift_interval(*GROWTHBOOK, level=1 - 2 * student.sf(1.959963984540054, 5841.7))
    assert isinstance(normal, Interval)
    assert (normal.low, normal.high) == (pytest.approx(0.09417, abs=5e-6), pytest.approx(1.70840, abs=5e-6))
    assert absolute.p < 0.05  # the delta method says p .06191 and [−.03526, 1.44989] of the same data
    (a, b), t = GROWTHBOOK, student.ppf(0.975, 5841.7)
    delta = math.sqrt(b.variance / (b.count * a.mean**2) + b.mean**2 * a.variance / (a.count * a.mean**4))
    assert lift.value - t * delta == pytest.approx(-0.035, abs=2e-3)


@given(positive, positive, st.sampled_from((0.8, 0.95, 0.99)))
@settings(max_examples=100)
def test_lift_excludes_0_exactly_when_the_difference_does(a: list[float], b: list[float], level: float) -> None:
    assume(len(set(a)) > 1 or len(set(b)) > 1)
    lift, absolute = lift_interval(Moments.of(a), Moments.of(b), level=level), welch_test(Moments.of(a), Moments.of(b), level=level)
    assert isinstance(absolute, Comparison)
    if isinstance(lift, Undefined):
        assert lift.reason.startswith("the mean of a is not clearly away from 0")
        return
    assert lift.low <= lift.value <= lift.high
    assume(abs(absolute.p - (1 - level)) > 1e-9)
    assert (absolute.p < 1 - level) == (lift.low > 0 or lift.high < 0)


@given(positive, positive, st.sampled_from((0.5, 3.0, 64.0)))
@settings(max_examples=40)
def test_lift_has_no_unit(a: list[float], b: list[float], scale: float) -> None:
    assume(len(set(a)) > 1)
    plain, scaled = (lift_interval(Moments.of(np.array(a) * s), Moments.of(np.array(b) * s)) for s in (1.0, scale))
    assume(isinstance(plain, Interval) and plain.high < 1e6)
    assert isinstance(plain, Interval)
    assert isinstance(scaled, Interval)
    assert (scaled.low, scaled.high) == (pytest.approx(plain.low, rel=1e-6, abs=1e-9), pytest.approx(plain.high, rel=1e-6, abs=1e-9))


def test_fiellers_ends_are_where_welch_would_just_reject_that_ratio() -> None:
    a, b = Moments.of([9, 10, 11, 10, 12]), Moments.of([12, 13, 11, 12, 9])
    lift = lift_interval(a, b)
    estimate = unpaired_estimate(0, a.variance, a.count, b.variance, b.count)
    assert isinstance(lift, Interval)
    assert isinstance(estimate, Estimate)
    for end in (lift.low, lift.high):
        ratio = 1 + end
        error = math.sqrt(b.variance / b.count + ratio**2 * a.variance / a.count)
        assert abs(b.mean - ratio * a.mean) / error == pytest.approx(student.ppf(0.975, estimate.df), rel=1e-9)


def test_a_ratio_is_the_mean_of_its_linear_part() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.poisson(9, 400) + 1.0, rng.normal(5, 2, 400)
    found, ratio = ratio_estimate(PairMoments.of(x, y)), y.sum() / x.sum()
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(ratio, rel=1e-12)
    assert found.se == pytest.approx(np.std((y - ratio * x) / x.mean(), ddof=1) / 20, rel=1e-9)
    formula = (y.var(ddof=1) - 2 * ratio * np.cov(x, y)[0, 1] + ratio**2 * x.var(ddof=1)) / x.mean() ** 2 / 400
    assert found.se == pytest.approx(math.sqrt(formula), rel=1e-9)
    means = ratio_estimate(PairMoments.of(np.ones(400), y))
    assert isinstance(means, Estimate)
    assert (means.value, means.se) == (pytest.approx(y.mean()), pytest.approx(y.std(ddof=1) / 20))


def test_cuped_leaves_one_minus_rho_squared_of_the_variance() -> None:
    everyone = PairMoments.of(X, Y)
    theta = cuped_coefficient(everyone)
    assert isinstance(theta, float)
    assert theta == pytest.approx(sm.OLS(Y, sm.add_constant(X)).fit().params[1], rel=1e-9)
    rho = np.corrcoef(X, Y)[0, 1]
    assert everyone.variance_of(-theta, 1) / everyone.y.variance == pytest.approx(1 - rho**2, rel=1e-9)


def test_cuped_agrees_with_regression_on_the_covariate() -> None:
    model = sm.OLS(Y, np.column_stack([np.ones(240), ARM, X - X.mean()])).fit(cov_type="HC2", use_t=True)
    found = cuped_test(*arms(X, Y))
    assert isinstance(found, Comparison)
    assert found.difference.value == pytest.approx(model.params[1], rel=0.01)  # θ from all units, not from within the arms
    assert found.p == pytest.approx(model.pvalues[1], rel=0.05)


def test_merged_parts_give_the_same_verdict() -> None:
    whole = cuped_test(*arms(X, Y))
    halves = [PairMoments.of(X[part], Y[part]) for arm in (0, 1) for part in np.array_split(np.flatnonzero(arm == ARM), 2)]
    parts = cuped_test(halves[0].merge(halves[1]), halves[2].merge(halves[3]))
    assert isinstance(whole, Comparison)
    assert isinstance(parts, Comparison)
    assert parts.p == pytest.approx(whole.p, rel=1e-9)


def test_what_cannot_be_said_says_why() -> None:
    two, one, flat = PairMoments.of([1, 2], [3, 5]), PairMoments.of([1], [1]), PairMoments.of([1, 1], [1, 2])
    away = Undefined("the mean of a is not clearly away from 0: a share of it has no bounds")
    assert lift_interval(Moments.of([-1, 1, 0]), Moments.of([1, 2])) == away
    assert lift_interval(Moments.of([1]), Moments.of([1, 2])) == Undefined("1 values in a: at least 2 are needed to see how much they vary")
    assert ratio_estimate(one) == Undefined("1 units: at least 2 are needed to see how much they vary")
    assert ratio_estimate(PairMoments.of([1, -1], [1, 2])) == Undefined("the denominators add up to 0")
    assert ratio_estimate(PairMoments.of([0.1, 0.3, 0.7], [0.2, 0.6, 1.4])) == Undefined("the ratio is the same in every unit")
    assert ratio_test(two, one) == ratio_estimate(one) == ratio_test(one, two)
    assert cuped_coefficient(flat) == Undefined("all 2 covariates are the same")
    assert cuped_test(flat, flat) == Undefined("all 4 covariates are the same")
    assert cuped_test(two, one) == Undefined("1 units in b: at least 2 are needed to see how much they vary")
    straight = PairMoments.of([0.1, 0.2, 0.3], [0.7, 1.4, 2.1])
    assert cuped_test(straight, straight) == Undefined("no value differs from the others of its side")
    for call in (
        lambda level: lift_interval(two.x, two.y, level=level),
        lambda level: ratio_test(two, two, level=level),
        lambda level: cuped_test(two, two, level=level),
    ):
        for level in (0, 1, math.nan):
            with pytest.raises(ValueError, match="between 0 and 1"):
                call(level)
