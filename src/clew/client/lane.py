"""A bounded queue of one kind of thing on its way to Clew, with the count of what became of each. Not locked: its owner is."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Sent:
    """What became of one batch: ``taken`` were stored, ``dropped`` will never be sent, the last ``again`` go back to the front."""

    taken: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    again: int = 0
    problem: str = ""
    retry_after_s: float | None = None


@dataclass
class Lane(Generic[T]):
    """``offer`` on one side, ``take`` and ``settle`` on the other. Full means that the newest is refused and counted."""

    send: Callable[[list[T]], Sent]
    max_items: int
    max_bytes: int
    batch_items: int
    batch_bytes: int
    waiting: deque[tuple[T, int]] = field(default_factory=deque)
    out: list[tuple[T, int]] = field(default_factory=list)  # the batch being sent
    waiting_bytes: int = 0  # of both
    offered: int = 0  # accepted for sending, ever
    settled: int = 0  # of these: taken or dropped, ever
    taken: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def offer(self, item: T, size: int) -> bool:
        """Whether there was room. Items being sent still count, or a slow server would let memory grow."""
        if self.unsettled >= self.max_items or self.waiting_bytes + size > self.max_bytes:
            self.dropped["buffer full"] += 1
            return False
        self.waiting.append((item, size))
        self.waiting_bytes += size
        self.offered += 1
        return True

    def take(self) -> list[T]:
        """The next batch, within its bounds; at least one item where there is one."""
        total = 0
        while self.waiting and len(self.out) < self.batch_items:
            total += self.waiting[0][1]
            if self.out and total > self.batch_bytes:
                break
            self.out.append(self.waiting.popleft())
        return [item for item, _ in self.out]

    def settle(self, sent: Sent) -> None:
        """Books the outcome of the batch taken last."""
        done = len(self.out) - sent.again
        self.waiting.extendleft(reversed(self.out[done:]))
        self.waiting_bytes -= sum(size for _, size in self.out[:done])
        self.out.clear()
        self.taken += sent.taken
        self.dropped.update(sent.dropped)
        self.settled += done

    @property
    def unsettled(self) -> int:
        return self.offered - self.settled

    def forget(self) -> None:
        """Empties the lane without a count: in a forked child, what waits belongs to the parent."""
        self.waiting.clear()
        self.out.clear()
        self.waiting_bytes = 0
        self.settled = self.offered
