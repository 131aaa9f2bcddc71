"""The state of a page is its URL: what is read from it, and what is refused."""

from __future__ import annotations

from datetime import UTC
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest

from clew.core.clock import NS_PER_DAY, NS_PER_S
from clew.core.errors import InputError
from clew.web import columns
from clew.web.contexts import Part, Turn
from clew.web.filterbox import filter_box
from clew.web.pages.lists import carried, read_carried
from clew.web.pages.sessions import fresh
from clew.web.recent import Recent
from clew.web.urls import name_of, read_moment, read_window, safe_back, url

NOW = 1_763_000_000 * NS_PER_S


def test_a_window_ends_now_or_where_it_is_told() -> None:
    day = read_window({}, NOW, UTC)
    assert (day.since_ns, day.until_ns, day.words, day.before) == (NOW - NS_PER_DAY, None, "in the last 24\u00a0hours", "the day before")
    week = read_window({"window": "7d"}, NOW, UTC)
    assert (week.since_ns, week.words) == (NOW - 7 * NS_PER_DAY, "in the last 7\u00a0days")
    custom = read_window({"from": "2025-11-12T10:00", "to": "2025-11-12T11:00"}, NOW, ZoneInfo("Europe/Berlin"))
    assert custom.since_ns == read_moment("2025-11-12T09:00:00+00:00")
    assert custom.params == {"from": "2025-11-12T10:00", "to": "2025-11-12T11:00"}


@pytest.mark.parametrize("query", [{"window": "x"}, {"window": "0h"}, {"window": "9999d"}, {"from": "5", "to": "4"}, {"from": "soon"}])
def test_a_window_that_cannot_be_is_refused_with_what_was_wanted(query: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"wanted"):
        read_window(query, NOW, UTC)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""])
def test_one_is_never_led_to_another_host(path: str) -> None:
    assert safe_back(path) == "/"


def test_names_stand_quoted_in_an_address() -> None:
    assert url("/p", "a b ?#<", "traces", q='x = "y"', empty="") == "/p/a%20b%20%3F%23%3C/traces?q=x%20%3D%20%22y%22"


@pytest.mark.parametrize("name", ["a/b", "..", ".", "~", "~2F", "a\\b", "é ü", "/", "a/../b"])
def test_any_name_is_one_segment_of_a_path_and_comes_back(name: str) -> None:
    segment = url("/p", "shop", "sessions", name).removeprefix("/p/shop/sessions/")
    assert "/" not in unquote(segment)
    assert unquote(segment) not in (".", "..")
    assert name_of(unquote(segment)) == name


def test_a_list_travels_with_the_trace_that_was_opened_from_it() -> None:
    state = {"q": 'input ~ "a&b=c"', "window": "7d", "sort": "cost", "after": "cursor", "live": "1"}
    assert read_carried(carried(state)) == {"q": 'input ~ "a&b=c"', "window": "7d", "sort": "cost"}
    assert read_carried("nonsense&x=1") == {}


def test_a_mistake_in_a_filter_is_cut_out_at_its_character() -> None:
    box = filter_box("kind = LLLM and", "span", action="/", complete_href="/c", kept={})
    assert box.mistake is not None
    assert (box.mistake.before, box.mistake.at, box.mistake.after) == ("kind = ", "L", "LLM and")
    assert "LLM" in box.mistake.expected
    assert filter_box("status = error", "trace", action="/", complete_href="/c", kept={}).sentence == "traces that ended in error"


def test_columns_keep_the_lists_order_and_an_unknown_one_is_named() -> None:
    assert [each.key for each in columns.chosen(columns.TRACES, "cost,latency")] == ["when", "name", "latency", "cost"]
    with pytest.raises(InputError, match="'speed'"):
        columns.chosen(columns.TRACES, "speed")


def said(role: str, words: str) -> Turn:
    return Turn(role, (Part("text", words),))


def test_a_later_trace_of_a_session_adds_only_what_is_new() -> None:
    first = (said("system", "be kind"), said("user", "hello"), said("assistant", "hi"))
    shown = {(turn.role, turn.parts) for turn in first}
    later = (*first, said("user", "hello"), said("assistant", "hi again"))
    assert [turn.parts[0].text for turn in fresh(later, shown)] == ["hello", "hi again"]
    assert fresh(first, set()) == first
    assert fresh((), shown) == ()


def test_what_is_kept_for_a_moment_is_forgotten_after_it_and_beyond_its_number() -> None:
    now = [0.0]
    recent: Recent[str] = Recent(2, 30, clock=lambda: now[0])
    for key in ("a", "b", "c"):
        recent.put(key, key * 2)
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (None, "bb", "cc")
    now[0] = 31
    assert recent.get("c") is None
