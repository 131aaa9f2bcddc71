"""A project's own prices, which win over the price book: their shape and what makes one valid. Pure.

Rates are decimal US dollars per million tokens (``request``: dollars per request), the form in which list prices are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from clew.core.errors import InputError
from clew.traces.cost.rates import MAX_COUNT, WHOLE, RateCard, Rates, Tier

PARTS = ("input", "output", "cache_read", "cache_write", "audio_input", "reasoning", "audio_output", "request")
MAX_DOLLARS = {"request": Decimal(9)}  # a rate of atto-dollars then fits 64 bits
MAX_DOLLARS_PER_MTOK = Decimal(100_000)
MAX_TIERS = 20
MAX_DECIMALS = 12
MAX_NAME = 300
_ATTO_PER_MTOK_DOLLAR = 10**12
_ATTO_PER_DOLLAR = 10**18


@dataclass(frozen=True)
class OwnTier:
    """Rates of requests whose input is more than ``above`` tokens; what is not named keeps the base rate."""

    above: int
    rates: Mapping[str, Decimal]


@dataclass(frozen=True)
class OwnPrice:
    """One price of a project: for one model (``model*`` = every name that starts so), one provider ('' = any), from a moment on."""

    id: str
    provider: str
    model: str
    starts_ns: int
    rates: Mapping[str, Decimal]
    tiers: tuple[OwnTier, ...] = field(default=())

    def fits(self, provider: str, name: str) -> bool:
        """Whether this price is meant for a model of this name at this provider. Case does not matter."""
        if self.provider and self.provider.lower() != provider.strip().lower():
            return False
        wanted, found = self.model.lower(), name.strip().lower()
        return found.startswith(wanted[:-1]) if wanted.endswith("*") else found == wanted

    def as_json(self) -> dict[str, Any]:
        """The price as it is shown and read back: ids and names as they are, rates as decimal text."""
        named = {"id": self.id, "provider": self.provider, "model": self.model, "starts_ns": self.starts_ns}
        return {**named, "rates": to_json(self.rates, self.tiers)}

    @property
    def card(self) -> RateCard:
        """The price in whole numbers."""
        base = dict(self.rates)
        tiers = [Tier(-1, _rates(base))] + [Tier(tier.above, _rates(base | dict(tier.rates))) for tier in self.tiers]
        return RateCard(tuple(tiers), f"own {self.id}", own=True)


def _rates(dollars: Mapping[str, Decimal]) -> Rates:
    def atto(part: str) -> int:
        value = dollars.get(part)
        return atto(WHOLE[part]) if value is None and part in WHOLE else int((value or Decimal(0)) * _ATTO_PER_MTOK_DOLLAR)

    whole = {part: atto(part) for part in PARTS if part != "request"}
    return Rates(**whole, request=int(dollars.get("request", Decimal(0)) * _ATTO_PER_DOLLAR))


def read_rates(given: Mapping[str, Any]) -> tuple[dict[str, Decimal], tuple[OwnTier, ...]]:
    """Rates and tiers from ``{"input": "0.15", "output": "0.60", "tiers": [{"above": 200000, "input": "0.30"}]}``.

    Raises InputError that names the part, what was found and what was wanted.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"found rates of type {type(given).__name__!r}; wanted an object such as {{'input': '0.15', 'output': '0.60'}}")
    rates = {part: _dollars(part, value) for part, value in given.items() if part != "tiers"}
    if not rates:
        raise InputError(f"found no rate; wanted at least one of {PARTS!r} (a model that costs nothing has 'input': '0')")
    tiers = given.get("tiers") or ()
    if not isinstance(tiers, list | tuple) or len(tiers) > MAX_TIERS:
        raise InputError(f"found {tiers!r} as tiers; wanted a list of at most {MAX_TIERS}")
    return rates, _tiers(tiers)


def _tiers(given: Any) -> tuple[OwnTier, ...]:
    tiers: list[OwnTier] = []
    for item in given:
        if not isinstance(item, Mapping) or type(item.get("above")) is not int or not 0 <= item["above"] <= MAX_COUNT:
            raise InputError(f"found {item!r} as a tier; wanted an object with 'above', a whole number of input tokens")
        if tiers and item["above"] <= tiers[-1].above:
            raise InputError(f"found a tier above {item['above']!r} after one above {tiers[-1].above!r}; wanted them in rising order")
        tiers.append(OwnTier(item["above"], {part: _dollars(part, value) for part, value in item.items() if part != "above"}))
    return tuple(tiers)


def _dollars(part: object, value: object) -> Decimal:
    if part not in PARTS:
        raise InputError(f"found the rate {part!r}; wanted one of {PARTS!r}")
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise InputError(f"found {value!r} for {part!r}; wanted US dollars as a number or text, e.g. '0.15'")
    try:
        dollars = Decimal(str(value))
    except InvalidOperation as error:
        raise InputError(f"found {value!r} for {part!r}; wanted US dollars, e.g. '0.15'") from error
    most = MAX_DOLLARS.get(str(part), MAX_DOLLARS_PER_MTOK)
    if not dollars.is_finite() or not 0 <= dollars <= most:
        raise InputError(f"found {value!r} for {part!r}; wanted between 0 and {most} US dollars")
    if dollars != round(dollars, MAX_DECIMALS):
        raise InputError(f"found {value!r} for {part!r}; wanted at most {MAX_DECIMALS} decimals")
    return dollars


def read_name(what: str, value: str, *, empty: bool) -> str:
    """A provider's or model's name, stripped. Raises InputError when it is empty (where that is not allowed), too long or unprintable."""
    name = value.strip()
    if not name and not empty:
        raise InputError(f"found no {what}; wanted its name as it appears on a span")
    if len(name) > MAX_NAME or not name.isprintable():
        raise InputError(f"found a {what} of {len(name)} characters; wanted at most {MAX_NAME} printable ones")
    if "*" in name[:-1] or (what == "provider" and "*" in name):
        raise InputError(f"found {name!r} as {what}; wanted '*' only at the end of a model's name")
    return name


def to_json(rates: Mapping[str, Decimal], tiers: tuple[OwnTier, ...]) -> dict[str, Any]:
    """What ``read_rates`` reads back to the same numbers."""
    plain: dict[str, Any] = {part: format(value, "f") for part, value in rates.items()}
    if tiers:
        plain["tiers"] = [{"above": tier.above} | {part: format(value, "f") for part, value in tier.rates.items()} for tier in tiers]
    return plain
