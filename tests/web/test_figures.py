"""Numbers and times read the way people write them."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.web import figures

N = figures.NBSP
DAY = 86_400 * 10**9


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "–"),
        (0, f"0{N}s"),
        (820, f"820{N}ns"),
        (312_000, f"312{N}µs"),
        (999_600, f"1.0{N}ms"),
        (8_400_000, f"8.4{N}ms"),
        (84_000_000, f"84{N}ms"),
        (999_600_000, f"1.0{N}s"),
        (2_149_000_000, f"2.1{N}s"),
        (59_960_000_000, f"1{N}min"),
        (200 * 10**9, f"3{N}min 20{N}s"),
        (3_599_800_000_000, f"1{N}h"),
        (72 * 60 * 10**9, f"1{N}h 12{N}min"),
        (2 * DAY + 3 * 3600 * 10**9, f"2{N}d 3{N}h"),
        (-2_100_000_000, f"−2.1{N}s"),
    ],
)
def test_a_duration_has_the_unit_a_person_would_choose(ns: int | None, text: str) -> None:
    assert figures.duration(ns) == text


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (None, "–"),
        (0, "$0"),
        (1, "$0.000001"),
        (12, "$0.000012"),
        (210, "$0.00021"),
        (9_949, "$0.0099"),
        (61_000, "$0.061"),
        (999_499, "$1.00"),
        (12_400_000, "$12.40"),
        (1_204_300_000, "$1,204"),
        (-61_000, "−$0.061"),
    ],
)
def test_money_keeps_the_digits_that_matter_and_unknown_is_a_dash(micros: int | None, text: str) -> None:
    assert figures.money(micros) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0%"),
        (0.0004, "0.04%"),
        (0.00001, "<0.01%"),
        (0.031, "3.1%"),
        (0.17, "17%"),
        (0.9996, ">99.9%"),
        (0.996, "99.6%"),
        (1.0, "100%"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(value: float | None, text: str) -> None:
    assert figures.share(value) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (None, "–"),
        (7, "7"),
        (999, "999"),
        (9_999, "10k"),
        (20_732, "20.7k"),
        (1_400_000, "1.4M"),
        (999_600, "1M"),
        (-1_500, "−1.5k"),
        (0.25, "0.25"),
    ],
)
def test_a_short_count(n: float | None, text: str) -> None:
    assert figures.short(n) == text


def test_ranges_name_their_unit_once_and_signed_ranges_are_joined_by_a_word() -> None:
    assert figures.share_range(0.024, 0.039) == "2.4–3.9%"
    assert figures.duration_range(7_900_000_000, 8_800_000_000) == f"7.9–8.8{N}s"
    assert figures.duration_range(900_000_000, 1_200_000_000) == f"900{N}ms – 1.2{N}s"
    assert figures.duration_range(None, 5) == ""
    assert figures.points_range(-0.013, 0.11) == "−1.3 to +11"


@pytest.mark.parametrize(
    ("now", "before", "text"), [(110, 100, "+10%"), (96, 100, "−4.0%"), (5, 0, "–"), (100, 100, "0%"), (2_000, 10, "×200")]
)
def test_a_change_against_before(now: float, before: float, text: str) -> None:
    assert figures.change(now, before) == text


def test_a_moment_is_as_short_as_is_clear() -> None:
    now = 1_763_000_000 * 10**9  # 2025-11-13 02:13:20 UTC
    assert figures.when(now - 10**9, now, UTC) == "02:13:19"
    assert figures.when(now - DAY, now, UTC) == "12 Nov 02:13"
    assert figures.when(now - 400 * DAY, now, UTC) == "9 Oct 2024 02:13"
    assert figures.when(now, now, ZoneInfo("Asia/Tokyo")) == "11:13:20"
    assert figures.exact(now + 1, UTC) == "2025-11-13 02:13:20.000000001 UTC"
    assert figures.ago(now - 3 * 60 * 10**9, now) == f"3{N}min ago"
    assert figures.span_of_time(now - 10 * DAY, now, UTC) == "3–13 Nov"


def test_long_text_is_cut_at_a_word() -> None:
    assert figures.clip("only one certificate can be used in one booking", 30) == "only one certificate can be…"
    assert figures.clip("  two\n lines ", 30) == "two lines"
    assert figures.short_id("9f3c0000000000000000000000071ab0") == "9f3c…1ab0"


@given(st.integers(min_value=0, max_value=10**19))
def test_every_duration_has_a_text_without_a_plain_space_before_its_unit(ns: int) -> None:
    text = figures.duration(ns)
    assert text
    assert N in text


@given(st.floats(min_value=0, max_value=1))
def test_only_certainty_reads_as_certainty(value: float) -> None:
    text = figures.share(value)
    assert (text == "0%") == (value == 0)
    assert (text == "100%") == (value * 100 == 100)
