"""Times on the command line mean what a person means."""

from __future__ import annotations

from datetime import datetime

import pytest

from clew.cli.times import moment_ns
from clew.core.clock import NS_PER_S, now_ns
from clew.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30min", 1800), ("5m", 300), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), (" 1 h", 3600)]
)
def test_a_length_is_so_long_ago(text: str, seconds: int) -> None:
    wanted = now_ns() - seconds * NS_PER_S
    assert abs(moment_ns(text, "--since") - wanted) < 5 * NS_PER_S


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-11-22T08:00:00Z", 1_795_334_400 * NS_PER_S),
        ("2026-11-22T09:00:00.5+01:00", 1_795_334_400 * NS_PER_S + NS_PER_S // 2),
        ("1700000000123456789", 1_700_000_000_123_456_789),
        ("1970-01-01T00:00Z", 0),
    ],
)
def test_a_moment_is_that_moment(text: str, ns: int) -> None:
    assert moment_ns(text, "--since") == ns


def test_a_moment_without_a_zone_is_in_the_zone_of_this_machine() -> None:
    assert moment_ns("2026-11-22T08:00", "--since") == int(datetime(2026, 11, 22, 8).astimezone().timestamp()) * NS_PER_S


def test_nothing_said_is_nothing_asked() -> None:
    assert moment_ns(None, "--since") is None


@pytest.mark.parametrize("text", ["yesterday", "", "24", "1y", "-3h", "2026-13-01", "1960-01-01T00:00Z", "9999-01-01T00:00Z", "٣h"])
def test_what_is_no_time_is_told_with_what_is(text: str) -> None:
    with pytest.raises(InputError, match="--until is"):
        moment_ns(text, "--until")
