"""Adjusted p-values against statsmodels, and the sample-ratio check against scipy and Kohavi's figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from statsmodels.stats.multitest import multipletests

from clew.stats import SampleRatio, Undefined, benjamini_hochberg_adjusted, holm_adjusted, sample_ratio_test

families = st.lists(st.floats(0, 1), min_size=1, max_size=30)
METHODS = {"holm": holm_adjusted, "fdr_bh": benjamini_hochberg_adjusted}


@pytest.mark.parametrize("name", METHODS)
@given(families)
@settings(max_examples=15, deadline=None)
def test_adjusted_p_values_agree_with_statsmodels(name: str, family: list[float]) -> None:
    assert METHODS[name](family) == pytest.approx(multipletests(family, method=name)[1].tolist(), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("name", METHODS)
@given(families)
@settings(max_examples=40)
def test_adjustment_keeps_the_order_and_never_makes_p_smaller(name: str, family: list[float]) -> None:
    adjusted = METHODS[name](family)
    assert all(p * (1 - 1e-12) <= a <= 1 for p, a in zip(family, adjusted, strict=True))
    ordered = [a for _, a in sorted(zip(family, adjusted, strict=True))]
    assert ordered == sorted(ordered)
    assert METHODS[name](family[::-1]) == adjusted[::-1]


def test_no_p_values_stay_none_and_wrong_ones_are_refused() -> None:
    for method in METHODS.values():
        assert method([]) == ()
        for wrong in ([1.1], [-0.1, 0.5], [math.nan]):
            with pytest.raises(ValueError, match="wanted"):
                method(wrong)


def test_kohavis_example_is_a_mismatch_and_a_mild_one_is_not() -> None:
    kohavi, mild = sample_ratio_test([821_588, 815_482]), sample_ratio_test([5000, 5200])
    assert isinstance(kohavi, SampleRatio)
    assert isinstance(mild, SampleRatio)
    assert kohavi.chi2 == pytest.approx(22.7744, abs=5e-5)
    assert kohavi.p == pytest.approx(1.82e-6, abs=5e-9)
    assert mild.p == pytest.approx(0.04767, abs=5e-6)
    assert (kohavi.mismatch, mild.mismatch, kohavi.n, kohavi.df) == (True, False, 1_637_070, 1)


@given(st.lists(st.tuples(st.integers(20, 5_000), st.floats(0.1, 1)), min_size=2, max_size=6))
@settings(max_examples=60)
def test_the_ratio_check_agrees_with_scipy(arms: list[tuple[int, float]]) -> None:
    counts, weights = [count for count, _ in arms], [weight for _, weight in arms]
    found, n = sample_ratio_test(counts, weights), sum(counts)
    expected = [n * weight / sum(weights) for weight in weights]
    if min(expected) < 5:
        assert isinstance(found, Undefined)
        return
    assert isinstance(found, SampleRatio)
    theirs = chisquare(counts, expected)
    assert (found.chi2, found.p) == (
        pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9),
        pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-300),
    )
    assert found.df == len(arms) - 1


def test_too_few_units_are_undefined_and_wrong_arguments_refused() -> None:
    assert sample_ratio_test([4, 5]) == Undefined("9 units: fewer than 5 are to be expected in an arm")
    assert sample_ratio_test([0, 0]) == Undefined("no units: fewer than 5 are to be expected in an arm")
    for counts, weights in (([10], None), ([10, 10], [1.0]), ([10, -1], None), ([10, 10], [1.0, 0.0]), ([10, 10], [1.0, math.nan])):
        with pytest.raises(ValueError, match="wanted"):
            sample_ratio_test(counts, weights)
    with pytest.raises(ValueError, match="between 0 and 1"):
        sample_ratio_test([10, 10], threshold=0)
