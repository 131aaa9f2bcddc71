"""Search: any words, any part of a word, any script; the words around; through the index where it can help, right where it cannot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clew.core.errors import InputError
from clew.store import Statement, Store, open_store
from clew.traces.filter.text import SPAN_TEXT, grams_sql
from clew.traces.read import attribute_keys, search
from stored_spans import BASE, S, call, keep, span

TEXTS = {
    1: ("Please REFUND my order no. 4711", "It is late, sorry"),
    2: ("我要退款,谢谢", "好的,退款已处理"),
    3: ("Верните деньги за заказ", "Возврат оформлен"),
    4: ("أريد استرداد المبلغ", "تم"),
    5: ("family 👨‍👩‍👧 trip 🧳", "Straße, café, naïve"),
    6: ("x" * 300 + " needle " + "y" * 300, ""),
    7: ("", "<script>alert(1)</script> 100%_sure\\n"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("search"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def shop(store: Store) -> int:
    return keep(store, *(span(number, 1, at=number, input_text=given, output_text=came) for number, (given, came) in TEXTS.items()))


def found(store: Store, project: int, text: str) -> list[int]:
    return [int(hit.span.trace_id, 16) for hit in search(store, project, text).items]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("refund", [1]), ("efun", [1]), ("REFUND MY", [1]), ("und my ord", [1]), ("no. 4711", [1]), ("t is la", [1]), ("退款", [2]), ("款,谢", [2]),
        ("谢", [2]), ("деньги", [3]), ("ДЕНЬГИ ЗА", [3]), ("рнит", [3]), ("استرداد", [4]), ("ترد", [4]), ("👩‍👧", [5]), ("🧳", [5]), ("straße", [5]),
        ("CAFÉ", [5]), ("aïv", [5]), ("needle", [6]), ("xx needle yy", [6]), ("<script>", [7]), ("%_", [7]), ("\\n", [7]), ("4711 it", []),
        ("refundx", []), ("款退", []), ("e", [7, 6, 5, 1]),
    ],
)  # fmt: skip
def test_a_text_is_found_wherever_it_stands(store: Store, shop: int, text: str, where: list[int]) -> None:
    assert found(store, shop, text) == where


def test_a_snippet_shows_the_match_in_its_surroundings(store: Store, shop: int) -> None:
    (hit,) = search(store, shop, "NEEDLE").items
    (snippet,) = hit.snippets
    assert snippet.text[snippet.start : snippet.end] == "needle"
    assert (snippet.column, snippet.cut_before, snippet.cut_after) == ("input", True, True)
    assert len(snippet.text) < 300


def test_both_sides_show_where_both_hold_the_text(store: Store, shop: int) -> None:
    (hit,) = search(store, shop, "退款").items
    assert [(one.column, one.text[one.start : one.end], one.cut_before) for one in hit.snippets] == [
        ("input", "退款", False),
        ("output", "退款", False),
    ]


def test_search_goes_with_a_filter_a_window_and_pages(store: Store) -> None:
    project = keep(
        store, *(call(number, 1, at=number, input_text=f"refund {number}", model="a" if number % 2 else "b") for number in range(1, 10))
    )
    assert found(store, project, "refund") == list(range(9, 0, -1))
    first = search(store, project, "refund", filter_text="model = a", limit=2)
    assert [int(hit.span.trace_id, 16) for hit in first.items] == [9, 7]
    second = search(store, project, "refund", filter_text="model = a", limit=2, cursor=first.next)
    assert [int(hit.span.trace_id, 16) for hit in second.items] == [5, 3]
    window = search(store, project, "refund", since_ns=BASE + 3 * S, until_ns=BASE + 5 * S)
    assert [int(hit.span.trace_id, 16) for hit in window.items] == [4, 3]
    assert "refund" in first.sentence


@pytest.mark.parametrize("every", [2, 7, 50], ids=["many together", "few together", "hardly any together"])
def test_words_that_are_frequent_apart_are_found_where_they_stand_together(store: Store, every: int) -> None:
    together, apart = "the blue kettle leaks", "the kettle is blue"
    spans = [span(number, 1, at=number, input_text=together if number % every == 0 else apart) for number in range(1, 151)]
    project = keep(store, *spans)
    pages, cursor = [], None
    while True:
        page = search(store, project, "blue kettle", limit=10, cursor=cursor)
        pages.append([int(hit.span.trace_id, 16) for hit in page.items])
        assert all(hit.snippets for hit in page.items)
        cursor = page.next
        if cursor is None:
            break
    wanted = [number for number in range(150, 0, -1) if number % every == 0]
    assert [number for page in pages for number in page] == wanted
    assert [len(page) for page in pages[:-1]] == [10] * (len(pages) - 1)


@pytest.mark.parametrize("text", ["", "   ", "x" * 1_001])
def test_no_text_or_too_much_is_refused(store: Store, text: str) -> None:
    with pytest.raises(InputError, match="wanted 1 to 1000"):
        search(store, 1, text)


@pytest.mark.parametrize(
    "condition", [f"{SPAN_TEXT} LIKE '%zebra%'", f"hasAllTokens({SPAN_TEXT}, ['zebra'])", f"hasAllTokens({grams_sql(SPAN_TEXT)}, ['退税'])"]
)
def test_the_indexes_cover_just_the_text_that_the_conditions_name(store: Store, shop: int, condition: str) -> None:
    plan = store.facts.rows(Statement("plan", f"EXPLAIN indexes = 1 SELECT start_ns FROM spans WHERE {condition}"))
    text = " ".join(row["explain"].strip() for row in plan)
    assert "Name: by_gram" in text if "退" in condition else "Name: by_word" in text
    assert "Granules: 0/" in text  # nothing is left to be read


def test_keys_of_attributes_are_offered_most_frequent_first(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, attributes={"a.one": "1", "b": "2"}),
        span(2, 1, attributes={"b": "2"}),
        span(3, 1, attributes={"a.two": "", "b": ""}),
    )
    assert attribute_keys(store, project) == ("b", "a.one", "a.two")
    assert attribute_keys(store, project, prefix="a.") == ("a.one", "a.two")
    assert attribute_keys(store, project, limit=1) == ("b",)
