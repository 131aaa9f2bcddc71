"""A few answers kept for a moment, so that the parts of one page are cut from one reading."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps the newest ``most`` answers for ``seconds``; thread-safe. What is kept must not be changed by anyone."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def put(self, key: Hashable, answer: T) -> T:
        """Keeps an answer and gives it back."""
        with self._lock:
            self._kept[key] = (self._clock(), answer)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return answer

    def get(self, key: Hashable) -> T | None:
        """The answer, or None where it is not kept or too old."""
        with self._lock:
            made, answer = self._kept.get(key, (float("-inf"), None))
            return answer if self._clock() - made < self._seconds else None
