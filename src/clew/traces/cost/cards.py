"""Prices of a commit's models as arrays that are bound to one statement, and the SQL that turns token columns into money with them.

Python resolves the few distinct models of a commit, the engine does the arithmetic of every span: whole numbers on both sides, so that
both agree to the last nano-dollar.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from clew.store import Store, load_statements
from clew.traces.cost.book import NOTHING, PriceBook, Timeline
from clew.traces.cost.own import OwnPrice
from clew.traces.cost.prices import all_own_prices
from clew.traces.cost.rates import WHOLE, RateCard, Rates, Tier

OWN_PRICES_AGE_S = 1.0  # a changed own price is in force for arriving spans after at most this long
NO_SENDER = "CAST(NULL, 'Nullable(Int64)')"
_PARTS = ("cache_read", "cache_write", "audio_input", "reasoning", "audio_output")  # the order of the counts in cost.sql
_CHARGED = (*_PARTS, "input", "output", "request")


@dataclass(frozen=True)
class Pair:
    """What a price is found by: a call's project, provider, the model that answered ('' = not told) and the one that was asked."""

    project_id: int
    provider: str
    model_answered: str
    model_asked: str

    @property
    def key(self) -> str:
        """The same text that the SQL makes: hex, so that no character of a sender's words can break a bound array."""
        return "\0".join((str(self.project_id), self.provider, self.model_answered, self.model_asked)).encode().hex().upper()


@dataclass
class CardTable:
    """The card table of one statement. Place 1 everywhere is "no price"; arrays are 1-based in SQL."""

    keys: list[str] = field(default_factory=lambda: [""])
    timelines: list[Timeline] = field(default_factory=lambda: [NOTHING])

    def add(self, pair: Pair, timeline: Timeline) -> None:
        """One more pair. A pair without any price needs no place: what is not found has none."""
        if any(timeline.cards):
            self.keys.append(pair.key)
            self.timelines.append(timeline)

    def parameters(self) -> dict[str, Any]:
        """The arrays that ``cost_sql`` refers to, by the names of its parameters."""
        cards = [card for timeline in self.timelines for card in timeline.cards]
        tiers = [card.tiers if card else (_NOTHING,) for card in cards]
        return {
            "pair_keys": self.keys,
            "pair_places": list(range(1, len(self.keys) + 1)),
            "pair_card": _places(timeline.cards for timeline in self.timelines),
            "pair_starts": [list(timeline.starts[1:]) for timeline in self.timelines],
            "pair_hours": [list(timeline.hours[1:]) for timeline in self.timelines],
            "card_flags": [_flags(card) for card in cards],
            "card_apart": [[int(card is not None and card.apart(part, WHOLE[part])) for part in _PARTS] for card in cards],
            "card_versions": [card.version if card else "" for card in cards],
            "card_tier": _places(tiers),
            "card_above": [[tier.above for tier in of_card[1:]] for of_card in tiers],
            "tier_rates": [[getattr(tier.rates, what) for what in _CHARGED] for of_card in tiers for tier in of_card],
        }


_NOTHING = Tier(-1, Rates(0, 0, 0, 0, 0, 0, 0))


def _places(groups: Iterable[Sequence[Any]]) -> list[int]:
    """Where each group begins, counted from 1, when all are laid end to end."""
    lengths = [len(group) for group in groups]
    return [1 + before for before in accumulate(lengths[:-1], initial=0)]


def _flags(card: RateCard | None) -> int:
    if card is None:
        return 0
    needs_input = card.charges("input") or len(card.tiers) > 1
    return 1 | card.own << 1 | needs_input << 2 | card.charges("output") << 3 | card.text_only << 4


def cost_sql(sender: str = "sender_cost_nanos", *, apart: bool = False) -> dict[str, str]:
    """SQL of the columns cost_nanos, cost_source and price_version, over a row's project, provider, models, start and token columns.

    ``sender`` is the column of the sender's own cost. The three go into one SELECT, in this order, with the parameters of a ``CardTable``;
    ``apart``: each stands on its own, as the assignments of an UPDATE must (and is analysed on its own, which takes three times as long).
    """
    priced = load_statements("clew.traces.cost", "cost.sql")["priced"].fill(sender=sender).sql
    first, again = (priced, priced) if apart else (f"{priced} AS priced_span", "priced_span")
    return {
        "cost_nanos": f"tupleElement({first}, 1)",
        "cost_source": f"tupleElement({again}, 2)",
        "price_version": f"tupleElement({again}, 3)",
    }


class CardCache:
    """Resolves the models of a commit. Keeps the projects' own prices for a second, and the list prices for as long as it lives."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._own: dict[int, list[OwnPrice]] = {}
        self._read_s = float("-inf")

    def cards_for(self, pairs: Iterable[Pair]) -> CardTable:
        """The card table of these pairs."""
        self._refresh()
        table = CardTable()
        for pair in pairs:
            book = PriceBook(self._own.get(pair.project_id, ()))
            table.add(pair, book.timeline(pair.provider, pair.model_answered, asked=pair.model_asked))
        return table

    def parameters(self, seen: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """The parameters of ``cost_sql`` for tuples (project_id, provider, model_answered, model_asked) as the store returns them."""
        return self.cards_for(Pair(*row.values()) for row in seen).parameters()

    def _refresh(self) -> None:
        if time.monotonic() - self._read_s > OWN_PRICES_AGE_S:
            self._own = all_own_prices(self._store)
            self._read_s = time.monotonic()
