"""Texts inside inputs and outputs: any substring, any script, either case; the text index only ever narrows the way there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.core.jsontext import dumps
from clew.store import Encoded, Statement, Store, open_store
from clew.traces.filter.text import grams_sql, text_condition, whole_words
from reference.filter_reference import contains

TEXTS = (
    "Please refund my order no. 4711, it's late", "REFUND", "re-fund the refunds", "我要退款, refund退款 now", "退 款", "школа ЖУК школа",
    "ÉCOLE élève école", "שלום refund עולם", "مرحبا بالعالم", "👩‍👩‍👧 family 😀😀", "a_b-c d.e/f", "100% _sure_\\n", "tab\tnew\nline end",
    "Straße STRASSE ẞ", "", " ", "x" * 300 + " needle " + "y" * 300, "nul\0in the middle",
)  # fmt: skip
NEEDLES = (
    "refund", " refund ", "e refund m", "4711", "no. 4711,", "退款", "退", "退款, R", "жук", " ЖУК ", "École", "e éco", "שלום", "לום r",
    "عالم", "👩‍👧", "😀", "%", "_", "_sure_", "\\n", "a_b-c d", " d.e/", "\t", "w\nl", "STRASSE", "straße", "needle", " NEEDLE ",
    "xx needle yy", "\0", "l\0i", "it's late", "'", '"',
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("search"))
    store.facts.execute(
        Statement(
            "texts",
            "CREATE TABLE texts (n UInt32, body String, INDEX words lowerUTF8(body) TYPE text(tokenizer = 'splitByNonAlpha'),"
            f" INDEX grams {grams_sql('lowerUTF8(body)')} TYPE text(tokenizer = 'array'))"
            " ENGINE = MergeTree ORDER BY n",
        )
    )
    lines = "".join(dumps({"n": number, "body": text}) + "\n" for number, text in enumerate(TEXTS))
    fill = Statement("fill", "INSERT INTO texts SELECT * FROM /*slot:source*/")
    store.facts.load(fill, Encoded([lines.encode()], "JSONEachRow", "n UInt32, body String"))
    yield store
    store.close()


def found(store: Store, needle: str, *, indexed: bool) -> set[str]:
    where, params = text_condition("body", "p", needle, indexed)
    rows = store.facts.rows(Statement("found", "SELECT n FROM texts WHERE /*slot:where*/").fill(where=where), **params)
    return {TEXTS[row["n"]] for row in rows}


@pytest.mark.parametrize("needle", NEEDLES)
def test_a_text_is_found_wherever_it_stands_in_either_case(store: Store, needle: str) -> None:
    meant = {text for text in TEXTS if contains(text, needle)}
    assert found(store, needle, indexed=False) == meant
    assert found(store, needle, indexed=True) == meant


def test_the_index_changes_no_answer(store: Store) -> None:
    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.sampled_from(TEXTS), st.integers(0, 60), st.integers(1, 30), st.sampled_from((str.upper, str.lower, str)))
    def any_piece(text: str, start: int, length: int, case: type[str]) -> None:
        needle = case(text[start : start + length])
        if needle:
            assert found(store, needle, indexed=True) == found(store, needle, indexed=False)

    any_piece()


@pytest.mark.parametrize(
    ("needle", "words"),
    [
        ("refund", ()),
        ("a refund policy", ("refund",)),
        (" Refund ", ("refund",)),
        (" refund now refund ", ("refund", "now")),
        ("x-4711_y", ("4711",)),
        ("退refund款", ()),
        ("退 refund 款", ("refund",)),
        ("é refund", ()),
        ("(a)", ("a",)),
        ("", ()),
    ],
)
def test_only_words_that_are_whole_inside_the_needle_are_asked_of_the_index(needle: str, words: tuple[str, ...]) -> None:
    assert whole_words(needle) == words


def test_the_index_is_asked_only_when_there_is_one() -> None:
    assert text_condition("input_text", "f0", "a refund policy") == (
        "positionCaseInsensitiveUTF8(input_text, {f0:String}) > 0",
        {"f0": "a refund policy"},
    )
    sql, params = text_condition("input_text", "f0", "a refund policy", indexed=True)
    assert sql.startswith("(hasAllTokens(lowerUTF8(input_text), {f0w:Array(String)}) AND lowerUTF8(input_text) LIKE {f0p0:String} AND ")
    assert params == {"f0": "a refund policy", "f0w": ["refund"], "f0p0": "%a%", "f0p1": "%policy%"}


def test_a_needle_of_many_words_asks_the_index_for_as_many_as_it_takes(store: Store) -> None:
    assert found(store, " ".join(f"w{number}" for number in range(200)), indexed=True) == set()
