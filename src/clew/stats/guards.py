"""Guards against false alarms: p-values adjusted for how many were looked at, and the check that arms got their share of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from clew.stats.checks import Floats, as_values, require_at_least, require_positive, require_share
from clew.stats.result import Undefined

LEAST_EXPECTED = 5.0  # units per arm, below which the χ² distribution is too rough


@dataclass(frozen=True)
class SampleRatio:
    """Whether arms got the share of units they were meant to: ``mismatch`` is p below the threshold, and no verdict should stand on it."""

    chi2: float
    df: int
    p: float
    n: int
    mismatch: bool


def holm_adjusted(p_values: ArrayLike) -> tuple[float, ...]:
    """p-values that may be read singly although many were looked at.

    Claim: calling out those at or below α calls out any true null in at most α of experiments, however the tests depend on each other.

    Inputs: ``p_values``, k numbers in [0, 1].

    Returns: k numbers in [0, 1] in the same order, none below its own p; none for none.

    Assumptions: each p is valid by itself.

    Reference: S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 65–70.

    Example:

    >>> holm_adjusted([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    row = _as_p_values(p_values)
    order = np.argsort(row, kind="stable")
    steps = np.maximum.accumulate(row[order] * np.arange(row.size, 0, -1)) if row.size else row
    return _in_order(steps, order)


def benjamini_hochberg_adjusted(p_values: ArrayLike) -> tuple[float, ...]:
    """p-values adjusted so that few of the findings are false.

    Claim: among those called out at or below α, the expected share of true nulls is at most α.

    Inputs: ``p_values``, k numbers in [0, 1].

    Returns: k numbers in [0, 1] in the same order, none below its own p; none for none.

    Assumptions: independent or positively dependent tests.

    Reference: Y. Benjamini, Y. Hochberg (1995), "Controlling the false discovery rate", JRSS B 57, 289–300, equation (1).

    Example:

    >>> benjamini_hochberg_adjusted([0.01, 0.04, 0.03])
    (0.03, 0.04, 0.04)
    """
    row = _as_p_values(p_values)
    order = np.argsort(row, kind="stable")
    steps = row[order] * (row.size / np.arange(1, row.size + 1))
    return _in_order(np.minimum.accumulate(steps[::-1])[::-1] if row.size else steps, order)


def sample_ratio_test(
    counts: Sequence[int], weights: Sequence[float] | None = None, *, threshold: float = 0.001
) -> SampleRatio | Undefined:
    """Whether units were split among arms as planned.

    Claim: with the planned split, ``p`` is below ``threshold`` in about that share of experiments: a smaller one means that units were lost
    or sent astray, and no comparison of the arms can be trusted.

    Inputs: ``counts``, units in each of k ≥ 2 arms; ``weights``, the planned split in any unit (equal when left out); ``threshold`` in (0, 1).

    Returns: ``SampleRatio``: Pearson's ``chi2``, ``df`` = k − 1, ``p``, ``n``, ``mismatch``; ``Undefined`` when fewer than 5 units are to be
    expected in an arm.

    Assumptions: units are assigned independently; count what was assigned, not events.

    Reference: K. Pearson (1900), Philosophical Magazine 50, 157–175; A. Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online
    controlled experiments", KDD '19; the threshold from R. Kohavi, D. Tang, Y. Xu (2020), "Trustworthy Online Controlled Experiments", ch. 21.

    Example:

    >>> found = sample_ratio_test([821_588, 815_482])
    >>> round(found.chi2, 4), found.mismatch
    (22.7744, True)
    """
    require_share(threshold, "a threshold")
    split = [1.0] * len(counts) if weights is None else [require_positive(weight, "a weight") for weight in weights]
    if len(counts) < 2 or len(split) != len(counts):
        raise ValueError(f"found {len(counts)} counts and {len(split)} weights; wanted two or more counts, and a weight for each")
    units = np.array([require_at_least(0, count, "a count of units") for count in counts], dtype=np.float64)
    n = int(units.sum())
    expected = n * np.array(split) / sum(split)
    if expected.min() < LEAST_EXPECTED:
        return Undefined(f"{n or 'no'} units: fewer than {LEAST_EXPECTED:g} are to be expected in an arm")
    chi2, df = float(((units - expected) ** 2 / expected).sum()), len(counts) - 1
    p = float(chdtrc(df, chi2))
    return SampleRatio(chi2, df, p, n, p < threshold)


def _as_p_values(p_values: ArrayLike) -> Floats:
    """One row of numbers from 0 to 1."""
    row = as_values(p_values, "p-values")
    if row.size and not 0 <= row.min() <= row.max() <= 1:
        raise ValueError(f"found p-values from {row.min()!r} to {row.max()!r}; wanted numbers from 0 to 1")
    return row


def _in_order(steps: Floats, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> tuple[float, ...]:
    """The adjusted values back in the order they were asked in, none above 1."""
    adjusted = np.empty(steps.size)
    adjusted[order] = np.minimum(steps, 1.0)
    return tuple(adjusted.tolist())
