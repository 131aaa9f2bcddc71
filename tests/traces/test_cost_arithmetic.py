"""The arithmetic of a call's cost: inclusive counts, parts with prices of their own, tiers, and what cannot be known."""

from __future__ import annotations

import pytest

from clew.traces.cost import RateCard, Rates, Tier, Unknown, Usage, cost_nanos, invoice, micros

DOLLAR_PER_MTOK = 10**12  # atto-dollars per token


def rates(input_: int, output: int, **parts: int) -> Rates:
    of_input = dict.fromkeys(("input", "cache_read", "cache_write", "audio_input"), input_)
    of_output = dict.fromkeys(("output", "reasoning", "audio_output"), output)
    return Rates(**{part: dollars * DOLLAR_PER_MTOK for part, dollars in (of_input | of_output | parts).items()})


def card(*tiers: Tier, text_only: bool = False) -> RateCard:
    return RateCard(tiers, "test", text_only=text_only)


PLAIN = card(Tier(-1, rates(2, 8)))
CACHED = card(Tier(-1, rates(10, 50, cache_read=1, cache_write=12)))
SPOKEN = card(Tier(-1, rates(4, 16, cache_read=1, audio_input=32, audio_output=64)))
THINKING = card(Tier(-1, rates(2, 8, reasoning=3)))
TIERED = card(Tier(-1, rates(1, 10)), Tier(200_000, rates(2, 15)))


def reason(found: object) -> str:
    assert isinstance(found, Unknown), found
    return found.reason


def test_input_and_output_are_charged_at_their_rates() -> None:
    assert cost_nanos(PLAIN, Usage(input_total=1000, output=100)) == 1000 * 2000 + 100 * 8000


def test_cached_tokens_are_part_of_the_input_and_not_charged_twice() -> None:
    assert (
        cost_nanos(CACHED, Usage(input_total=1000, cache_read=600, cache_write=300, output=0)) == 100 * 10_000 + 600 * 1000 + 300 * 12_000
    )


def test_a_part_without_a_price_of_its_own_is_charged_as_its_whole() -> None:
    assert cost_nanos(PLAIN, Usage(input_total=1000, cache_read=600, output=100, reasoning=60)) == cost_nanos(
        PLAIN, Usage(input_total=1000, output=100)
    )


def test_a_part_that_is_charged_as_its_whole_may_be_told_wrongly() -> None:
    assert cost_nanos(PLAIN, Usage(input_total=10, cache_read=600, output=1, reasoning=60)) == 10 * 2000 + 8000


def test_reasoning_is_part_of_the_output() -> None:
    assert cost_nanos(THINKING, Usage(input_total=0, output=100, reasoning=60)) == 40 * 8000 + 60 * 3000


def test_audio_is_part_of_the_input_and_of_the_output() -> None:
    usage = Usage(input_total=100, audio_input=40, output=50, audio_output=30)
    assert cost_nanos(SPOKEN, usage) == 60 * 4000 + 40 * 32_000 + 20 * 16_000 + 30 * 64_000


@pytest.mark.parametrize(("tokens", "per_token"), [(0, 1000), (199_999, 1000), (200_000, 1000), (200_001, 2000), (10**6, 2000)])
def test_a_tier_is_one_of_the_whole_request_and_starts_above_its_threshold(tokens: int, per_token: int) -> None:
    output = 10_000 if per_token == 1000 else 15_000
    assert cost_nanos(TIERED, Usage(input_total=tokens, output=1)) == tokens * per_token + output


def test_the_input_is_put_together_from_its_parts_where_its_total_is_missing() -> None:
    assert cost_nanos(CACHED, Usage(uncached=100, cache_read=600, cache_write=300, output=0)) == 100 * 10_000 + 600 * 1000 + 300 * 12_000


def test_a_count_of_zero_is_known_and_costs_nothing() -> None:
    assert cost_nanos(PLAIN, Usage(input_total=0, output=0)) == 0


