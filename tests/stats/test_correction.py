"""Rates put right by human labels, in worlds whose truth is known, and against ppi-python and worked examples.

Values marked ppi-python come from the PyPI package ppi-python 0.2.3, run once on the same data.
"""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import binomtest

import clew.stats.correction
from clew.stats.correction import (
    Corrected,
    CorrectedComparison,
    CorrectedRate,
    JudgedSample,
    ppi_difference,
    ppi_mean,
    ppi_rate,
    rogan_gladen,
)
from clew.stats.interval import wilson_interval
from clew.stats.result import Interval, Undefined

WORLDS = 400
SENSITIVITY, SPECIFICITY = 0.9, 0.8
Row = NDArray[np.float64]


def judged(world: np.random.Generator, n: int, rate: float) -> tuple[Row, Row]:
    """What humans would say of n cases, and what the judge says."""
    truth = world.random(n) < rate
    return truth.astype(float), (world.random(n) < np.where(truth, SENSITIVITY, 1 - SPECIFICITY)).astype(float)


def sample_of(world: np.random.Generator, humans: int, more: int, rate: float) -> JudgedSample:
    truth, judge = judged(world, humans + more, rate)
    return JudgedSample(truth[:humans], judge[:humans], judge[humans:], "random")


def is_about_95_percent(covered: int) -> bool:
    return bool(binomtest(covered, WORLDS, 0.95).pvalue > 0.001)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(clew.stats.correction).failed == 0


def test_the_power_tuned_mean_is_that_of_ppi_python() -> None:
    world = np.random.default_rng(20)
    truth = (world.random(2000) < 0.6).astype(float)
    judge = np.where(world.random(2000) < np.where(truth == 1, 0.9, 0.2), 1.0, 0.0)
    corrected = ppi_mean(JudgedSample(truth[:200], judge[:200], judge[200:], "random"))
    assert isinstance(corrected, Corrected)
    assert corrected.interval.value == pytest.approx(0.60034764, abs=5e-9)  # ppi-python
    assert corrected.estimate.se * math.sqrt(199 / 200) == pytest.approx(0.02634503, abs=5e-6)  # ppi-python divides by n, not n - 1
    assert corrected.estimate.df == 199
    assert corrected.warnings == ()


@pytest.mark.parametrize("humans", [50, 200, 1000])
def test_the_corrected_rate_covers_the_truth_and_the_judges_own_does_not(humans: int) -> None:
    world, rate, more = np.random.default_rng(humans), 0.3, 3000
    ppi, rogan, alone = 0, 0, 0
    for _ in range(WORLDS):
        truth, judge = judged(world, humans + more, rate)
        corrected = ppi_rate(JudgedSample(truth[:humans], judge[:humans], judge[humans:], "random"))
        assert isinstance(corrected, Corrected)
        ppi += corrected.interval.low <= rate <= corrected.interval.high
        yes, said = truth[:humans] == 1, judge[:humans] == 1
        true_rate = rogan_gladen(
            int(judge[humans:].sum()), more, sensitivity=(int((yes & said).sum()), int(yes.sum())),
            specificity=(int((~yes & ~said).sum()), int((~yes).sum())), drawn="random",
        )  # fmt: skip
        assert isinstance(true_rate, CorrectedRate)
        rogan += true_rate.interval.low <= rate <= true_rate.interval.high
        own = wilson_interval(int(judge.sum()), judge.size)
        assert isinstance(own, Interval)
        alone += own.low <= rate <= own.high
    assert is_about_95_percent(ppi)
    assert is_about_95_percent(rogan)
    assert alone == 0


def test_the_judge_narrows_the_interval_and_a_coin_does_not_widen_it() -> None:
    world = np.random.default_rng(3)
    truth, judge = judged(world, 5200, 0.5)
    coin = world.integers(0, 2, 5200).astype(float)
    alone = truth[:200].std(ddof=1) / math.sqrt(200)
    good = ppi_mean(JudgedSample(truth[:200], judge[:200], judge[200:], "random"))
    useless = ppi_mean(JudgedSample(truth[:200], coin[:200], coin[200:], "random"))
    assert isinstance(good, Corrected)
    assert isinstance(useless, Corrected)
    assert good.estimate.se < 0.8 * alone
    assert good.worth > 300
    assert useless.estimate.se < 1.01 * alone
    assert useless.weight < 0.15


