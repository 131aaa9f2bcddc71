"""What a statistic comes back as: frozen, with its interval and the guarantee it has, or undefined with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEFAULT_LEVEL = 0.95

Guarantee = Literal["fixed n", "group sequential", "anytime"]
"""When the result may be looked at: once, at the planned looks, or whenever one likes."""


@dataclass(frozen=True)
class Undefined:
    """A number that the data cannot give, and why. It is not a number: it cannot flow on into sums."""

    reason: str


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval; ``level`` is the coverage it was made for."""

    value: float
    low: float
    high: float
    n: int
    level: float = DEFAULT_LEVEL


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error, in the number's own unit; ``df`` are the degrees of freedom behind the error (infinite: known)."""

    value: float
    se: float
    n: int
    df: float = float("inf")


@dataclass(frozen=True)
class Comparison:
    """How much b is above a: the difference with its interval, and how often chance alone would show as much (two-sided).

    ``n`` counts what was compared (pairs, or the members of both arms); ``method`` names the test as a person would cite it.
    """

    difference: Interval
    p: float
    n: int
    method: str
    guarantee: Guarantee = "fixed n"