def test_a_model_without_a_price_has_an_unknown_cost_even_for_no_tokens() -> None:
    assert "no price" in reason(cost_nanos(None, Usage(input_total=0, output=0)))


def test_a_span_without_tokens_has_no_cost() -> None:
    assert "tells of no tokens" in reason(cost_nanos(PLAIN, Usage()))


def test_a_missing_count_is_unknown_only_where_the_price_asks_for_it() -> None:
    embedding = card(Tier(-1, rates(2, 0)))
    assert cost_nanos(embedding, Usage(input_total=11)) == 22_000
    assert "output" in reason(cost_nanos(PLAIN, Usage(input_total=11)))
    assert "input" in reason(cost_nanos(PLAIN, Usage(output=11)))
    assert "input" in reason(cost_nanos(TIERED, Usage(output=11)))


def test_parts_that_are_more_than_their_whole_make_the_cost_unknown() -> None:
    assert "parts of the input" in reason(cost_nanos(CACHED, Usage(input_total=10, cache_read=6, cache_write=5, output=1)))
    assert "parts of the output" in reason(cost_nanos(THINKING, Usage(input_total=10, output=5, reasoning=6)))


def test_cached_audio_is_unknown_because_no_count_tells_how_much_of_it_there_was() -> None:
    assert "audio" in reason(cost_nanos(SPOKEN, Usage(input_total=100, cache_read=50, audio_input=60, output=1)))
    assert cost_nanos(SPOKEN, Usage(input_total=100, cache_read=0, audio_input=60, output=0)) == 40 * 4000 + 60 * 32_000


def test_audio_is_unknown_where_it_costs_extra_and_the_price_is_not_stated() -> None:
    text = card(Tier(-1, rates(2, 8)), text_only=True)
    assert cost_nanos(text, Usage(input_total=10, output=1, audio_input=0, audio_output=0)) == 28_000
    assert "audio" in reason(cost_nanos(text, Usage(input_total=10, output=1, audio_input=5)))


@pytest.mark.parametrize("count", [-1, 10**10 + 1, 2**63 - 1])
def test_a_count_that_no_call_can_have_makes_the_cost_unknown(count: int) -> None:
    assert "token count" in reason(cost_nanos(PLAIN, Usage(input_total=count, output=1)))
    assert "token count" in reason(cost_nanos(PLAIN, Usage(input_total=1, output=1, reasoning=count)))


def test_nano_dollars_are_rounded_half_up() -> None:
    half = card(Tier(-1, Rates(500_000_000, 0, 500_000_000, 500_000_000, 500_000_000, 0, 0)))  # half a nano-dollar per token
    assert [cost_nanos(half, Usage(input_total=n)) for n in (1, 2, 3)] == [1, 1, 2]


def test_the_invoice_lines_sum_up_to_the_cost() -> None:
    usage = Usage(input_total=1000, cache_read=600, cache_write=300, output=50)
    lines = invoice(CACHED, usage)
    assert not isinstance(lines, Unknown)
    assert [(line.what, line.count) for line in lines] == [("input", 100), ("cache read", 600), ("cache write", 300), ("output", 50)]
    assert sum(line.atto for line in lines) == 10**9 * 7_700_000
    assert cost_nanos(CACHED, usage) == 7_700_000


def test_many_cheap_calls_keep_their_sum_where_micro_dollars_each_would_lose_it() -> None:
    embedding = card(Tier(-1, Rates(20_000_000_000, 0, 20_000_000_000, 20_000_000_000, 20_000_000_000, 0, 0)))
    one = cost_nanos(embedding, Usage(input_total=11))
    assert one == 220
    assert micros(one) == 0
    assert micros(one * 1_000_000) == 220_000


def test_a_request_fee_is_charged_once() -> None:
    fee = card(Tier(-1, Rates(0, 0, 0, 0, 0, 0, 0, request=14 * 10**15)))
    assert cost_nanos(fee, Usage(input_total=5, output=5)) == 14_000_000
