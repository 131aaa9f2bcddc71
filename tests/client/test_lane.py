"""A lane never holds more than its bounds, loses nothing that comes back, and keeps the order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from clew.client.lane import Lane, Sent


def lane(max_items: int = 10, max_bytes: int = 100, batch_items: int = 4, batch_bytes: int = 30) -> Lane[int]:
    return Lane(lambda batch: Sent(taken=len(batch)), max_items, max_bytes, batch_items, batch_bytes)


def test_full_by_count_refuses_the_newest() -> None:
    full = lane(max_items=2)
    assert [full.offer(item, 1) for item in range(3)] == [True, True, False]
    assert full.dropped == {"buffer full": 1}
    assert full.take() == [0, 1]


def test_full_by_bytes_refuses_the_newest() -> None:
    full = lane(max_bytes=100)
    assert [full.offer(item, 60) for item in range(2)] == [True, False]
    assert full.waiting_bytes == 60


def test_what_is_being_sent_still_takes_room() -> None:
    busy = lane(max_items=2)
    assert busy.offer(1, 1)
    assert busy.offer(2, 1)
    busy.take()
    assert not busy.offer(3, 1)
    busy.settle(Sent(taken=2))
    assert busy.offer(4, 1)


def test_a_batch_is_bounded_by_count_and_by_bytes_but_never_empty() -> None:
    many = lane()
    for item in range(6):
        many.offer(item, 1)
    assert many.take() == [0, 1, 2, 3]
    heavy = lane()
    heavy.offer(1, 50)
    heavy.offer(2, 20)
    assert heavy.take() == [1]


def test_what_comes_back_is_first_again() -> None:
    again = lane()
    for item in range(6):
        again.offer(item, 5)
    assert again.take() == [0, 1, 2, 3]
    again.settle(Sent(taken=1, dropped={"refused": 1}, again=2))
    assert again.take() == [2, 3, 4, 5]
    assert (again.taken, again.settled, again.waiting_bytes) == (1, 2, 20)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), max_size=60))
def test_every_offer_is_taken_dropped_or_waiting(steps: list[tuple[int, int]]) -> None:
    busy = lane()
    for number, (size, again) in enumerate(steps):
        busy.offer(number, size)
        assert busy.waiting_bytes <= 100
        if number % 3 == 0:
            batch = busy.take()
            returned = min(again, len(batch))
            busy.settle(Sent(taken=len(batch) - returned, again=returned))
    assert busy.taken + len(busy.waiting) + sum(busy.dropped.values()) == len(steps)
    assert busy.waiting_bytes == sum(size for _, size in busy.waiting)
    assert [item for item, _ in busy.waiting] == sorted(item for item, _ in busy.waiting)