@pytest.mark.parametrize("paired", [False, True])
def test_a_difference_of_two_systems_covers_the_truth_though_the_judge_favours_one(paired: bool) -> None:
    world, covered, alone, decided = np.random.default_rng(6), 0, [], 0
    for _ in range(WORLDS):
        truth, judge = judged(world, 1620, 0.5)
        kind = np.where(world.random(1620) < 0.3, 1.0, judge)
        a, b = sample_of(world, 120, 1500, 0.5), JudgedSample(truth[:120], kind[:120], kind[120:], "random")
        found = ppi_difference(a, b, paired=paired)
        assert isinstance(found, CorrectedComparison)
        interval = found.comparison.difference
        covered += interval.low <= 0 <= interval.high
        alone.append(found.judge_alone)
        decided += found.comparison.p < 0.05
        assert (found.comparison.p < 0.05) == (not interval.low <= 0 <= interval.high)
    assert is_about_95_percent(covered)
    assert WORLDS - decided == covered
    assert np.mean(alone) > 0.1  # what the judge by itself would have reported


def test_a_difference_turned_round_is_its_negative() -> None:
    world = np.random.default_rng(9)
    a, b = sample_of(world, 60, 300, 0.3), sample_of(world, 80, 300, 0.6)
    one, other = ppi_difference(a, b), ppi_difference(b, a)
    assert isinstance(one, CorrectedComparison)
    assert isinstance(other, CorrectedComparison)
    assert one.comparison.difference.value == pytest.approx(-other.comparison.difference.value)
    assert one.comparison.difference.low == pytest.approx(-other.comparison.difference.high)
    assert one.comparison.p == pytest.approx(other.comparison.p)
    assert one.comparison.difference.low > 0


SCORES = arrays(np.float64, st.integers(3, 12), elements=st.integers(-5, 5).map(float))


@settings(deadline=None)
@given(SCORES, st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(-50, 50), st.floats(0.1, 20))
def test_a_shift_and_a_scale_carry_through_and_order_holds(human: Row, more: int, seed: int, shift: float, scale: float) -> None:
    world = np.random.default_rng(seed)
    judge, only = human + world.normal(0, 1, human.size), world.normal(human.mean(), 3, more)
    found = ppi_mean(JudgedSample(human, judge, only))
    order = world.permutation(human.size)
    moved = ppi_mean(JudgedSample(shift + scale * human[order], shift + scale * judge[order], shift + scale * only))
    if isinstance(found, Undefined):
        assert np.ptp(human) == 0
        return
    assert isinstance(moved, Corrected)
    assert found.interval.low < found.interval.value < found.interval.high
    assert 0 <= found.weight <= 1
    assert moved.weight == pytest.approx(found.weight, abs=1e-6)
    assert moved.interval.value == pytest.approx(shift + scale * found.interval.value, abs=1e-6)
    assert moved.interval.high == pytest.approx(shift + scale * found.interval.high, abs=1e-6)


def test_rogan_and_gladens_estimate_and_full_variance() -> None:
    found = rogan_gladen(460, 1000, sensitivity=(90, 100), specificity=(80, 100), drawn="random")
    assert isinstance(found, CorrectedRate)
    rate = (0.46 + 0.8 - 1) / 0.7
    variance = (0.46 * 0.54 / 1000 + 0.09 / 100 * rate**2 + 0.16 / 100 * (1 - rate) ** 2) / 0.49  # Rogan and Gladen (1978)
    assert found.interval.value == pytest.approx(0.371429, abs=1e-6)
    assert found.se == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert found.warnings == ()
    assert not found.clipped


def test_the_full_error_is_what_worlds_show() -> None:
    world, rate, humans, n = np.random.default_rng(1), 0.4, 150, 2000
    sens, spec = world.binomial(humans, SENSITIVITY, 20_000) / humans, world.binomial(humans, SPECIFICITY, 20_000) / humans
    apparent = world.binomial(n, SENSITIVITY * rate + (1 - SPECIFICITY) * (1 - rate), 20_000) / n
    seen = float(((apparent + spec - 1) / (sens + spec - 1)).std())
    found = rogan_gladen(960, n, sensitivity=(135, humans), specificity=(120, humans), drawn="random")
    assert isinstance(found, CorrectedRate)
    assert found.se == pytest.approx(seen, rel=0.03)


@pytest.mark.parametrize(("positives", "value"), [(0, 0.0), (100, 1.0)])
def test_a_rate_outside_0_and_1_is_clipped_and_said(positives: int, value: float) -> None:
    found = rogan_gladen(positives, 100, sensitivity=(45, 50), specificity=(45, 50), drawn="random")
    assert isinstance(found, CorrectedRate)
    assert (found.interval.value, found.clipped) == (value, True)


@settings(deadline=None)
@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
       st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
       st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))  # fmt: skip
