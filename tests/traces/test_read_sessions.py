"""Sessions: who spoke, how long, what it cost, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from clew.core.errors import InputError, NotFound
from clew.store import Store, open_store
from clew.traces.read import get_session, list_sessions
from clew.traces.views import Cost, Tokens
from stored_spans import BASE, S, call, keep, score, span


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("sessions"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def shop(store: Store) -> int:
    return keep(
        store,
        span(1, 1, at=1, session_id="long", user_id="ada", input_preview="hello", input_text="hello there", output_preview="hi", output_text="hi!"),
        call(1, 2, 1, at=1.5, tokens=100, nanos=400),
        span(2, 1, at=5, input_preview="refund", input_text="refund please", output_preview="done", output_text="done."),
        call(2, 2, 1, at=5.5, tokens=50, nanos=400, session_id="long", status=2),
        span(3, 1, at=3, session_id="short"), call(3, 2, 1, at=3, tokens=900, nanos=9_000_000),
        span(4, 1, at=90, session_id="late"), span(5, 1, at=91),
        scores=[score("session", session_id="long", name="solved"), score("trace", trace=1)],
    )  # fmt: skip


def listed(store: Store, project: int, **asked: Any) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = list_sessions(store, project, cursor=cursor, limit=2, **asked)
        found += [row.session_id for row in page.items]
        cursor = page.next
        if cursor is None:
            return found


def test_a_session_sums_its_traces_whichever_of_their_spans_names_it(store: Store, shop: int) -> None:
    row = next(row for row in list_sessions(store, shop).items if row.session_id == "long")
    assert (row.user_id, row.start_ns, row.end_ns, row.traces, row.spans, row.errors) == ("ada", BASE + S, BASE + round(6.5 * S), 2, 4, 1)
    assert row.tokens == Tokens(input=150, output=15)
    assert row.cost == Cost(1, 2, 0)  # 800 nano-dollars: rounded once, not 0 + 0
    assert (row.first_input, row.last_output) == ("hello", "done")
    assert [one.name for one in row.scores] == ["solved"]


def test_sessions_are_sorted_and_paged(store: Store, shop: int) -> None:
    assert listed(store, shop) == ["late", "long", "short"]
    assert listed(store, shop, sort="start") == ["late", "short", "long"]
    assert listed(store, shop, sort="start", descending=False) == ["long", "short", "late"]
    assert listed(store, shop, sort="cost") == ["short", "long", "late"]
    assert listed(store, shop, sort="tokens") == ["short", "long", "late"]
    assert listed(store, shop, sort="errors")[0] == "long"
    assert listed(store, shop, sort="traces")[0] == "long"


def test_a_session_shows_in_every_window_in_which_it_was_at_work(store: Store, shop: int) -> None:
    assert listed(store, shop, since_ns=BASE + 6 * S, until_ns=BASE + 60 * S) == ["long"]
    assert listed(store, shop, until_ns=BASE + 2 * S) == ["long"]


def test_sessions_are_filtered(store: Store, shop: int) -> None:
    assert listed(store, shop, filter_text="cost > $0.001") == ["short"]
    assert listed(store, shop, filter_text='input ~ "refund"') == ["long"]


def test_a_session_opens_as_turns_in_order(store: Store, shop: int) -> None:
    view = get_session(store, shop, "long")
    assert [(turn.input_text, turn.output_text) for turn in view.turns] == [("hello there", "hi!"), ("refund please", "done.")]
    assert [turn.trace.errors for turn in view.turns] == [0, 1]
    assert view.row.traces == 2
    with pytest.raises(NotFound):
        get_session(store, shop, "nobody")


def test_a_cursor_of_another_order_is_refused(store: Store, shop: int) -> None:
    cursor = list_sessions(store, shop, limit=1).next
    with pytest.raises(InputError, match="cursor"):
        list_sessions(store, shop, limit=1, sort="cost", cursor=cursor)
