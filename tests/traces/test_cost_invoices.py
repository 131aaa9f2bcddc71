"""Invoices worked by hand (``golden/invoices.toml``): the arithmetic on paper, the price in the book, and the cost that Clew gives."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from clew.store import Statement, Store, open_store
from clew.traces.cost import CardCache, Pair, PriceBook, Unknown, Usage, book_version, cost_nanos, cost_sql, invoice

GOLDEN = tomllib.loads((Path(__file__).parent.parent / "golden" / "invoices.toml").read_text(encoding="utf-8"))
INVOICES: list[dict[str, Any]] = GOLDEN["invoice"]
UNKNOWN: list[dict[str, Any]] = GOLDEN["unknown"]
names = [case["name"] for case in INVOICES]

same_book = pytest.mark.skipif(book_version() != GOLDEN["prices"], reason=f"worked with {GOLDEN['prices']}; installed is {book_version()}")


def at_ns(case: dict[str, Any]) -> int:
    return (case["at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("case", INVOICES, ids=names)
def test_the_paper_is_right(case: dict[str, Any]) -> None:
    amounts = [Decimal(amount) for *_, amount in case["lines"]]
    assert amounts == [Decimal(count) * Decimal(dollars) / 1_000_000 for _, count, dollars, _ in case["lines"]]
    assert int((sum(amounts) * 10**9).quantize(Decimal(1), ROUND_HALF_UP)) == case["nanos"]
    whole = {"input": "input_total", "output": "output"}
    for of, parts in {
        "input": ("input", "cache read", "cache write", "audio input"),
        "output": ("output", "reasoning", "audio output"),
    }.items():
        assert sum(count for what, count, *_ in case["lines"] if what in parts) == case["usage"].get(whole[of], 0)


@same_book
@pytest.mark.parametrize("case", INVOICES, ids=names)
def test_a_call_costs_what_was_worked_out_by_hand(case: dict[str, Any]) -> None:
    card = PriceBook().resolve(case["provider"], case["model"], at_ns(case))
    assert card is not None
    assert card.version == f"{GOLDEN['prices']} {case['price']}"
    lines = invoice(card, Usage(**case["usage"]))
    assert not isinstance(lines, Unknown)
    assert [(line.what, line.count, line.rate) for line in lines] == [
        (what, count, int(Decimal(dollars) * 10**12)) for what, count, dollars, _ in case["lines"]
    ]
    assert cost_nanos(card, Usage(**case["usage"])) == case["nanos"]


@pytest.mark.parametrize("case", UNKNOWN, ids=[case["name"] for case in UNKNOWN])
def test_a_call_whose_cost_cannot_be_known_says_why(case: dict[str, Any]) -> None:
    cost = cost_nanos(PriceBook().resolve(case["provider"], case["model"], at_ns(case)), Usage(**case["usage"]))
    assert isinstance(cost, Unknown)
    assert case["reason"] in cost.reason


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("invoices"))
    yield opened
    opened.close()


COLUMN = {
    "input_total": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
    "audio_input": "audio_input_tokens",
    "audio_output": "audio_output_tokens",
}


@same_book
@pytest.mark.parametrize("case", [*INVOICES, *UNKNOWN], ids=[case["name"] for case in [*INVOICES, *UNKNOWN]])
def test_the_engine_gives_the_same(store: Store, case: dict[str, Any]) -> None:
    counts = {column: case["usage"].get(part) for part, column in COLUMN.items()} | {"uncached_tokens": None}
    columns = ", ".join(f"{{{name}:Nullable(Int64)}} AS {name}" for name in counts)
    texts = ", ".join(f"{{{name}:String}} AS {name}" for name in ("provider", "model_answered", "model_asked"))
    source = (
        f"SELECT 1 AS project_id, {{start_ns:Int64}} AS start_ns, CAST(NULL, 'Nullable(Int64)') AS sender_cost_nanos, {columns}, {texts}"
    )
    sql = ", ".join(f"{expression} AS new_{name}" for name, expression in cost_sql().items())
    pair = Pair(1, case["provider"], case["model"], "")
    params = {"start_ns": at_ns(case), "provider": pair.provider, "model_answered": pair.model_answered, "model_asked": "", **counts}
    cards = CardCache(store).cards_for([pair]).parameters()
    found = store.facts.rows(Statement("price", f"SELECT {sql} FROM ({source})"), **params, **cards)[0]
    assert found["new_cost_nanos"] == case.get("nanos")
    assert found["new_cost_source"] == ("price" if "nanos" in case else "unknown")
    assert found["new_price_version"] == (f"{GOLDEN['prices']} {case['price']}" if "nanos" in case else "")
