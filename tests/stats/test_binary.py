"""Yes-or-no comparisons against statsmodels and published figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from clew.stats import (
    Comparison,
    Interval,
    PairedTable,
    Undefined,
    mcnemar_test,
    newcombe_difference,
    newcombe_paired_difference,
    two_proportion_z_test,
)

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
tables = st.builds(PairedTable, *[st.integers(0, 60)] * 4).filter(lambda table: table.n > 0)


def test_the_field_figures_of_two_proportions() -> None:
    found = two_proportion_z_test(100, 1000, 130, 1000)
    assert isinstance(found, Comparison)
    z, p = proportions_ztest([130, 100], [1000, 1000])
    assert z == pytest.approx(2.1027, abs=5e-5)
    assert found.p == pytest.approx(0.03549, abs=5e-6)
    assert found.p == pytest.approx(p, rel=1e-10)
    assert (found.difference.low, found.difference.high) == (pytest.approx(0.0020023, abs=5e-8), pytest.approx(0.0580705, abs=5e-8))


@pytest.mark.parametrize(("b", "a", "low", "high"), [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090)])
def test_newcombes_published_differences(b: tuple[int, int], a: tuple[int, int], low: float, high: float) -> None:
    found = newcombe_difference(*a, *b)
    assert isinstance(found, Interval)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(counts, counts, st.sampled_from((0.8, 0.95, 0.99)))
@settings(max_examples=60)
def test_newcombes_difference_agrees_with_statsmodels(a: tuple[int, int], b: tuple[int, int], level: float) -> None:
    found, expected = newcombe_difference(*a, *b, level=level), confint_proportions_2indep(*b, *a, method="newcomb", alpha=1 - level)
    assert isinstance(found, Interval)
    assert (found.low, found.high) == (pytest.approx(expected[0], abs=1e-9), pytest.approx(expected[1], abs=1e-9))
    assert -1 <= found.low <= found.value <= found.high <= 1


@given(counts, counts)
@settings(max_examples=60)
def test_the_z_test_agrees_with_statsmodels_and_is_the_chi_square_of_the_table(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = two_proportion_z_test(*a, *b)
    if a[0] + b[0] in (0, a[1] + b[1]):
        assert found == Undefined(f"all {a[1] + b[1]} trials came out the same")
        return
    assert isinstance(found, Comparison)
    table = [[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]]
    assert found.p == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-7, abs=1e-300)
    assert found.p == pytest.approx(proportions_ztest([a[0], b[0]], [a[1], b[1]])[1], rel=1e-7, abs=1e-300)


@given(tables)
@settings(max_examples=60)
def test_mcnemars_exact_p_agrees_with_statsmodels_and_mid_p_takes_the_tables_own_probability_away(table: PairedTable) -> None:
    exact, mid = mcnemar_test(table), mcnemar_test(table, mid_p=True)
    differing = table.only_a + table.only_b
    if differing == 0:
        assert exact == mid == Undefined(f"a and b agree on all {table.n} cases")
        return
    assert isinstance(exact, Comparison)
    assert isinstance(mid, Comparison)
    own = math.comb(differing, table.only_a) / 2**differing
    assert exact.p == pytest.approx(mcnemar([[table.both, table.only_a], [table.only_b, table.neither]], exact=True).pvalue, rel=1e-9)
    assert mid.p == pytest.approx(1 if table.only_a == table.only_b else exact.p - own, rel=1e-9)
    assert exact.difference.value == (table.only_b - table.only_a) / table.n


def test_published_tables_of_pairs() -> None:
    # Bentur et al. (2009) as in Fagerland, Lydersen, Laake (2013): exact .0703, mid-p .0391.
    asthma = PairedTable(both=1, only_a=1, only_b=7, neither=12)
    exact, mid, interval = mcnemar_test(asthma), mcnemar_test(asthma, mid_p=True), newcombe_paired_difference(asthma)
    assert isinstance(exact, Comparison)
    assert isinstance(mid, Comparison)
    assert isinstance(interval, Interval)
    assert (exact.p, mid.p) == (pytest.approx(0.0703, abs=5e-5), pytest.approx(0.0391, abs=5e-5))
    assert (exact.method, mid.method) == ("McNemar's exact test", "McNemar's mid-p test")
    assert (interval.low, interval.high) == (pytest.approx(0.026, abs=5e-4), pytest.approx(0.507, abs=5e-4))
    # Newcombe (1998), Statistics in Medicine 17, 2635–2650: 36, 12, 2, 0 by method 10.
    newcombe = newcombe_paired_difference(PairedTable(36, 2, 12, 0))
    assert isinstance(newcombe, Interval)
    assert (newcombe.low, newcombe.high) == (pytest.approx(0.0569, abs=5e-5), pytest.approx(0.3404, abs=5e-5))


@given(tables, st.sampled_from((0.8, 0.95)))
@settings(max_examples=60)
def test_paired_intervals_hold_their_value_turn_with_the_arms_and_widen_with_the_level(table: PairedTable, level: float) -> None:
    found, wide = newcombe_paired_difference(table, level=level), newcombe_paired_difference(table, level=0.99)
    turned = newcombe_paired_difference(PairedTable(table.both, table.only_b, table.only_a, table.neither), level=level)
    assert isinstance(found, Interval)
    assert isinstance(wide, Interval)
    assert isinstance(turned, Interval)
    assert -1 <= wide.low <= found.low <= found.value <= found.high <= wide.high <= 1
    assert (turned.low, turned.high) == (pytest.approx(-found.high, abs=1e-12), pytest.approx(-found.low, abs=1e-12))
    many = newcombe_paired_difference(table.merge(table).merge(table.merge(table)), level=level)
    assert isinstance(many, Interval)
    assume(table.only_a + table.only_b > 0)
    assert many.high - many.low < found.high - found.low


def test_pairs_that_agree_make_the_paired_interval_narrower_than_the_unpaired() -> None:
    paired, unpaired = newcombe_paired_difference(PairedTable(60, 5, 15, 20)), newcombe_difference(65, 100, 75, 100)
    assert isinstance(paired, Interval)
    assert isinstance(unpaired, Interval)
    assert paired.high - paired.low < unpaired.high - unpaired.low


def test_no_cases_are_undefined_and_wrong_arguments_refused() -> None:
    assert newcombe_paired_difference(PairedTable(0, 0, 0, 0)) == Undefined("no cases") == mcnemar_test(PairedTable(0, 0, 0, 0))
    assert newcombe_difference(0, 0, 1, 2) == Undefined("no cases in a")
    assert two_proportion_z_test(1, 2, 0, 0) == Undefined("no cases in b")
    with pytest.raises(ValueError, match="wanted a whole number ≥ 0"):
        PairedTable(1, -1, 0, 0)
    for arguments in ((3, 2, 1, 2), (1, 2, -1, 2), (0.5, 2, 1, 2)):
        with pytest.raises(ValueError, match="wanted 0 ≤ count ≤ n"):
            two_proportion_z_test(*arguments)  # type: ignore[arg-type]
    for level in (0, 1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            newcombe_difference(1, 2, 1, 2, level=level)
        with pytest.raises(ValueError, match="between 0 and 1"):
            mcnemar_test(PairedTable(1, 1, 1, 1), level=level)
