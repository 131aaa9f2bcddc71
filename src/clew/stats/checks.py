"""Checks of what a statistic is given: a wrong argument is refused by name, before any arithmetic."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]
Labels: TypeAlias = Sequence[Hashable] | NDArray[np.generic]
"""One cluster per row: names or numbers, as a list or an array."""


def require_share(share: float, what: str) -> float:
    """A number strictly between 0 and 1, such as a level or a power."""
    if not 0 < share < 1:
        raise ValueError(f"found {what} of {share!r}; wanted a number between 0 and 1, both left out")
    return share


def require_positive(number: float, what: str) -> float:
    """A finite number above 0."""
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"found {what} of {number!r}; wanted a finite number above 0")
    return number


def require_at_least(least: int, number: int, what: str) -> int:
    """A whole number that is not below ``least``."""
    if not (math.isfinite(number) and number == int(number) and number >= least):
        raise ValueError(f"found {what} of {number!r}; wanted a whole number ≥ {least}")
    return int(number)


def require_trials(count: int, n: int) -> None:
    """Hits and trials that can belong together."""
    if not 0 <= count <= n or not math.isfinite(n) or count != int(count) or n != int(n):
        raise ValueError(f"a count of {count!r} among {n!r} trials; wanted 0 ≤ count ≤ n")


def as_values(values: ArrayLike, what: str = "values") -> Floats:
    """One row of finite numbers."""
    row = np.asarray(values, dtype=np.float64)
    if row.ndim != 1:
        raise ValueError(f"found {what} of shape {row.shape!r}; wanted one dimension")
    if not np.isfinite(row).all():
        raise ValueError(f"found {what} that hold NaN or infinity; wanted finite numbers: leave missing ones out and say how many")
    return row


def as_clusters(clusters: Labels, n: int, what: str = "clusters") -> tuple[Whole, int]:
    """The clusters numbered from 0 in order of first sight, and how many there are."""
    if len(clusters) != n:
        raise ValueError(f"found {len(clusters)} {what} for {n} values; wanted one for each value")
    names = clusters.tolist() if isinstance(clusters, np.ndarray) else clusters
    numbers: dict[Hashable, int] = {}
    row = np.fromiter((numbers.setdefault(name, len(numbers)) for name in names), dtype=np.int64, count=n)
    return row, len(numbers)
