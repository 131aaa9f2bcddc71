"""From accepted to stored: one thread writes what has gathered to the journal and answers; others store it in large groups.

A sender is answered when its request is synced in the journal, and not before there is room for more: while more than SOFT_BYTES wait to
be stored, answers wait too, which slows senders down without refusing them. Above the queue's limit requests are refused for now.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from clew.core.clock import now_ns
from clew.core.errors import ClewError, Overloaded, StoreError, StoreFull, StoreReadOnly
from clew.ingest.check import Checked
from clew.ingest.journal import Entry, Journal
from clew.ingest.ledger import Ledger, LedgerState
from clew.traces import Frame, Outcome
from clew.traces.write import LANES

log = structlog.get_logger(__name__)

GROUP_BYTES = 12 << 20  # inflated bytes of one commit: the engine holds about ten times that while it stores them
SOFT_BYTES = 3 * GROUP_BYTES  # one group being stored, the next being decoded, the one after waiting
RECOVER_REQUESTS = 32  # of a journal, stored at a time at start
RETRY_AFTER_S = 1
RETRY_STORE_S = (0.2, 1.0, 5.0)  # pauses before a failed commit is tried again; the last one repeats

Commit = Callable[[Sequence[Frame]], Outcome]  # stores the records of some frames; returns after they are synced


@dataclass
class Waiting:
    """One accepted request on its way, and the future its sender waits on."""

    entry: Entry
    checked: Checked
    size: int
    segment: int = 0
    done: Future[None] = field(default_factory=Future)


class Pipeline:
    """The queues and their threads."""

    def __init__(
        self, commits: Mapping[str, Commit], journal: Journal, ledger: Ledger, *, queue_bytes: int, queue_requests: int, gather_ms: int
    ) -> None:
        self.ledger = ledger
        self._commits = commits
        self._journal = journal
        self._queue_bytes = queue_bytes
        self._queue_requests = queue_requests
        self._gather_s = gather_ms / 1000
        self._arriving: deque[Waiting] = deque()
        self._storing: deque[Waiting] = deque()
        self._unanswered: deque[Waiting] = deque()
        self._busy: list[list[Waiting]] = []  # groups on their way into the store
        self._bytes = 0  # of all three
        self._ready = 0  # of those that no group has taken
        self._changed = threading.Condition()
        self._stopping = False
        self._trouble: StoreError | None = None  # why the store takes nothing at the moment; what is acknowledged waits in the journal
        self._threads = [
            threading.Thread(target=self._write_journal, name="clew-journal", daemon=True),
            *(threading.Thread(target=self._store_groups, name=f"clew-store-{lane}", daemon=True) for lane in range(LANES)),
        ]
        self._gathering = threading.Lock()

    def recover(self, read: Callable[[Path], Iterable[Entry]], check: Callable[[Entry], Checked]) -> int:
        """Stores what an earlier process accepted and did not store; returns how many requests that were."""
        count = 0
        for segment in self._journal.left_over():
            group = [Waiting(entry, check(entry), 0) for entry in read(segment)]
            for start in range(0, len(group), RECOVER_REQUESTS):
                if not self._store(group[start : start + RECOVER_REQUESTS]):
                    return count
            count += len(group)
            self._journal.forget(int(segment.stem))
        return count

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, entry: Entry, checked: Checked) -> Future[None]:
        """Takes a checked request; the future is done once it is synced. Raises Overloaded when the queue is full, StoreFull or
        StoreReadOnly while the store cannot be written.
        """
        size = sum(len(frame.body) for frame in checked.frames)
        waiting = Waiting(entry, checked, size)
        if not checked.frames:
            self.ledger.settle(entry.signal, refused=checked.refused)
            waiting.done.set_result(None)
            return waiting.done
        with self._changed:
            if self._trouble is not None:
                self.ledger.settle(entry.signal, refused={f"store: {type(self._trouble).__name__}": checked.received})
                raise type(self._trouble)(str(self._trouble))
            # An empty queue takes any request that passed the size limit, so that no limit can make a request impossible.
            requests = self._requests()
            over = self._bytes + size > self._queue_bytes or requests >= self._queue_requests
            if self._stopping or (requests and over):
                self.ledger.settle(entry.signal, refused={"overloaded": checked.received})
                raise Overloaded("the queue is full; nothing of this request was kept, send it again", retry_after_s=RETRY_AFTER_S)
            self._arriving.append(waiting)
            self._bytes += size
            self._changed.notify_all()
        return waiting.done

    def state(self) -> LedgerState:
        """The ledger with the queues as they are now."""
        with self._changed:
            requests, size = self._requests(), self._bytes
        return self.ledger.state(queued_requests=requests, queued_bytes=size, queue_limit_bytes=self._queue_bytes)

    def stop(self) -> None:
        """Stores what was accepted, then ends the threads."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        if not self._requests():
            self._journal.forget_all()

    def _requests(self) -> int:
        return len(self._arriving) + len(self._storing) + sum(map(len, self._busy))

    # the journal's thread

    def _write_journal(self) -> None:
        while True:
            with self._changed:
                while not self._arriving and not self._stopping:
                    self._changed.wait()
                group = list(self._arriving)
                if not group:
                    self._changed.notify_all()
                    return
            try:
                segment = self._journal.append([waiting.entry for waiting in group])
            except ClewError as error:
                self._refuse(group, error)
                continue
            with self._changed:
                for waiting in group:
                    waiting.segment = segment
                    self._storing.append(self._arriving.popleft())
                    self._ready += waiting.size
                self._unanswered.extend(group)
                answers = self._answerable()
                self._changed.notify_all()
            for waiting in answers:
                waiting.done.set_result(None)

    def _answerable(self) -> list[Waiting]:
        if self._bytes > SOFT_BYTES and not self._stopping and self._trouble is None:
            return []
        answers = list(self._unanswered)
        self._unanswered.clear()
        return answers

    def _refuse(self, group: list[Waiting], error: ClewError) -> None:
        with self._changed:
            for waiting in group:
                self._arriving.popleft()
                self._bytes -= waiting.size
            self._changed.notify_all()
        log.error("ingest.journal_failed", requests=len(group), error=type(error).__name__)
        for waiting in group:
            self.ledger.settle(waiting.entry.signal, refused={f"journal: {type(error).__name__}": waiting.checked.received})
            waiting.done.set_exception(error)

    # the store's threads

    def _store_groups(self) -> None:
        while self._store_next():
            pass  # nothing of a group that is stored stays referenced here while the next one gathers

    def _store_next(self) -> bool:
        with self._gathering:
            group = self._gather()
        if not group or not self._store(group):
            return False  # what is not stored stays in the journal for the next start
        with self._changed:
            self._busy.remove(group)
            self._bytes -= sum(waiting.size for waiting in group)
            answers = self._answerable()
            left = [waiting.segment for waiting in (*self._storing, *(waiting for busy in self._busy for waiting in busy))]
            self._changed.notify_all()
        self._journal.forget(min(left, default=max(waiting.segment for waiting in group)) - 1)
        for waiting in answers:
            waiting.done.set_result(None)
        return True

    def _gather(self) -> list[Waiting]:
        """The next group, empty at the end. While another is being stored only a full one is worth a commit of its own."""
        with self._changed:
            while not self._storing and not (self._stopping and not self._arriving):
                self._changed.wait()
            deadline = time.monotonic() + self._gather_s
            while self._ready < GROUP_BYTES and not self._stopping and (self._busy or deadline > time.monotonic()):
                self._changed.wait(None if self._busy else max(0, deadline - time.monotonic()))
            group: list[Waiting] = []
            size = 0
            while self._storing and (not group or size + self._storing[0].size <= GROUP_BYTES):
                group.append(self._storing.popleft())
                size += group[-1].size
            if group:
                self._ready -= size
                self._busy.append(group)
            return group

    def _store(self, group: list[Waiting]) -> bool:
        """Whether all of it was stored (or set aside); False only when the process ends while the store takes nothing."""
        for signal in self._commits:
            members = [waiting for waiting in group if waiting.entry.signal == signal]
            if members and not self._commit(signal, members):
                return False
        return True

    def _commit(self, signal: str, members: list[Waiting]) -> bool:
        """Stores the members, whatever it takes: they are acknowledged. What cannot be stored at all is set aside, whole."""
        attempt = 0
        while True:
            try:
                outcome = self._commits[signal]([frame for waiting in members for frame in waiting.checked.frames])
                break
            except Exception as error:
                log.error("ingest.store_failed", signal=signal, requests=len(members), attempt=attempt, error=type(error).__name__)
                if _lasting(error) and attempt >= 1:
                    return self._divide(signal, members)
                if self._stopping and attempt >= len(RETRY_STORE_S):
                    return False
                self._troubled(error)
                time.sleep(RETRY_STORE_S[min(attempt, len(RETRY_STORE_S) - 1)])
                attempt += 1
        self._troubled(None)
        self._book(signal, members, outcome)
        return True

    def _troubled(self, error: Exception | None) -> None:
        """Remembers why the store takes nothing, and answers those who wait: their requests are synced, only not stored yet."""
        with self._changed:
            self._trouble = error if isinstance(error, StoreFull | StoreReadOnly) else None
            answers = self._answerable() if self._trouble is not None else []
        for waiting in answers:
            waiting.done.set_result(None)

    def _divide(self, signal: str, members: list[Waiting]) -> bool:
        if len(members) > 1:
            middle = len(members) // 2
            return self._commit(signal, members[:middle]) and self._commit(signal, members[middle:])
        only = members[0]
        self._journal.set_aside(only.entry)
        self.ledger.settle(signal, refused={"the engine could not read it; set aside": only.checked.received})
        return True

    def _book(self, signal: str, members: list[Waiting], outcome: Outcome) -> None:
        at = now_ns()
        refused: dict[str, int] = {}
        for waiting in members:
            for reason, count in waiting.checked.refused.items():
                refused[reason] = refused.get(reason, 0) + count
        self.ledger.settle(signal, stored=outcome.stored, duplicates=outcome.duplicates, replaced=outcome.replaced, refused=refused)
        if outcome.scores or outcome.scores_refused:
            self.ledger.settle("scores", stored=outcome.scores, refused=outcome.scores_refused)
        self.ledger.committed(at, at - min(waiting.entry.received_ns for waiting in members))


def _lasting(error: Exception) -> bool:
    """Whether trying the same group again cannot help: the engine read it and refused, not the disk or the memory ceiling."""
    return not isinstance(error, StoreFull | StoreReadOnly)
