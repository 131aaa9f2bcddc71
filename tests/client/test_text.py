"""Any value becomes text: bounded, valid, and without an exception whatever the object does."""

from __future__ import annotations

import datetime
import json
import time
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from clew.client.text import JSON, PLAIN, to_text

LIMIT = 10_000


class Colour(Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Order:
    number: int
    items: list[str]
    secret: str = field(default="s3cret", repr=False)


class Parcel(BaseModel):
    weight: float
    to: str


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)


def read(value: Any, limit: int = LIMIT) -> Any:
    text, mime = to_text(value, limit)
    assert mime == JSON
    return json.loads(text)


def test_a_string_stays_as_it_is() -> None:
    assert to_text("Où est mon colis ? 📦", LIMIT) == ("Où est mon colis ? 📦", PLAIN)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, None, True]}, {"a": [1, 2.5, None, True]}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Order(7, ["tea"]), {"number": 7, "items": ["tea"]}),
        (Parcel(weight=1.5, to="Rome"), {"weight": 1.5, "to": "Rome"}),
        (Colour.RED, "red"),
        (Decimal("1.10"), "1.10"),
        (PurePosixPath("/a/b"), "/a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), "2026-01-02T03:04:05+00:00"),
        (b"\x00\xff", "<2 bytes>"),
        (deque([1]), [1]),
        ({1: "one", (2, 3): "pair"}, {"1": "one", "(2, 3)": "pair"}),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**64, str(2**64)),
        (2**63 - 1, 2**63 - 1),
    ],
)
def test_values_of_every_kind_become_json(value: Any, expected: Any) -> None:
    assert read(value) == expected


def test_a_cycle_is_named_and_the_same_object_twice_is_not_one() -> None:
    loop: dict[str, Any] = {"a": 1}
    loop["self"] = loop
    assert read(loop) == {"a": 1, "self": "<cycle: dict>"}
    shared = [1]
    assert read([shared, shared]) == [[1], [1]]


def test_depth_is_bounded() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert "nested deeper than" in to_text(deep, LIMIT)[0]


def test_an_object_that_raises_from_everything_is_told_by_its_type() -> None:
    assert "Hostile" in to_text(Hostile(), LIMIT)[0]
    assert "Hostile" in to_text({"a": Hostile()}, LIMIT)[0]


def test_long_text_is_cut_and_says_by_how_much() -> None:
    assert to_text("x" * 30, 10) == ("x" * 10 + "… (+20 characters)", PLAIN)
    cut = read({"a": "x" * 100_000, "b": "y" * 100_000})
    assert "characters)" in cut["a"]
    assert sum(map(len, cut.values())) < LIMIT + 200


def test_a_huge_list_costs_little_and_says_how_many_were_left_out() -> None:
    huge = list(range(3_000_000))
    started = time.perf_counter()
    cut = read(huge)
    assert time.perf_counter() - started < 0.5
    assert cut[-1].endswith("more")
    assert len(cut) < 25_000


def test_a_generator_is_not_consumed() -> None:
    source = iter([1, 2])
    to_text(source, LIMIT)
    assert list(source) == [1, 2]


def test_lone_surrogates_do_not_reach_the_wire() -> None:
    for value in ("a\ud800b", {"k": "\udfff"}, ["\ud800"]):
        to_text(value, LIMIT)[0].encode()


def test_an_integer_too_long_to_print_is_described() -> None:
    assert read([1 << 100_000]) == ["<integer of 100001 bits>"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=40,
)


@settings(max_examples=300, deadline=None)
@given(values, st.integers(min_value=1, max_value=400))
def test_whatever_the_value_and_the_limit_the_text_is_valid_and_bounded(value: Any, limit: int) -> None:
    text, mime = to_text(value, limit)
    text.encode()
    if mime == JSON:
        json.loads(text)
    # Every part that no longer fits leaves a short note; the notes are what the bound may be passed by.
    assert len(text) < 40 * limit + 4_000