def test_rogan_gladens_interval_is_ordered_and_grows_with_the_level(judge: Any, sens: Any, spec: Any) -> None:
    narrow, wide = (rogan_gladen(*judge, sensitivity=sens, specificity=spec, level=level) for level in (0.8, 0.99))
    if isinstance(narrow, Undefined):
        assert sens[0] / sens[1] + spec[0] / spec[1] <= 1 + 1e-9
        assert wide == narrow
        return
    assert isinstance(wide, CorrectedRate)
    assert 0 <= narrow.interval.low <= narrow.interval.value <= narrow.interval.high <= 1
    assert 0 <= wide.interval.low <= wide.interval.value <= wide.interval.high <= 1
    said_otherwise = rogan_gladen(judge[1] - judge[0], judge[1], sensitivity=spec, specificity=sens, level=0.8)
    assert isinstance(said_otherwise, CorrectedRate)
    assert said_otherwise.interval.value == pytest.approx(1 - narrow.interval.value, abs=1e-9)
    assert said_otherwise.interval.low == pytest.approx(1 - narrow.interval.high, abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((0, 0, (9, 10), (8, 10)), "no cases judged"),
        ((5, 10, (0, 0), (8, 10)), "no case is positive in human eyes"),
        ((5, 10, (9, 10), (0, 0)), "no case is negative in human eyes"),
        ((5, 10, (5, 10), (5, 10)), "sensitivity 0.5 and specificity 0.5 add up to no more than 1: such a judge tells nothing"),
    ],
)
def test_what_a_judge_cannot_tell_is_undefined(counts: Any, reason: str) -> None:
    positives, n, sens, spec = counts
    assert rogan_gladen(positives, n, sensitivity=sens, specificity=spec) == Undefined(reason)


def test_samples_without_variation_are_undefined() -> None:
    same = Undefined("all 2 human scores are the same: their variation is unknown")
    good = JudgedSample([0, 1, 1], [0, 1, 0], [1, 0])
    lone = Undefined("1 human scores and 1 of the judge alone: at least 2 and 1 are needed")
    assert ppi_mean(JudgedSample([1], [1], [1])) == lone
    assert ppi_mean(JudgedSample([1, 1], [1, 0], [1])) == same
    assert ppi_difference(good, JudgedSample([1, 1], [1, 0], [1])) == same
    assert ppi_difference(JudgedSample([1, 1], [1, 0], [1]), good) == same
    assert isinstance(ppi_difference(good, good, paired=True), Undefined)
    assert isinstance(ppi_mean(JudgedSample([1, 2, 3], [5, 5, 5], [5, 5])), Corrected)


def test_small_samples_and_unknown_draws_are_warned_of() -> None:
    rows = ([0, 1, 1], [0, 1, 0], [1, 0])
    for drawn, words in (("chosen", "not drawn at random"), ("unknown", "nobody said")):
        found = ppi_mean(JudgedSample(*rows, drawn))  # type: ignore[arg-type]
        assert isinstance(found, Corrected)
        assert found.warnings[0] == "only 3 human labels: below 50 the interval is not to be leant on"
        assert words in found.warnings[1]
    rare = ppi_rate(JudgedSample([1] * 90 + [0] * 9, [1] * 99, [1, 0] * 50, "random"))
    common = ppi_rate(JudgedSample([1] * 90 + [0] * 10, [1] * 100, [1, 0] * 50, "random"))
    assert isinstance(rare, Corrected)
    assert isinstance(common, Corrected)
    assert rare.warnings == ("only 9 of the human verdicts are of the rarer kind: below 10 the interval is too narrow",)
    assert common.warnings == ()
    both = ppi_difference(JudgedSample(*rows, "random"), JudgedSample(*rows, "random"))
    assert isinstance(both, CorrectedComparison)
    assert len(both.warnings) == 1
    weak = rogan_gladen(50, 100, sensitivity=(16, 30), specificity=(16, 30), drawn="random")
    assert isinstance(weak, CorrectedRate)
    assert weak.warnings == ("the judge may be no better than chance: sensitivity + specificity − 1 is not clearly above 0",)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ppi_mean(JudgedSample([1, 0], [1], [1])), "wanted as many"),
        (lambda: ppi_mean(JudgedSample([1, 0], [1, 0], [1], "often")), "wanted 'random', 'chosen' or 'unknown'"),  # type: ignore[arg-type]
        (lambda: ppi_mean(JudgedSample([1, 0], [1, math.nan], [1])), "wanted finite"),
        (lambda: ppi_rate(JudgedSample([1, 2], [1, 0], [1])), "wanted 0 and 1 only"),
        (
            lambda: ppi_difference(JudgedSample([1, 0], [1, 0], [1]), JudgedSample([1, 0], [1, 0], [1, 1]), paired=True),
            "wanted the same cases",
        ),
        (lambda: rogan_gladen(11, 10, sensitivity=(1, 2), specificity=(1, 2)), "wanted 0 ≤ count ≤ n"),
        (lambda: rogan_gladen(5, 10, sensitivity=(3, 2), specificity=(1, 2)), "wanted 0 ≤ count ≤ n"),
        (lambda: rogan_gladen(5, 10, sensitivity=(2, 2), specificity=(2, 2), level=2), "wanted a number between 0 and 1"),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
