"""A project's own prices: what is accepted, what wins, and that they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clew.core.errors import InputError, NotFound
from clew.store import Statement, Store, open_store
from clew.traces.cost import OwnPrice, PriceBook, RateCard, Usage, cost_nanos, own_prices, read_rates, remove_price, set_price

DAY = 86_400 * 10**9
T0 = 1_762_000_000 * 10**9


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    for number in (1, 2):
        opened.records.rows(Statement("project", "INSERT INTO projects VALUES (:id, :name, 0)"), id=number, name=f"p{number}")
    yield opened
    opened.close()


def price(model: str, dollars: str, *, provider: str = "", starts_ns: int = 0, ident: str = "x") -> OwnPrice:
    rates, tiers = read_rates({"input": dollars, "output": dollars})
    return OwnPrice(ident, provider, model, starts_ns, rates, tiers)


def chosen(book: PriceBook, provider: str, model: str, *, asked: str = "", at_ns: int = T0) -> str:
    card = book.resolve(provider, model, at_ns, asked=asked)
    return card.version if card else "unknown"


def test_an_own_price_wins_over_the_book() -> None:
    book = PriceBook([price("gpt-4o", "1", ident="mine")])
    assert chosen(book, "openai", "gpt-4o") == "own mine"
    assert chosen(book, "openai", "gpt-4o-mini").startswith("genai-prices ")


def test_an_own_price_may_be_for_one_provider_only() -> None:
    book = PriceBook([price("gpt-4o", "1", provider="azure", ident="azure"), price("gpt-4o", "1", ident="any")])
    assert chosen(book, "azure", "gpt-4o") == "own azure"
    assert chosen(book, "Azure", "GPT-4o") == "own azure"
    assert chosen(book, "openai", "gpt-4o") == "own any"


def test_the_closest_name_wins() -> None:
    book = PriceBook(
        [price("support-*", "1", ident="family"), price("support-large-*", "2", ident="large"), price("support-large-3", "3", ident="one")]
    )
    assert chosen(book, "", "support-small") == "own family"
    assert chosen(book, "", "support-large-2") == "own large"
    assert chosen(book, "", "support-large-3") == "own one"


def test_a_deployment_is_priced_by_the_name_that_was_asked_where_no_price_is_written_for_the_one_that_answered() -> None:
    book = PriceBook([price("our-deployment", "1", ident="asked"), price("gpt-4o-2024-08-06", "2", ident="answered")])
    assert chosen(book, "azure", "gpt-4.1", asked="our-deployment") == "own asked"
    assert chosen(book, "azure", "gpt-4o-2024-08-06", asked="our-deployment") == "own answered"


def test_an_own_price_holds_from_its_start_on_and_the_book_before() -> None:
    book = PriceBook(
        [price("deepseek-chat", "1", starts_ns=T0, ident="first"), price("deepseek-chat", "2", starts_ns=T0 + DAY, ident="second")]
    )
    assert chosen(book, "deepseek", "deepseek-chat", at_ns=T0 - 1).startswith("genai-prices ")
    assert chosen(book, "deepseek", "deepseek-chat", at_ns=T0) == "own first"
    assert chosen(book, "deepseek", "deepseek-chat", at_ns=T0 + DAY - 1) == "own first"
    assert chosen(book, "deepseek", "deepseek-chat", at_ns=T0 + DAY) == "own second"


def test_a_model_that_the_book_does_not_have_is_unknown_before_its_own_price_starts() -> None:
    assert chosen(PriceBook([price("ours", "1", starts_ns=T0)]), "", "ours", at_ns=T0 - 1) == "unknown"


def test_a_model_on_a_machine_of_ones_own_can_be_free() -> None:
    card = PriceBook([price("llama3", "0", provider="ollama")]).resolve("ollama", "llama3", T0)
    assert cost_nanos(card, Usage(input_total=1000, output=1000)) == 0


def test_own_rates_are_dollars_per_million_tokens_exactly() -> None:
    rates, tiers = read_rates(
        {"input": "0.000000000001", "output": 0.1, "cache_read": 3, "request": "0.005", "tiers": [{"above": 10, "input": "7"}]}
    )
    card = OwnPrice("x", "", "m", 0, rates, tiers).card
    base, long = (tier.rates for tier in card.tiers)
    assert (base.input, base.output, base.cache_read, base.cache_write, base.request) == (1, 10**11, 3 * 10**12, 1, 5 * 10**15)
    assert (long.input, long.output, long.cache_read, long.cache_write) == (7 * 10**12, 10**11, 3 * 10**12, 7 * 10**12)
    assert card.tiers[1].above == 10
    assert isinstance(card, RateCard)
    assert card.own


REFUSED: list[tuple[Any, str]] = [
    ({}, "no rate"),
    ({"tiers": []}, "no rate"),
    ("0.15", "object"),
    ({"input": "-1"}, "between 0"),
    ({"input": "100001"}, "between 0"),
    ({"request": "10"}, "between 0"),
    ({"input": "NaN"}, "between 0"),
    ({"input": "Infinity"}, "between 0"),
    ({"input": "cheap"}, "US dollars"),
    ({"input": True}, "US dollars"),
    ({"input": None}, "US dollars"),
    ({"input": "0.0000000000001"}, "12 decimals"),
    ({"prompt": "1"}, "wanted one of"),
    ({"input": "1", "tiers": "none"}, "list"),
    ({"input": "1", "tiers": [{"input": "2"}]}, "above"),
    ({"input": "1", "tiers": [{"above": -1, "input": "2"}]}, "above"),
    ({"input": "1", "tiers": [{"above": 1.5, "input": "2"}]}, "above"),
    ({"input": "1", "tiers": [{"above": 5}, {"above": 5}]}, "rising"),
    ({"input": "1", "tiers": [{"above": n} for n in range(21)]}, "at most"),
]


@pytest.mark.parametrize(("rates", "words"), REFUSED, ids=[str(rates) for rates, _ in REFUSED])
def test_rates_that_cannot_be_are_refused_with_what_was_wanted(rates: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_rates(rates)


@pytest.mark.parametrize("model", ["", "  ", "a*b", "x" * 301, "line\nbreak"])
def test_a_model_name_that_cannot_be_is_refused(store: Store, model: str) -> None:
    with pytest.raises(InputError):
        set_price(store, 1, model=model, rates={"input": "1"})
    assert own_prices(store, 1) == []


@pytest.mark.parametrize("starts_ns", [-1, 2**63])
def test_a_start_that_cannot_be_is_refused(store: Store, starts_ns: int) -> None:
    with pytest.raises(InputError, match="start"):
        set_price(store, 1, model="m", rates={"input": "1"}, starts_ns=starts_ns)


def test_a_price_is_kept_as_it_was_given(store: Store) -> None:
    given = {"input": "0.15", "output": "0.60", "tiers": [{"above": 200_000, "input": "0.30"}]}
    kept = set_price(store, 1, provider=" azure ", model=" our-gpt ", rates=given, starts_ns=T0)
    assert own_prices(store, 1) == [kept]
    assert kept.as_json() == {"id": kept.id, "provider": "azure", "model": "our-gpt", "starts_ns": T0, "rates": given}
    assert (kept.provider, kept.model, kept.rates["output"]) == ("azure", "our-gpt", Decimal("0.60"))
    assert own_prices(store, 2) == []


def test_a_price_for_the_same_model_provider_and_start_replaces_the_older_one(store: Store) -> None:
    first = set_price(store, 1, model="m", rates={"input": "1"})
    second = set_price(store, 1, model="m", rates={"input": "2"})
    later = set_price(store, 1, model="m", rates={"input": "3"}, starts_ns=T0)
    assert own_prices(store, 1) == [second, later]
    assert first.id != second.id, "the price version must tell them apart"


def test_a_price_can_be_removed_once_and_only_in_its_project(store: Store) -> None:
    kept = set_price(store, 1, model="m", rates={"input": "1"})
    with pytest.raises(NotFound):
        remove_price(store, 2, kept.id)
    remove_price(store, 1, kept.id)
    with pytest.raises(NotFound, match="list its prices"):
        remove_price(store, 1, kept.id)
    assert own_prices(store, 1) == []


def test_prices_are_there_after_a_restart(store: Store) -> None:
    kept = set_price(store, 1, model="m", rates={"input": "1"})
    store.close()
    again = open_store(store.folder)
    assert own_prices(again, 1) == [kept]
    again.close()
