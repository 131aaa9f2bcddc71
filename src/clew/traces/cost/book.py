"""The price book: the list prices of genai-prices as whole-number rate cards, and a project's own prices before them.

A name resolves to a ``Timeline``: the few rate cards that a model has over the years and over the hours of a day. Nothing here does I/O.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from clew.core.clock import NS_PER_DAY, NS_PER_S
from clew.traces.cost.names import Reading, read_model, read_platform
from clew.traces.cost.own import OwnPrice
from clew.traces.cost.rates import WHOLE, RateCard, Rates, Tier

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

BEGINNING = -(2**63)  # before every span
_ATTO_PER_MTOK_DOLLAR = 10**12
_ATTO_PER_KILO_DOLLAR = 10**15
_CHARGE_AUDIO_APART = (
    "openai",
    "azure",
)  # without an audio price theirs is not known; elsewhere audio may cost as text
_BOOK_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "audio_input": "input_audio_mtok",
    "reasoning": "output_reasoning_mtok",
    "audio_output": "output_audio_mtok",
}


@dataclass(frozen=True)
class Timeline:
    """The cards of one model: ``cards[d * len(hours) + h]`` holds from ``starts[d]`` on, ``hours[h]`` ns after each UTC midnight."""

    starts: tuple[int, ...]
    hours: tuple[int, ...]
    cards: tuple[RateCard | None, ...]

    def at(self, at_ns: int) -> RateCard | None:
        """The card at one moment, with the stretch of time it holds in."""
        day = bisect_right(self.starts, at_ns) - 1
        hour = bisect_right(self.hours, at_ns % NS_PER_DAY) - 1
        card = self.cards[day * len(self.hours) + hour]
        if card is None:
            return None
        bounds = [start for start in self.starts[day : day + 1] if start > BEGINNING]
        ends = list(self.starts[day + 1 : day + 2])
        if len(self.hours) > 1:
            midnight = at_ns - at_ns % NS_PER_DAY
            bounds.append(midnight + self.hours[hour])
            ends.append(midnight + (*self.hours, NS_PER_DAY)[hour + 1])
        return replace(card, from_ns=max(bounds, default=None), to_ns=min(ends, default=None))


NOTHING = Timeline((BEGINNING,), (0,), (None,))


class PriceBook:
    """Finds prices: a project's own first, then the list prices of the installed genai-prices."""

    def __init__(self, own: Iterable[OwnPrice] = ()) -> None:
        self._own = tuple(own)

    def resolve(self, provider: str, model: str, at_ns: int, *, asked: str = "") -> RateCard | None:
        """The card for a model at a moment, or None where no price is known. ``asked``: the name in the request, where it differs."""
        return self.timeline(provider, model, asked=asked).at(at_ns)

    def timeline(self, provider: str, model: str, *, asked: str = "") -> Timeline:
        """All cards of a model. The name that answered counts; an own price may also be written for the name that was asked."""
        listed = list_price(provider, model or asked)
        fitting = [(rank, price) for price in self._own if (rank := _rank(price, provider, model, asked)) is not None]
        return _with_own(listed, fitting) if fitting else listed


@cache
def book_version() -> str:
    """The package that the list prices come from, with its version."""
    return f"genai-prices {version('genai-prices')}"


def _rank(price: OwnPrice, provider: str, model: str, asked: str) -> tuple[int, ...] | None:
    """How closely an own price is meant for a call; larger is closer. None = not meant for it."""
    answered = bool(model) and price.fits(provider, model)
    if not answered and not (asked and price.fits(provider, asked)):
        return None
    exact = not price.model.endswith("*")
    return (int(answered), int(exact), len(price.model), int(bool(price.provider)))


def _with_own(listed: Timeline, own: Sequence[tuple[tuple[int, ...], OwnPrice]]) -> Timeline:
    starts = tuple(sorted({*listed.starts, *(price.starts_ns for _, price in own)}))
    cards: list[RateCard | None] = []
    for start in starts:
        active = [(rank, price.starts_ns, price) for rank, price in own if price.starts_ns <= start]
        if active:
            cards.extend([max(active, key=lambda item: item[:2])[2].card] * len(listed.hours))
        else:
            day = bisect_right(listed.starts, start) - 1
            cards.extend(listed.cards[day * len(listed.hours) : (day + 1) * len(listed.hours)])
    return Timeline(starts, listed.hours, tuple(cards))


# --- list prices -------------------------------------------------------------------------------------------------------------------


@cache
def _providers() -> dict[str, Provider]:
    # Inside the function: the price data take a second and 70 MB to import, which a command that prices nothing need not pay.
    from genai_prices.data import providers

    return {provider.id: provider for provider in providers}


@lru_cache(maxsize=20_000)  # names are the senders' words: bounded, whatever they send
def list_price(provider: str, model: str) -> Timeline:
    """The list prices of a model; NOTHING where the book has none or the name could mean several that differ."""
    if not model.strip():
        return NOTHING
    known = _providers()
    platform = read_platform(provider, frozenset(known))
    if not platform.priced:
        return NOTHING
    readings = read_model(model)
    stated = known.get(platform.id or "")
    if stated is not None:
        for reading in readings:
            if reading.platform in (None, stated.id) and (found := _find(stated, reading.model)):
                return _timeline(stated, found)
    if (found_elsewhere := _by_reading(readings, known, loose=stated is None or stated.id == "openai")) is not None:
        return found_elsewhere
    if stated is None:
        return _by_name_alone(readings[0].model, known)
    # OpenAI's client talks to every compatible endpoint and always says "openai"; a name that belongs to one maker tells which.
    return _by_maker(readings[0].model, known) or NOTHING if stated.id == "openai" else NOTHING


