"""What a call cost: list prices by model and time, a project's own prices before them, and the SQL that applies them to many spans at once.

It never guesses: a model without a price has an unknown cost, not zero; and it never goes to the network for prices.
"""

from __future__ import annotations

from clew.traces.cost.book import PriceBook, Timeline, book_version
from clew.traces.cost.cards import CardCache, CardTable, Pair, cost_sql
from clew.traces.cost.own import OwnPrice, OwnTier, read_rates
from clew.traces.cost.prices import own_prices, remove_price, set_price
from clew.traces.cost.rates import Line, RateCard, Rates, Tier, Unknown, Usage, cost_nanos, invoice, micros
from clew.traces.cost.recompute import CostSum, Recomputed, recompute

__all__ = [
    "CardCache",
    "CardTable",
    "CostSum",
    "Line",
    "OwnPrice",
    "OwnTier",
    "Pair",
    "PriceBook",
    "RateCard",
    "Rates",
    "Recomputed",
    "Tier",
    "Timeline",
    "Unknown",
    "Usage",
    "book_version",
    "cost_nanos",
    "cost_sql",
    "invoice",
    "micros",
    "own_prices",
    "read_rates",
    "recompute",
    "remove_price",
    "set_price",
]
