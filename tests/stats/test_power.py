"""Sample sizes and detectable effects against statsmodels, against each other, and against the tests they plan."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, nct, norm
from scipy.stats import t as student
from statsmodels.stats.power import NormalIndPower, TTestIndPower, TTestPower
from statsmodels.stats.proportion import proportion_effectsize, samplesize_proportions_2indep_onetail

from clew.stats import (
    Comparison,
    Detectable,
    Estimate,
    Interval,
    Moments,
    SampleSize,
    Undefined,
    cases_needed,
    design_effect,
    detectable_effect,
    detectable_mean_difference,
    detectable_paired_difference,
    detectable_proportion_difference,
    labels_needed,
    paired_t_test,
    sample_size_clustered,
    sample_size_for_means,
    sample_size_for_proportions,
    sample_size_paired,
    wilson_interval,
)
from clew.stats.power import _t_power

effects = st.floats(0.02, 2.5)
powers = st.sampled_from((0.5, 0.8, 0.9, 0.99))
levels = st.sampled_from((0.8, 0.95, 0.99))
NO_DIFFERENCE = Undefined("no number of cases shows a difference of 0")
NO_SPREAD = Undefined("the values do not vary: any difference shows at once")


def test_the_field_figures() -> None:
    means = sample_size_for_means(0.02, 1.0)
    assert isinstance(means, SampleSize)
    assert means.exact == pytest.approx(39_245, abs=0.5)
    assert means.exact == pytest.approx(TTestIndPower().solve_power(0.02, alpha=0.05, power=0.8), rel=1e-7)
    ways = (("unpooled", 3838.1), ("pooled", 3840.8), ("arcsine", 3834.6))
    for way, expected in ways:
        found = sample_size_for_proportions(0.10, 0.12, variance=way)  # type: ignore[arg-type]
        assert isinstance(found, SampleSize)
        assert found.exact == pytest.approx(expected, abs=0.05)
        assert found.n == math.ceil(expected)


@given(effects, powers, levels)
@settings(max_examples=25, deadline=None)
def test_means_and_pairs_agree_with_statsmodels(effect: float, power: float, level: float) -> None:
    for ours, theirs in (
        (sample_size_for_means(3 * effect, 3.0, power=power, level=level), TTestIndPower()),
        (cases_needed(-3 * effect, 3.0, power=power, level=level), TTestPower()),
    ):
        assert isinstance(ours, SampleSize)
        if ours.exact > 2.5:  # below, statsmodels' search gives up
            (n,) = (ours.exact,)
            assert theirs.power(effect, n, alpha=1 - level) == pytest.approx(power, abs=1e-7)
        before = theirs.power(effect, max(2, ours.n - 1), alpha=1 - level)
        assert theirs.power(effect, ours.n, alpha=1 - level) >= power - 1e-9
        assert before < power or ours.n == 2


@given(st.floats(0.02, 0.9), st.floats(0.02, 0.9), powers, levels)
@settings(max_examples=30, deadline=None)
def test_proportions_agree_with_statsmodels(base: float, target: float, power: float, level: float) -> None:
    if abs(base - target) < 0.01:
        return
    pooled = sample_size_for_proportions(base, target, power=power, level=level)
    arcsine = sample_size_for_proportions(base, target, variance="arcsine", power=power, level=level)
    assert isinstance(pooled, SampleSize)
    assert isinstance(arcsine, SampleSize)
    expected = samplesize_proportions_2indep_onetail(abs(target - base), min(base, target), power, alpha=1 - level)
    assert pooled.exact == pytest.approx(expected, rel=1e-7)
    one_tail = NormalIndPower().power(abs(proportion_effectsize(target, base)), arcsine.exact, (1 - level) / 2, alternative="larger")
    assert one_tail == pytest.approx(power, abs=1e-9)


@given(st.integers(2, 100_000), st.floats(0.1, 50), powers, levels)
@settings(max_examples=40, deadline=None)
def test_what_is_detectable_with_n_needs_n(n: int, sd: float, power: float, level: float) -> None:
    for found, size in (
        (detectable_mean_difference(n, sd, power=power, level=level), sample_size_for_means),
        (detectable_paired_difference(n, sd, power=power, level=level), cases_needed),
    ):
        assert isinstance(found, Detectable)
        back = size(found.effect, sd, power=power, level=level)
        assert isinstance(back, SampleSize)
        assert back.exact == pytest.approx(n, rel=1e-6)


@given(st.integers(30, 100_000), st.floats(0, 0.95), powers)
@settings(max_examples=40, deadline=None)
def test_a_detectable_change_of_a_proportion_needs_n_and_falls_mirror_rises(n: int, base: float, power: float) -> None:
    found = detectable_proportion_difference(n, base, power=power)
    mirror = detectable_proportion_difference(n, 1 - base, way="fall", power=power)
    if isinstance(found, Undefined):
        assert isinstance(mirror, Undefined)
        return
    assert isinstance(mirror, Detectable)
    assert mirror.effect == pytest.approx(found.effect, rel=1e-6)
    back = sample_size_for_proportions(base, min(1.0, base + found.effect), power=power)
    assert isinstance(back, SampleSize)
    assert back.exact == pytest.approx(n, rel=1e-4)


def test_more_power_a_higher_level_a_smaller_effect_and_clusters_all_need_more() -> None:
    def n(size: SampleSize | Undefined) -> float:
        assert isinstance(size, SampleSize)
        return size.exact

    plain = n(sample_size_for_means(0.5, 1))
    assert plain < n(sample_size_for_means(0.5, 1, power=0.9))
    assert plain < n(sample_size_for_means(0.5, 1, level=0.99))
    assert plain < n(sample_size_for_means(0.4, 1))
    assert n(sample_size_paired(0.5, 1, 0.9)) < n(sample_size_paired(0.5, 1, 0.5)) < n(sample_size_paired(0.5, 1, 0))
    assert n(sample_size_clustered(0.5, 1, 4, 0.1)) < n(sample_size_clustered(0.5, 1, 4, 0.5))
    assert n(sample_size_for_means(5, 10)) == pytest.approx(plain, rel=1e-9)
    assert n(sample_size_for_means(-0.5, 1)) == plain


def test_clusters_of_one_value_are_no_clusters_and_full_ones_count_as_one_value() -> None:
    plain, single, full = sample_size_for_means(0.3, 1), sample_size_clustered(0.3, 1, 1, 0.4), sample_size_clustered(0.3, 1, 8, 1)
    assert isinstance(plain, SampleSize)
    assert isinstance(single, SampleSize)
    assert isinstance(full, SampleSize)
    assert single.exact == pytest.approx(plain.exact, rel=1e-9)
    assert (single.clusters, full.clusters, full.n) == (plain.n, plain.n, 8 * plain.n)
    assert design_effect(1, 0.5) == 1
    assert design_effect(20, 0.05) == pytest.approx(1.95)
    # Independent values in clusters need what independent values need, but for the degrees of freedom.
    loose = sample_size_clustered(0.3, 1, 8, 0)
    assert isinstance(loose, SampleSize)
    assert plain.n <= loose.n <= plain.n + 16


def test_a_finished_experiments_detectable_effect_is_a_fixed_number_of_errors() -> None:
    known = detectable_effect(Estimate(1.0, 0.5, 100))
    assert isinstance(known, Detectable)
    assert known.effect == pytest.approx(0.5 * (norm.ppf(0.975) + norm.ppf(0.8)), rel=1e-4)  # the far tail adds the last digit
    pairs, planned = detectable_effect(Estimate(1.0, 2 / math.sqrt(50), 50, df=49)), detectable_paired_difference(50, 2.0)
    assert isinstance(pairs, Detectable)
    assert isinstance(planned, Detectable)
    assert pairs.effect == pytest.approx(planned.effect, rel=1e-12)
    assert planned.effect == pytest.approx(2 * TTestPower().solve_power(nobs=50, alpha=0.05, power=0.8), rel=1e-6)
    many = detectable_effect(Estimate(1.0, 0.5, 100, df=1.1e8))
    assert isinstance(many, Detectable)
    assert many.effect == pytest.approx(detectable_effect(Estimate(1.0, 0.5, 100, df=0.9e8)).effect, rel=1e-6)  # type: ignore[union-attr]


@given(st.floats(1, 400), st.floats(0, 12), levels)
@settings(max_examples=80, deadline=None)
def test_power_is_that_of_the_noncentral_t_wherever_scipy_has_it(df: float, errors: float, level: float) -> None:
    critical = student.ppf((1 + level) / 2, df)
    expected = nct.sf(critical, df, errors) + nct.cdf(-critical, df, errors)
    found = _t_power(errors, df, level)
    assert 0 < found <= 1 + 1e-12
    if not math.isnan(expected):
        assert found == pytest.approx(expected, abs=1e-7)


def test_power_is_there_where_scipy_1_17_has_none() -> None:
    errors, critical = 7.930800916977482 * math.sqrt(2.7979), student.ppf(0.995, 1.7979)
    spread = np.sqrt(np.random.default_rng(2).chisquare(1.7979, 400_000) / 1.7979)
    assert _t_power(errors, 1.7979, 0.99) == pytest.approx(norm.sf(critical * spread - errors).mean(), abs=0.003)


def test_the_planned_test_has_the_power_it_was_planned_for() -> None:
    size = cases_needed(0.8, 1.0)
    assert isinstance(size, SampleSize)
    rng, draws = np.random.default_rng(1), 1_500
    hits = 0
    for row in rng.normal(0.8, 1.0, (draws, size.n)):
        found = paired_t_test(Moments.of(row))
        assert isinstance(found, Comparison)
        hits += found.p < 0.05
    assert binomtest(hits, draws, 0.82).pvalue > 0.001  # 15 cases give .82


@given(st.floats(0.005, 0.3), st.floats(0, 1), levels)
@settings(max_examples=60)
def test_so_many_labels_and_no_fewer_bring_wilsons_interval_within_the_margin(margin: float, rate: float, level: float) -> None:
    found = labels_needed(margin, rate=rate, level=level)
    z = norm.ppf((1 + level) / 2)

    def half(n: int) -> float:
        return float(z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n))

    assert half(found.n) <= margin * (1 + 1e-9)
    assert found.n == 1 or half(found.n - 1) > margin * (1 - 1e-9)
    assert (found.effect, found.power) == (margin, None)


def test_half_the_labels_right_gives_the_planned_interval() -> None:
    size = labels_needed(0.05)
    interval, smaller = wilson_interval(size.n // 2, size.n), wilson_interval(190, 380)
    assert size.n == 381
    assert isinstance(interval, Interval)
    assert isinstance(smaller, Interval)
    assert (interval.high - interval.low) / 2 <= 0.05 < (smaller.high - smaller.low) / 2


def test_what_no_number_of_cases_gives_says_why() -> None:
    assert sample_size_for_means(0, 1) == cases_needed(0, 1) == sample_size_clustered(0, 1, 2, 0.1) == NO_DIFFERENCE
    assert sample_size_for_proportions(0.3, 0.3) == NO_DIFFERENCE
    assert sample_size_for_means(1, 0) == sample_size_paired(1, 2, 1) == detectable_mean_difference(9, 0) == NO_SPREAD
    assert detectable_paired_difference(9, 0) == detectable_effect(Estimate(1, 0, 9)) == NO_SPREAD
    assert isinstance(cases_needed(1e-200, 1), Undefined)
    few = Undefined("3 units per arm are too few to see even a rise from 0.5 to 1")
    assert detectable_proportion_difference(3, 0.5) == few
    assert isinstance(detectable_proportion_difference(100, 1.0), Undefined)
    assert isinstance(detectable_proportion_difference(100, 0.0, way="fall"), Undefined)
    large = cases_needed(100, 1)
    assert isinstance(large, SampleSize)
    assert (large.n, large.exact) == (2, 2.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sample_size_for_means(math.nan, 1),
        lambda: sample_size_for_means(1, -1),
        lambda: sample_size_for_means(1, math.nan),
        lambda: cases_needed(1, 1, power=1),
        lambda: cases_needed(1, 1, power=0.05),
        lambda: cases_needed(1, 1, level=math.nan),
        lambda: sample_size_paired(1, 1, 1.1),
        lambda: sample_size_clustered(1, 1, 0, 0.1),
        lambda: sample_size_clustered(1, 1, 2, -0.1),
        lambda: design_effect(0.5, 0.1),
        lambda: detectable_mean_difference(1, 1),
        lambda: detectable_paired_difference(1, 1),
        lambda: detectable_effect(Estimate(1, -1, 9)),
        lambda: sample_size_for_proportions(-0.1, 0.5),
        lambda: sample_size_for_proportions(0.1, 0.5, variance="exact"),  # type: ignore[arg-type]
        lambda: detectable_proportion_difference(0, 0.5),
        lambda: detectable_proportion_difference(9, 1.5),
        lambda: detectable_proportion_difference(9, 0.5, way="up"),  # type: ignore[arg-type]
        lambda: labels_needed(0.5),
        lambda: labels_needed(0.1, rate=2),
        lambda: labels_needed(0.1, level=1),
    ],
)
def test_wrong_arguments_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"found .* wanted"):
        call()  # type: ignore[operator]
