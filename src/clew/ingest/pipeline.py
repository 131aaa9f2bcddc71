"""Group commit: requests wait in one bounded queue, one thread stores what has gathered, and each is answered after its commit.

Senders hold their own copy until they are answered, so nothing here is precious before the commit and nothing may be lost after it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from clew.core.clock import NS_PER_MS, now_ns
from clew.core.errors import ClewError, Overloaded, StoreError
from clew.ingest.check import Checked
from clew.ingest.ledger import Ledger, LedgerState
from clew.traces import Frame, Outcome

log = structlog.get_logger(__name__)

GROUP_BYTES = 24 << 20  # a commit's ceiling: the engine holds about 10 times that while it stores a group
RETRY_AFTER_S = 1

Commit = Callable[[Sequence[Frame]], Outcome]  # stores the records of some frames; returns after they are synced


@dataclass(frozen=True)
class Waiting:
    """One request in the queue and the future its sender waits on."""

    signal: str
    checked: Checked
    size: int
    received_ns: int
    done: Future[None] = field(default_factory=Future)


class Pipeline:
    """The queue and its committing thread."""

    def __init__(
        self, commits: Mapping[str, Commit], ledger: Ledger, *, queue_bytes: int, queue_requests: int, gather_ms: int
    ) -> None:
        self.ledger = ledger
        self._commits = commits
        self._queue_bytes = queue_bytes
        self._queue_requests = queue_requests
        self._gather_s = gather_ms / 1000
        self._queue: deque[Waiting] = deque()
        self._queued_bytes = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="clew-commit", daemon=True)

    def start(self) -> None:
        """Starts the committing thread."""
        self._thread.start()

    def submit(self, signal: str, checked: Checked) -> Future[None]:
        """Queues a checked request. The future is done after its commit. Raises Overloaded when the queue is full."""
        size = sum(len(frame.body) for frame in checked.frames)
        waiting = Waiting(signal, checked, size, now_ns())
        if not checked.frames:
            self.ledger.settle(signal, refused=checked.refused)
            waiting.done.set_result(None)
            return waiting.done
        with self._changed:
            # An empty queue takes any request that passed the size limit, so that no limit can make a request impossible.
            over = self._queued_bytes + size > self._queue_bytes or len(self._queue) >= self._queue_requests
            if self._stopping or (self._queue and over):
                self.ledger.settle(signal, refused={"overloaded": checked.received})
                raise Overloaded("the queue is full; nothing of this request was kept, send it again", retry_after_s=RETRY_AFTER_S)
            self._queue.append(waiting)
            self._queued_bytes += size
            self._changed.notify()
        return waiting.done

    def state(self) -> LedgerState:
        """The ledger with the queue as it is now."""
        with self._changed:
            requests, size = len(self._queue), self._queued_bytes
        return self.ledger.state(queued_requests=requests, queued_bytes=size, queue_limit_bytes=self._queue_bytes)

    def stop(self) -> None:
        """Stores what is queued, then ends the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            group = self._gather()
            if not group:
                return
            for signal in self._commits:
                members = [waiting for waiting in group if waiting.signal == signal]
                if members:
                    self._store(signal, members)

    def _gather(self) -> list[Waiting]:
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            if self._queue and not self._stopping:
                deadline = time.monotonic() + self._gather_s - (now_ns() - self._queue[0].received_ns) / 1e9
                while (left := deadline - time.monotonic()) > 0 and self._queued_bytes < GROUP_BYTES and not self._stopping:
                    self._changed.wait(left)
            group: list[Waiting] = []
            size = 0
            while self._queue and (not group or size + self._queue[0].size <= GROUP_BYTES):
                waiting = self._queue.popleft()
                size += waiting.size
                group.append(waiting)
            self._queued_bytes -= size
            return group

    def _store(self, signal: str, members: list[Waiting]) -> None:
        frames = [frame for waiting in members for frame in waiting.checked.frames]
        try:
            outcome = self._commits[signal](frames)
        except Exception as error:
            self._failed(signal, members, error)
            return
        at = now_ns()
        refused: dict[str, int] = {}
        for waiting in members:
            for reason, count in waiting.checked.refused.items():
                refused[reason] = refused.get(reason, 0) + count
        self.ledger.settle(signal, stored=outcome.stored, duplicates=outcome.duplicates, replaced=outcome.replaced, refused=refused)
        if outcome.scores or outcome.scores_refused:
            self.ledger.settle("scores", stored=outcome.scores, refused=outcome.scores_refused)
        self.ledger.committed(at, at - min(waiting.received_ns for waiting in members))
        for waiting in members:
            waiting.done.set_result(None)

    def _failed(self, signal: str, members: list[Waiting], error: Exception) -> None:
        known = error if isinstance(error, ClewError) else StoreError(f"the commit failed: {type(error).__name__}")
        log.error("ingest.commit_failed", signal=signal, requests=len(members), error=type(error).__name__, ms_waited=self._waited(members))
        self.ledger.settle(signal, refused={f"store: {type(known).__name__}": sum(waiting.checked.received for waiting in members)})
        for waiting in members:
            waiting.done.set_exception(known)

    @staticmethod
    def _waited(members: list[Waiting]) -> int:
        return (now_ns() - members[0].received_ns) // NS_PER_MS
