"""What was searched for is shown in the text around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clew.web.excerpts import excerpt


def test_every_place_near_the_first_is_marked_in_its_own_spelling() -> None:
    assert excerpt("Refund me. A refund!", "refund") == (("Refund", True), (" me. A ", False), ("refund", True), ("!", False))


def test_long_text_is_cut_on_both_sides() -> None:
    pieces = excerpt("a" * 300 + " 払い戻し " + "b" * 300, "払い戻し", around=10)
    assert [text for text, found in pieces if found] == ["払い戻し"]
    assert pieces[0] == ("…", False)
    assert pieces[-1][0].endswith("…")


def test_text_that_lay_across_a_cut_is_shown_without_a_mark() -> None:
    assert excerpt("nothing here", "refund") == (("nothing here", False),)
    assert excerpt("", "refund") == ()


@given(st.text(max_size=400), st.text(min_size=1, max_size=5))
def test_nothing_is_added_to_the_text_and_every_piece_says_something(text: str, needle: str) -> None:
    pieces = excerpt(text, needle)
    assert all(piece for piece, _ in pieces)
    line = " ".join(text.split())
    assert "".join(piece for piece, _ in pieces).strip("…") in line + "…" or not line
