"""The price book against the library it is read from: the same price for any model, usage and moment, to a nano-dollar of rounding."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from genai_prices import data_snapshot
from genai_prices.data import providers
from genai_prices.types import ModelInfo, Provider
from genai_prices.types import Usage as TheirUsage
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.traces.cost import PriceBook, RateCard, Unknown, Usage, cost_nanos

ENTRIES = [(provider, model) for provider in providers for model in provider.models]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nanos_of(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def their_entry(provider: Provider, model: ModelInfo) -> ModelInfo | None:
    """The entry that the library itself finds by an entry's own id; some ids are not written as a request would write them."""
    try:
        return data_snapshot.get_snapshot().find_provider_model(model.id, None, provider.id, None)[1]
    except LookupError:
        return None


def their_cost(provider: Provider, model: ModelInfo, usage: Usage, moment: datetime) -> Decimal | None:
    """The library's price in nano-dollars, None where it refuses the counts."""
    told = {
        "input_tokens": usage.input_total,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "output_tokens": usage.output,
        "output_reasoning_tokens": usage.reasoning,
        "input_audio_tokens": usage.audio_input,
        "output_audio_tokens": usage.audio_output,
    }
    try:
        theirs = model.calc_price(TheirUsage(**{k: v for k, v in told.items() if v is not None}), provider, genai_request_timestamp=moment)
    except ValueError:
        return None
    return theirs.total_price * 10**9


def check(provider: Provider, model: ModelInfo, usage: Usage, moment: datetime) -> str:
    """Compares one price; what came out: equal, unknown or refused."""
    found = their_entry(provider, model)
    if found is None:
        return "not found"
    card = PriceBook().resolve(provider.id, model.id, nanos_of(moment))
    ours = cost_nanos(card, usage)
    theirs = their_cost(provider, found, usage, moment)
    where = (provider.id, model.id, usage, moment)
    if card is None:
        assert not prices_tokens(found, moment), where
        return "unknown"
    assert card.version.endswith(f" {provider.id}:{found.id}"), where
    if isinstance(ours, Unknown):
        assert theirs is None or (card.text_only and (usage.audio_input or usage.audio_output)), (where, ours)
        return "refused"
    if theirs is None:
        assert nothing_is_charged_apart(card, usage), where
        return "allowed"
    assert abs(ours - theirs) <= 1, (where, ours, theirs)
    if exact(card, theirs):
        assert ours == int(theirs.quantize(Decimal(1), ROUND_HALF_UP)), (where, ours, theirs)
    return "equal"


def prices_tokens(model: ModelInfo, moment: datetime) -> bool:
    return any(key.endswith("_mtok") and value is not None for key, value in vars(model.get_prices(moment)).items())


def nothing_is_charged_apart(card: RateCard, usage: Usage) -> bool:
    """The library also refuses wrong counts of parts that cost what their whole costs; they change nothing."""
    whole = {"cache_read": "input", "cache_write": "input", "audio_input": "input", "reasoning": "output", "audio_output": "output"}
    apart = [part for part, of in whole.items() if getattr(usage, part) and card.apart(part, of)]
    return len(apart) < 2


def exact(card: RateCard, theirs: Decimal) -> bool:
    return theirs == theirs.quantize(Decimal("1e-9"))


def usage_of(rng: random.Random) -> Usage:
    """Counts of all sizes; mostly true, sometimes with parts that cannot be."""
    whole, answer = (int(10 ** rng.uniform(0, 6.2)) for _ in range(2))
    read = rng.choice([None, 0, rng.randint(0, whole)])
    write = rng.choice([None, 0, rng.randint(0, whole - (read or 0))])
    heard = rng.choice([None, None, 0, rng.randint(0, whole - (read or 0) - (write or 0))])
    thought = rng.choice([None, 0, rng.randint(0, answer)])
    spoken = rng.choice([None, None, 0, rng.randint(0, answer - (thought or 0))])
    if rng.random() < 0.05:
        read = whole + rng.randint(1, 100)
    return Usage(whole, None, read, write, answer, thought, heard, spoken)


def moment_of(rng: random.Random) -> datetime:
    """Any second of three years, often the edge of a day or of an hour at which prices change."""
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randrange(3 * 365 * 86_400))
    if rng.random() < 0.4:
        moment = moment.replace(hour=rng.choice([0, 1, 4, 6, 10, 16]), minute=rng.choice([0, 30]), second=0)
        moment -= timedelta(microseconds=rng.choice([0, 1]))
    return moment


def test_every_entry_of_the_book_costs_what_the_library_says() -> None:
    rng = random.Random(20260101)
    seen: dict[str, int] = {}
    for provider, model in ENTRIES:
        outcome = check(provider, model, usage_of(rng), moment_of(rng))
        seen[outcome] = seen.get(outcome, 0) + 1
    assert seen["equal"] > 0.75 * len(ENTRIES), seen


CONDITIONAL = [(provider, model) for provider, model in ENTRIES if isinstance(model.prices, list) and len(model.prices) > 1]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(range(len(CONDITIONAL))), st.integers(0, 2**32))
def test_prices_that_change_by_date_or_time_of_day_follow_the_library_at_every_moment(index: int, seed: int) -> None:
    rng = random.Random(seed)
    check(*CONDITIONAL[index], usage_of(rng), moment_of(rng))


TIERED = [
    (provider, model)
    for provider, model in ENTRIES
    for price in (model.prices if isinstance(model.prices, list) else [])
    if any(hasattr(value, "tiers") for value in vars(price.prices).values())
] + [(p, m) for p, m in ENTRIES if not isinstance(m.prices, list) and any(hasattr(v, "tiers") for v in vars(m.prices).values())]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(range(len(TIERED))), st.integers(0, 2**32), st.integers(-1, 1))
def test_tiers_follow_the_library_at_and_around_every_threshold(index: int, seed: int, beside: int) -> None:
    provider, model = TIERED[index]
    rng = random.Random(seed)
    moment = moment_of(rng)
    starts = [tier.start for value in vars(model.get_prices(moment)).values() for tier in getattr(value, "tiers", ())]
    whole = rng.choice(starts or [200_000]) + beside
    check(provider, model, Usage(whole, None, rng.randint(0, whole), None, rng.randint(0, 9999)), moment)


def test_no_entry_of_the_book_asks_more_than_the_engine_can_multiply() -> None:
    for provider, model in ENTRIES:
        timeline = PriceBook().timeline(provider.id, model.id)
        for card in filter(None, timeline.cards):
            assert all(0 <= rate <= 10**17 for tier in card.tiers for rate in vars(tier.rates).values()), (provider.id, model.id)


@pytest.mark.parametrize(
    ("at", "bounds"),
    [
        ("2025-03-01T00:29:59", ("2025-03-01T00:00:00", "2025-03-01T00:30:00")),
        ("2025-03-01T00:30:00", ("2025-03-01T00:30:00", "2025-03-01T16:30:00")),
        ("2025-03-01T23:00:00", ("2025-03-01T16:30:00", "2025-03-02T00:00:00")),
    ],
)
def test_a_card_says_from_when_to_when_it_holds(at: str, bounds: tuple[str, str]) -> None:
    moment, *ends = (nanos_of(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in (at, *bounds))
    card = PriceBook().resolve("deepseek", "deepseek-chat", moment)
    assert card is not None
    assert [card.from_ns, card.to_ns] == ends


def test_a_card_without_conditions_holds_always() -> None:
    card = PriceBook().resolve("openai", "gpt-4o", 0)
    assert card is not None
    assert card.from_ns is None
    assert card.to_ns is None
