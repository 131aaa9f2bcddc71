"""Sums that say all that means and variances need: made by SQL or from arrays, and added up part by part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from clew.stats.checks import as_values, require_at_least
from clew.stats.result import Undefined

NOISE = 8 * float(np.finfo(np.float64).eps)  # of the sum of squares: what rounding alone may leave where all values are the same


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of squares of a sample; ``merge`` of two parts is the whole.

    A spread smaller than about a hundred-millionth of the mean is lost in the rounding of the sums and counts as none:
    subtract a common origin first where values are like that (times of a clock, for one).
    """

    count: int
    total: float
    squares: float

    def __post_init__(self) -> None:
        require_at_least(0, self.count, "a count")
        _require_sums(self.count, self.total, self.squares)

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """The moments of a row of finite numbers."""
        row = as_values(values)
        return cls(row.size, math.fsum(row), math.fsum(row * row))

    def merge(self, other: Moments) -> Moments:
        """The moments of both samples together."""
        return Moments(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """The mean; asked for only where there are values."""
        return self.total / self.count

    @property
    def variance(self) -> float:
        """The variance of the population as the sample shows it, with n − 1 below; asked for only from two values on."""
        return _deviations(self.squares, self.total, self.count) / (self.count - 1)

    def lack(self, what: str = "values") -> Undefined | None:
        """Why no error of the mean can be given, or None where it can."""
        if self.count < 2:
            return Undefined(f"{self.count or 'no'} {what}: at least 2 are needed to see how much they vary")
        return Undefined(f"all {self.count} {what} are the same") if self.variance == 0 else None


@dataclass(frozen=True)
class PairMoments:
    """Count, sums, sums of squares and sum of products of pairs (x, y); ``merge`` of two parts is the whole."""

    count: int
    x_total: float
    y_total: float
    x_squares: float
    y_squares: float
    products: float

    def __post_init__(self) -> None:
        require_at_least(0, self.count, "a count")
        _require_sums(self.count, self.x_total, self.x_squares)
        _require_sums(self.count, self.y_total, self.y_squares)
        if not self.products**2 <= self.x_squares * self.y_squares * (1 + 1e-9):
            raise ValueError(f"found products of {self.products!r}; wanted at most the root of both sums of squares multiplied")

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike) -> Self:
        """The moments of two rows of finite numbers, the i-th of one with the i-th of the other."""
        first, second = as_values(x, "x"), as_values(y, "y")
        if first.size != second.size:
            raise ValueError(f"found {first.size} x and {second.size} y; wanted one y for each x")
        sums = (math.fsum(row) for row in (first, second, first * first, second * second, first * second))
        return cls(first.size, *sums)

    def merge(self, other: PairMoments) -> PairMoments:
        """The moments of both samples together."""
        return PairMoments(
            self.count + other.count,
            self.x_total + other.x_total,
            self.y_total + other.y_total,
            self.x_squares + other.x_squares,
            self.y_squares + other.y_squares,
            self.products + other.products,
        )

    @property
    def x(self) -> Moments:
        """The moments of x alone."""
        return Moments(self.count, self.x_total, self.x_squares)

    @property
    def y(self) -> Moments:
        """The moments of y alone."""
        return Moments(self.count, self.y_total, self.y_squares)

    @property
    def covariance(self) -> float:
        """The covariance, with n − 1 below; asked for only from two pairs on."""
        return (self.products - self.x_total * (self.y_total / self.count)) / (self.count - 1)

    def variance_of(self, x_weight: float, y_weight: float) -> float:
        """The variance of ``x_weight``·x + ``y_weight``·y; 0 where only rounding is left of it."""
        parts = (x_weight**2 * self.x.variance, y_weight**2 * self.y.variance, 2 * x_weight * y_weight * self.covariance)
        variance = math.fsum(parts)
        sums = x_weight**2 * self.x_squares + y_weight**2 * self.y_squares
        return variance if variance > 4 * NOISE * sums / (self.count - 1) else 0.0


def _deviations(squares: float, total: float, count: int) -> float:
    """The sum of squared deviations from the mean; 0 where only rounding is left of it."""
    deviations = squares - total * (total / count)
    return deviations if deviations > NOISE * squares else 0.0


def _require_sums(count: int, total: float, squares: float) -> None:
    """Sums that some sample of this size could have."""
    if not (math.isfinite(total) and math.isfinite(squares)):
        raise ValueError(f"found a sum of {total!r} and of squares {squares!r}; wanted finite numbers")
    if squares < 0 or (count == 0 and (total or squares)) or (count and total * (total / count) > squares * (1 + 1e-9)):
        raise ValueError(f"found a sum of squares of {squares!r} for {count} values with the sum {total!r}; no such values exist")
