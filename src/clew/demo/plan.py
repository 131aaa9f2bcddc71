"""When things happen in the demo: the daily and weekly rhythm, and the days on which something was planted."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from clew.core.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S

HOUR_NS = 3600 * NS_PER_S
_LAST_START_NS = 45 * 60 * NS_PER_S  # no session starts later than this before the end, so that all of them are over by then

# Sessions by hour of the day, UTC.
_SHOP_HOURS = (4, 2, 1, 1, 1, 2, 5, 9, 14, 18, 20, 22, 24, 21, 19, 20, 23, 29, 36, 41, 38, 28, 17, 9)
_AIRLINE_HOURS = (5, 4, 3, 4, 9, 18, 27, 32, 33, 30, 27, 25, 24, 25, 26, 28, 31, 33, 29, 23, 18, 14, 10, 7)
# By day of the week, Monday first.
_SHOP_DAYS = (1.0, 0.92, 0.9, 0.95, 1.0, 1.3, 1.45)
_AIRLINE_DAYS = (1.25, 1.05, 1.0, 1.05, 1.3, 0.75, 0.85)


@dataclass(frozen=True)
class Window:
    """A stretch of time, the end not included."""

    start_ns: int
    end_ns: int

    def __contains__(self, moment_ns: int) -> bool:
        return self.start_ns <= moment_ns < self.end_ns


@dataclass(frozen=True)
class Plan:
    """The demo's calendar. ``day(k)`` is the UTC midnight that began the day ``k`` days before the day of the end."""

    seed: int
    until_ns: int
    days: int = 14

    @property
    def start_ns(self) -> int:
        return self.until_ns - self.days * NS_PER_DAY

    @property
    def all(self) -> Window:
        return Window(self.start_ns, self.until_ns)

    def day(self, back: int) -> int:
        return (self.until_ns // NS_PER_DAY - back) * NS_PER_DAY

    def whole_day(self, back: int, days: int = 1) -> Window:
        """``days`` days from the one that lies ``back`` days before the last."""
        return Window(self.day(back), self.day(back) + days * NS_PER_DAY)

    @property
    def caching_on_ns(self) -> int:
        """Shop: the prompt's fixed part was moved to the front, so the provider can serve it from its cache."""
        return self.day(11) + 8 * HOUR_NS

    @property
    def slow_search(self) -> Window:
        """Shop: the search index was rebuilt while it answered."""
        return self.whole_day(10)

    @property
    def dear_model(self) -> Window:
        """Shop: one tenant's assistant ran on a reasoning model by mistake."""
        return self.whole_day(9, 2)

    @property
    def retry_loop(self) -> Window:
        """Airline: the flight search timed out and the agent asked again and again."""
        return self.whole_day(7)

    @property
    def prompt_v7_ns(self) -> int:
        """Shop: prompt v7 went live."""
        return self.day(6) + 9 * HOUR_NS

    @property
    def rate_limited(self) -> Window:
        """Shop: the model's provider refused calls over the limit."""
        return Window(self.day(5) + 15 * HOUR_NS, self.day(5) + 21 * HOUR_NS)

    @property
    def faster_model_ns(self) -> int:
        """Airline: the agent moved to a faster model."""
        return self.day(4)

    @property
    def slow_bookings(self) -> Window:
        """Airline: the reservation system answered slowly."""
        return self.whole_day(3)


def session_starts(rng: random.Random, plan: Plan, count: int, hours: Sequence[int], days: Sequence[float]) -> list[int]:
    """``count`` starts over the plan's days, in order, dense where the rhythm is, growing by a percent a day."""
    last = plan.until_ns - _LAST_START_NS
    edges = list(range(plan.start_ns, last, HOUR_NS // 4))
    weights = []
    for edge in edges:
        day, hour = edge // NS_PER_DAY, edge % NS_PER_DAY // HOUR_NS
        weekday = (day + 3) % 7  # 1 January 1970 was a Thursday
        weights.append(hours[hour] * days[weekday] * (1.01 ** ((edge - plan.start_ns) / NS_PER_DAY)))
    return sorted(min(last, edge + rng.randrange(HOUR_NS // 4)) for edge in rng.choices(edges, weights, k=count))


def shop_starts(rng: random.Random, plan: Plan, count: int) -> list[int]:
    return session_starts(rng, plan, count, _SHOP_HOURS, _SHOP_DAYS)


def airline_starts(rng: random.Random, plan: Plan, count: int) -> list[int]:
    return session_starts(rng, plan, count, _AIRLINE_HOURS, _AIRLINE_DAYS)


def around(rng: random.Random, median_ms: float, spread: float = 0.35) -> int:
    """A duration in ns: log-normal around the median, as waiting times are."""
    return int(median_ms * NS_PER_MS * math.exp(spread * rng.gauss(0.0, 1.0))) + rng.randrange(1000)
