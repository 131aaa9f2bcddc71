"""Lists of traces and spans: order, pages, windows, filters, sums; traces without a root; what arrives while one reads."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import clew.traces.walk
from clew.core.errors import FilterError, InputError, NotFound
from clew.store import Store, open_store
from clew.traces.read import list_spans, list_traces, tail_spans, tail_traces, trace_neighbours
from clew.traces.views import Cost, Page, Tokens, TraceRow
from stored_spans import BASE, S, call, keep, score, span, span_id, trace_id


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("lists"))
    yield store
    store.close()


def numbers(page: Page[TraceRow]) -> list[int]:
    return [int(row.root.trace_id, 16) for row in page.items]


def all_pages(store: Store, project: int, **asked: Any) -> list[int]:
    found: list[int] = []
    cursor = None
    while True:
        page = list_traces(store, project, cursor=cursor, **asked)
        found += numbers(page)
        cursor = page.next
        if cursor is None:
            return found


def test_a_trace_is_told_by_its_root_and_the_sums_over_its_spans(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, name="agent", kind="AGENT", lasted=9, session_id="s", user_id="u", input_preview="hello"),
        call(1, 2, 1, at=1, tokens=100, nanos=1_400, cache_read_tokens=40),
        call(1, 3, 2, at=2, tokens=50, nanos=None, model="o3", status=2),
        call(1, 4, 3, at=3, tokens=7, nanos=300, counted=False),
        span(1, 5, 1, at=8, lasted=4),
    )
    (row,) = list_traces(store, project).items
    assert (row.root.name, row.root.session_id, row.root.user_id, row.root.input_preview) == ("agent", "s", "u", "hello")
    assert (row.spans, row.errors, row.end_ns, row.root_missing) == (5, 1, BASE + 12 * S, False)
    assert row.tokens == Tokens(input=150, output=15, cache_read=40)
    assert row.cost == Cost(1, 1, 1)  # one of the two calls that count has no known price
    assert row.models == ("gpt-4o", "o3")


def test_newest_first_or_oldest_first(store: Store) -> None:
    project = keep(store, *(span(number, 1, at=number) for number in (2, 5, 1, 4, 3)))
    assert numbers(list_traces(store, project)) == [5, 4, 3, 2, 1]
    assert numbers(list_traces(store, project, descending=False)) == [1, 2, 3, 4, 5]


def test_a_project_sees_nothing_of_another(store: Store) -> None:
    keep(store, span(1, 1))
    assert list_traces(store, 999_999).items == ()
    assert list_spans(store, 999_999).items == ()


def test_pages_follow_each_other_without_gap_or_repetition_even_at_one_instant(store: Store) -> None:
    project = keep(store, *(span(number, 1, at=number // 10) for number in range(1, 46)))
    expected = sorted(range(1, 46), key=lambda number: (number // 10, number))
    for size in (1, 4, 10, 44, 45, 46):
        assert all_pages(store, project, limit=size) == expected[::-1]
        assert all_pages(store, project, limit=size, descending=False) == expected


def test_what_arrives_later_does_not_shift_the_pages(store: Store) -> None:
    project = keep(store, *(span(number, 1, at=number) for number in range(1, 11)))
    first = list_traces(store, project, limit=4)
    keep(store, *(span(number, 1, at=number) for number in range(11, 20)), project=project)
    assert numbers(list_traces(store, project, limit=4, cursor=first.next)) == [6, 5, 4, 3]


def test_a_trace_without_root_stands_at_its_earliest_span_and_says_so(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, at=1),
        span(3, 1, at=3),
        span(2, 2, 9, at=2, name="first"),
        span(2, 3, 2, at=2.5),
        span(2, 4, 2, at=9),
        span(4, 1, at=4),
    )
    page = list_traces(store, project)
    assert numbers(page) == [4, 3, 2, 1]
    assert [(row.root.name, row.root_missing, row.spans) for row in page.items if row.root_missing] == [("first", True, 3)]
    assert all_pages(store, project, limit=1) == [4, 3, 2, 1]
    assert all_pages(store, project, limit=1, descending=False) == [1, 2, 3, 4]


def test_when_the_root_arrives_late_the_trace_takes_its_place(store: Store) -> None:
    project = keep(store, span(1, 2, 1, at=5), span(2, 1, at=4))
    assert numbers(list_traces(store, project)) == [1, 2]
    keep(store, span(1, 1, at=3, name="root"), project=project)
    page = list_traces(store, project)
    assert numbers(page) == [2, 1]
    assert not page.items[1].root_missing


def test_a_trace_of_two_roots_is_one_trace_at_the_earlier(store: Store) -> None:
    project = keep(store, span(1, 1, at=1, name="one"), span(1, 2, at=7, name="two"), span(2, 1, at=5))
    page = list_traces(store, project)
    assert numbers(page) == [2, 1]
    assert page.items[1].root.name == "one"
    assert all_pages(store, project, limit=1) == [2, 1]


def test_a_project_of_nothing_but_rootless_traces_is_listed_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clew.traces.walk, "FIRST_STRETCH", 7)
    project = keep(store, *(span(number, own, 77, at=number + own / 10) for number in range(1, 301) for own in (1, 2, 3)))
    assert all_pages(store, project, limit=7) == list(range(300, 0, -1))


def test_more_rootless_traces_at_one_instant_than_fit_a_look_are_all_there(store: Store) -> None:
    project = keep(store, *(span(number, 1, 77, at=1) for number in range(1, 401)))
    assert all_pages(store, project, limit=3) == list(range(400, 0, -1))


def test_a_trace_belongs_to_the_window_in_which_it_starts(store: Store) -> None:
    project = keep(store, span(1, 1, at=0, lasted=100), span(1, 2, 1, at=50), span(2, 1, at=40), span(3, 1, at=60))
    window = {"since_ns": BASE + 30 * S, "until_ns": BASE + 60 * S}
    for sort in ("start", "latency", "cost", "tokens", "errors"):
        assert numbers(list_traces(store, project, sort=sort, **window)) == [2]
    assert numbers(list_traces(store, project, since_ns=BASE, until_ns=BASE + 1)) == [1]


def test_traces_are_sorted_by_what_they_took_cost_and_failed(store: Store) -> None:
    project = keep(
        store,
        call(1, 1, lasted=5, tokens=300, nanos=None),
        call(2, 1, at=1, lasted=9, tokens=100, nanos=5_000_000, status=2),
        span(3, 1, at=2, lasted=1),
        call(3, 2, 3, at=2, lasted=7, tokens=200, nanos=9_000_000),
    )
    assert all_pages(store, project, sort="latency", limit=1) == [2, 3, 1]
    assert all_pages(store, project, sort="cost", limit=1) == [3, 2, 1]  # unknown is below any known cost, not zero
    assert all_pages(store, project, sort="tokens", limit=2) == [1, 3, 2]
    assert all_pages(store, project, sort="errors", limit=2) == [2, 3, 1]
    assert all_pages(store, project, sort="cost", descending=False) == [1, 2, 3]


def test_a_filter_asks_the_trace_and_is_told_in_words(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, name="agent"),
        call(1, 2, 1, model="o3"),
        span(2, 1, name="agent", at=1),
        call(3, 2, 9, at=2, model="o3", name="agent"),
    )
    page = list_traces(store, project, filter_text='model = o3 and name = "agent"')
    assert numbers(page) == [3, 1]
    assert page.sentence
    assert page.sentence != list_traces(store, project).sentence
    assert all_pages(store, project, filter_text="model = o3", limit=1, sort="cost") == [3, 1]
    with pytest.raises(FilterError):
        list_traces(store, project, filter_text="model =")


def test_a_filter_on_the_root_is_not_met_by_a_later_root(store: Store) -> None:
    project = keep(store, span(1, 1, name="one"), span(1, 2, at=7, name="two"))
    assert numbers(list_traces(store, project, filter_text="name = two")) == []
    assert numbers(list_traces(store, project, filter_text="name = one")) == [1]


def test_a_rare_match_far_back_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clew.traces.walk, "FIRST_FILTERED", 5)
    project = keep(store, *(span(number, 1, at=number, name="rare" if number in (3, 170) else "common") for number in range(1, 201)))
    assert all_pages(store, project, filter_text="name = rare", limit=1) == [170, 3]
    assert all_pages(store, project, filter_text="name = rare", limit=5, descending=False) == [3, 170]


# A filter, and whether it holds for a trace, by its head and its spans.
WANTED: dict[str, Callable[[Any, list[Any]], bool]] = {
    "": lambda head, spans: True,
    "name = a": lambda head, spans: head["name"] == "a",
    "spans > 1": lambda head, spans: len(spans) > 1,
    "name = a and any(name = b)": lambda head, spans: head["name"] == "a" and any(one["name"] == "b" for one in spans),
    "session = a": lambda head, spans: any(one["session_id"] == "a" for one in spans),
}


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_list_is_the_one_a_plain_reading_of_all_spans_gives(store: Store, monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    monkeypatch.setattr(clew.traces.walk, "FIRST_STRETCH", data.draw(st.integers(1, 9)))
    monkeypatch.setattr(clew.traces.walk, "FIRST_FILTERED", data.draw(st.integers(1, 9)))
    shape = st.tuples(st.integers(1, 9), st.sampled_from((0, 0, 99)), st.integers(0, 12), st.sampled_from(("a", "b")))
    drawn = data.draw(st.lists(shape, min_size=1, max_size=40))
    spans = [span(trace, own, parent, at=at, name=name, session_id=name) for own, (trace, parent, at, name) in enumerate(drawn, 1)]
    project = keep(store, *spans)
    heads = {}
    for one in sorted(spans, key=lambda one: (not one["is_root"], one["start_ns"], one["span_id"])):
        heads.setdefault(one["trace_id"], one)
    wanted, holds = data.draw(st.sampled_from(tuple(WANTED.items())))
    since, until = sorted(data.draw(st.tuples(st.integers(0, 13), st.integers(0, 13))))
    descending = data.draw(st.booleans())
    inside = [
        one
        for one in heads.values()
        if holds(one, [other for other in spans if other["trace_id"] == one["trace_id"]])
        and BASE + since * S <= one["start_ns"] < BASE + until * S
    ]
    expected = [int(one["trace_id"], 16) for one in sorted(inside, key=lambda one: (one["start_ns"], one["trace_id"]), reverse=descending)]
    asked: dict[str, Any] = {"since_ns": BASE + since * S, "until_ns": BASE + until * S, "descending": descending}
    asked["filter_text"] = wanted
    assert all_pages(store, project, limit=data.draw(st.integers(1, 10)), **asked) == expected


def test_spans_are_listed_sorted_and_paged(store: Store) -> None:
    project = keep(
        store, *(call(number % 3 + 1, number, at=number // 2, lasted=10 - number, tokens=number * 10) for number in range(1, 10))
    )

    def pages(**asked: Any) -> list[int]:
        found, cursor = [], None
        while True:
            page = list_spans(store, project, cursor=cursor, limit=4, **asked)
            found += [int(row.span_id, 16) for row in page.items]
            cursor = page.next
            if cursor is None:
                return found

    newest = sorted(range(1, 10), key=lambda number: (number // 2, number % 3 + 1, number), reverse=True)
    assert pages() == newest
    assert pages(descending=False) == newest[::-1]
    assert pages(sort="latency") == list(range(1, 10))
    assert pages(sort="tokens") == list(range(9, 0, -1))
    assert (
        pages(filter_text="tokens > 60 and kind = LLM", sort="cost", descending=False)
        == pages(filter_text="tokens > 60", sort="cost")[::-1]
    )


def test_the_newest_score_of_a_name_stands_beside_its_target(store: Store) -> None:
    project = keep(
        store, span(1, 1), span(1, 2, 1),
        scores=[
            score("span", trace=1, own=2, value=0.2, received_ns=1), score("span", trace=1, own=2, value=0.9, received_ns=2),
            score("trace", trace=1, name="success", value=1.0), score("trace", trace=2, name="other"),
        ],
    )  # fmt: skip
    (row,) = list_traces(store, project).items
    assert [(one.scope, one.name, one.value) for one in row.scores] == [("span", "quality", 0.9), ("trace", "success", 1.0)]
    spans = {int(one.span_id, 16): one.scores for one in list_spans(store, project).items}
    assert [one.value for one in spans[2]] == [0.9]
    assert spans[1] == ()


def test_neighbours_are_those_of_the_list_one_came_from(store: Store) -> None:
    project = keep(store, *(call(number, 1, at=number, nanos=number * 1_000, model="o3" if number % 2 else "x") for number in range(1, 8)))
    assert trace_neighbours(store, project, trace_id(3)) == (trace_id(4), trace_id(2))
    assert trace_neighbours(store, project, trace_id(7)) == (None, trace_id(6))
    assert trace_neighbours(store, project, trace_id(1), descending=False) == (None, trace_id(2))
    assert trace_neighbours(store, project, trace_id(3), filter_text="model = o3", sort="cost") == (trace_id(5), trace_id(1))
    with pytest.raises(NotFound):
        trace_neighbours(store, project, trace_id(99))


def test_the_tail_gives_what_came_since_and_goes_on_from_there(store: Store) -> None:
    last = 10_000  # the newest commit of the whole store is what a tail begins with
    project = keep(store, span(1, 1, commit_id=last))
    start = tail_traces(store, project)
    assert start.items == ()
    keep(
        store,
        span(2, 1, commit_id=last + 1),
        span(1, 2, 1, commit_id=last + 1),
        span(3, 1, commit_id=last + 2, name="odd"),
        project=project,
    )
    page = tail_traces(store, project, after=start.next)
    assert numbers(page) == [3, 2, 1]
    assert page.items[2].spans == 2
    assert tail_traces(store, project, after=page.next).items == ()
    assert numbers(tail_traces(store, project, after=start.next, filter_text="name = odd")) == [3]
    begin = tail_spans(store, project).next
    keep(store, span(1, 5, 1, commit_id=last + 3), project=project)
    assert [one.span_id for one in tail_spans(store, project, after=begin).items] == [span_id(5)]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "AAAA", "ä", "A" * 600, base64.urlsafe_b64encode(b"junk" * 9).decode()])
def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    if cursor:
        with pytest.raises(InputError, match="cursor"):
            list_traces(store, 1, cursor=cursor)


def test_a_changed_cursor_or_one_of_another_list_is_refused(store: Store) -> None:
    project = keep(store, span(1, 1), span(2, 1))
    cursor = list_traces(store, project, limit=1).next
    assert cursor is not None
    for wrong in (cursor[:-3], cursor[:8] + ("A" if cursor[8] != "A" else "B") + cursor[9:], cursor + "AAAA"):
        with pytest.raises(InputError, match="cursor"):
            list_traces(store, project, limit=1, cursor=wrong)
    for other in ({"sort": "cost"}, {"descending": False}):
        with pytest.raises(InputError, match="cursor"):
            list_traces(store, project, limit=1, cursor=cursor, **other)
    with pytest.raises(InputError, match="cursor"):
        list_spans(store, project, cursor=cursor)


@pytest.mark.parametrize(("asked", "word"), [({"sort": "colour"}, "sort"), ({"limit": 0}, "limit"), ({"limit": 501}, "limit")])
def test_a_sort_or_limit_that_there_is_not_is_refused_with_what_there_is(store: Store, asked: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=rf"{word} .*wanted"):
        list_traces(store, 1, **asked)