def _find(provider: Provider, model: str) -> ModelInfo | None:
    return provider.find_model(model, all_providers=list(_providers().values()))


def _by_reading(readings: Sequence[Reading], known: dict[str, Provider], *, loose: bool) -> Timeline | None:
    for reading in readings:
        provider = known.get(reading.platform or "")
        if provider is not None and (loose or reading.by_shape) and (found := _find(provider, reading.model)):
            return _timeline(provider, found)
    return None


def _by_maker(model: str, known: dict[str, Provider]) -> Timeline | None:
    for provider in known.values():
        if provider.model_match is not None and provider.model_match.is_match(model) and (found := provider.find_model(model)):
            return _timeline(provider, found)
    return None


def _by_name_alone(model: str, known: dict[str, Provider]) -> Timeline:
    """The maker's price where the name tells the maker, else the price of all that list the name, if it is one price."""
    if (made := _by_maker(model, known)) is not None:
        return made
    makers_first = sorted(known.values(), key=lambda provider: provider.model_match is None)
    found = [_timeline(provider, entry) for provider in makers_first if (entry := provider.find_model(model))]
    same = {_numbers(timeline) for timeline in found}
    return found[0] if len(same) == 1 else NOTHING


def _numbers(timeline: Timeline) -> tuple[Any, ...]:
    return (timeline.starts, timeline.hours, tuple(card and card.tiers for card in timeline.cards))


def _timeline(provider: Provider, model: ModelInfo) -> Timeline:
    """One entry of the book over time: the last condition that holds decides, the first price where none does."""
    listed: Any = model.prices
    if not isinstance(listed, list):
        return Timeline((BEGINNING,), (0,), (_card(listed, provider.id, model.id),))
    if not listed:
        return NOTHING
    starts, hours = {BEGINNING}, {0}
    for constraint in (price.constraint for price in listed if price.constraint is not None):
        if hasattr(constraint, "start_date"):
            starts.add(_midnight(constraint.start_date))
        else:
            hours |= {_of_day(constraint.start_time), _of_day(constraint.end_time)}
    cards = [_card(_deciding(listed, start, hour), provider.id, model.id) for start in sorted(starts) for hour in sorted(hours)]
    return Timeline(tuple(sorted(starts)), tuple(sorted(hours)), tuple(cards))


def _deciding(prices: Sequence[Any], start_ns: int, hour_ns: int) -> Any:
    for price in reversed(prices):
        if price.constraint is None or _holds(price.constraint, start_ns, hour_ns):
            return price.prices
    return prices[0].prices


def _holds(constraint: Any, start_ns: int, hour_ns: int) -> bool:
    if hasattr(constraint, "start_date"):
        return start_ns >= _midnight(constraint.start_date)
    first, last = _of_day(constraint.start_time), _of_day(constraint.end_time)
    return first <= hour_ns < last if first <= last else hour_ns >= first or hour_ns < last


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * NS_PER_S


def _of_day(moment: time) -> int:
    """Nanoseconds after UTC midnight; a time without a zone is UTC."""
    shift = moment.utcoffset()
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second - (int(shift.total_seconds()) if shift else 0)
    return (seconds % 86_400) * NS_PER_S + moment.microsecond * 1000


def _card(price: Any, provider: str, model: str) -> RateCard | None:
    """The card of one price; None where it asks nothing by the token (audio hours, pages, characters) or says nothing at all."""
    version = f"{book_version()} {provider}:{model}"
    told = {part: getattr(price, key, None) for part, key in _BOOK_KEYS.items()}
    if all(value is None for value in told.values()):
        free = model.endswith(":free") and not vars(price)
        return RateCard((Tier(-1, Rates(0, 0, 0, 0, 0, 0, 0)),), version) if free else None
    request = getattr(price, "requests_kcount", None)
    thresholds = sorted({tier.start for value in (*told.values(), request) for tier in getattr(value, "tiers", ())})
    tiers = tuple(Tier(above, _rates(told, request, above)) for above in (-1, *thresholds))
    unheard = provider in _CHARGE_AUDIO_APART and told["audio_input"] is None and told["audio_output"] is None
    return RateCard(tiers, version, text_only=unheard)


def _rates(told: dict[str, Any], request: Any, above: int) -> Rates:
    def atto(part: str) -> int:
        value = told[part]
        if value is None:
            return atto(WHOLE[part]) if part in WHOLE else 0
        return _whole(_in_tier(value, above) * _ATTO_PER_MTOK_DOLLAR)

    return Rates(
        **{part: atto(part) for part in _BOOK_KEYS}, request=_whole(_in_tier(request or Decimal(0), above) * _ATTO_PER_KILO_DOLLAR)
    )


def _in_tier(value: Any, above: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    reached = [tier.price for tier in value.tiers if tier.start <= above]
    return Decimal(reached[-1] if reached else value.base)


def _whole(atto: Decimal) -> int:
    # The book holds a few numbers that went through floating point (0.1399999…): they are rounded at the 18th decimal of a token's price.
    return int(atto.quantize(Decimal(1), ROUND_HALF_UP))
