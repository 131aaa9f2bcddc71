"""The background thread that carries spans and scores to Clew, and the promises around it: bounded, fork-safe, quiet, quick at exit."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from clew.client.lane import Lane, Sent
from clew.client.settings import Limits

logger = logging.getLogger("clew")

_FIRST_BACKOFF_S = 0.5
_MAX_BACKOFF_S = 30.0


@dataclass(frozen=True)
class Delivery:
    """What became of the spans and scores of this process. ``dropped`` counts by reason; ``problem`` is the last one met, in words."""

    spans_sent: int = 0
    spans_waiting: int = 0
    spans_dropped: int = 0
    scores_sent: int = 0
    scores_waiting: int = 0
    scores_dropped: int = 0
    waiting_bytes: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    problem: str = ""


class Sender:
    """Owns the lanes, their lock and one daemon thread, which starts with the first item (so also in a forked child)."""

    def __init__(self, spans: Lane[Any], scores: Lane[Any], limits: Limits, *, target: str, on_thread_start: Callable[[], None]) -> None:
        self._spans = spans
        self._scores = scores
        self._limits = limits
        self._target = target
        self._on_thread_start = on_thread_start
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._flushing = 0
        self._closed = False
        self._attempts = 0  # batches tried, ever
        self._last_failed = 0  # the number of the last attempt that came back: a flush gives up at the first one that began after it
        self._backoff_s = 0.0
        self._warned: set[str] = set()
        self._problem = ""

    @property
    def _lanes(self) -> Sequence[Lane[Any]]:
        return (self._spans, self._scores)

    def offer_span(self, span: Any, size: int) -> None:
        self._offer(self._spans, span, size)

    def offer_score(self, score: Any, size: int) -> None:
        self._offer(self._scores, score, size)

    def drop_score(self, reason: str) -> None:
        with self._changed:
            self._scores.dropped[reason] += 1
        self._warn(reason, f"clew: a score was not sent: {reason}")

    def flush(self, timeout_s: float) -> bool:
        """Waits until everything offered so far is settled. False after the time, or as soon as one attempt has failed."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            goals = [lane.offered for lane in self._lanes]
            attempts = self._attempts
            self._flushing += 1
            self._changed.notify_all()
            try:
                while any(lane.settled < goal for lane, goal in zip(self._lanes, goals, strict=True)):
                    left = deadline - time.monotonic()
                    if left <= 0 or self._last_failed > attempts or not self._alive():
                        return False
                    self._changed.wait(left)
                return True
            finally:
                self._flushing -= 1

    def close(self, timeout_s: float | None = None) -> bool:
        """One last try within the time, then nothing more is accepted; what is left is counted as dropped."""
        if self._closed:
            return True
        done = self.flush(self._limits.exit_timeout_s if timeout_s is None else timeout_s)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for lane in self._lanes:
                left = lane.unsettled
                if left:
                    lane.dropped["not sent at exit"] += left
                    lane.forget()
        return done

    def delivery(self) -> Delivery:
        with self._changed:
            spans, scores = self._spans, self._scores
            return Delivery(
                spans_sent=spans.taken,
                spans_waiting=spans.unsettled,
                spans_dropped=sum(spans.dropped.values()),
                scores_sent=scores.taken,
                scores_waiting=scores.unsettled,
                scores_dropped=sum(scores.dropped.values()),
                waiting_bytes=spans.waiting_bytes + scores.waiting_bytes,
                dropped=dict(spans.dropped + scores.dropped),
                problem=self._problem,
            )

    def before_fork(self) -> None:
        self._changed.acquire()

    def after_fork_in_parent(self) -> None:
        self._changed.release()

    def after_fork_in_child(self) -> None:
        """A new lock and no thread: the parent's thread does not exist here, and what waits is the parent's to send."""
        self._changed = threading.Condition()
        self._thread = None
        self._flushing = 0
        for lane in self._lanes:
            lane.forget()
            lane.taken = 0
            lane.dropped.clear()

    def _offer(self, lane: Lane[Any], item: Any, size: int) -> None:
        with self._changed:
            if self._closed:
                lane.dropped["after shutdown"] += 1
                return
            accepted = lane.offer(item, size)
            if self._thread is None:
                self._start()
            if len(lane.waiting) == lane.batch_items:
                self._changed.notify_all()
        if not accepted:
            self._warn_dropping()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="clew-sender", daemon=True)
        self._thread.start()
        # A multiprocessing child leaves through os._exit and never runs atexit; it does run these finalizers.
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            sys.modules["multiprocessing.util"].Finalize(None, self.flush, args=(self._limits.exit_timeout_s,), exitpriority=10)

    def _alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        self._on_thread_start()
        me = threading.current_thread()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._thread is not me or self._due(), timeout=self._pause_s())
                if self._closed or self._thread is not me:
                    return
            for lane in self._lanes:
                self._drain(lane)

    def _pause_s(self) -> float:
        return self._backoff_s or self._limits.interval_s

    def _due(self) -> bool:
        """Whether to send without waiting: somebody flushes, or a whole batch is there and the server is not known to be away."""
        if self._flushing and any(lane.waiting for lane in self._lanes):
            return True
        return not self._backoff_s and any(len(lane.waiting) >= lane.batch_items for lane in self._lanes)

    def _drain(self, lane: Lane[Any]) -> None:
        """Sends batch after batch until the lane is empty or one comes back."""
        while True:
            with self._changed:
                batch = lane.take()
                self._attempts += 1
            if not batch:
                return
            sent = _send(lane, batch)
            with self._changed:
                if self._closed:
                    return
                lane.settle(sent)
                self._book(sent)
                self._changed.notify_all()
            if sent.problem:
                self._warn_problem(sent)
            if sent.again:
                return

    def _book(self, sent: Sent) -> None:
        if sent.problem:
            self._problem = sent.problem
        if not sent.again:
            self._backoff_s = 0.0
            return
        self._last_failed = self._attempts
        grown = min(max(self._backoff_s * 2, _FIRST_BACKOFF_S), _MAX_BACKOFF_S)
        self._backoff_s = max(grown, sent.retry_after_s or 0.0)

    def _warn_problem(self, sent: Sent) -> None:
        if sent.again:
            self._warn("away", f"clew: {self._target} cannot be reached ({sent.problem}); spans wait in a bounded buffer")
        else:
            self._warn("refused", f"clew: {self._target} refused a batch ({sent.problem}); its spans are dropped, see clew.delivery()")

    def _warn_dropping(self) -> None:
        self._warn("away", f"clew: the buffer for {self._target} is full; new spans are dropped and counted, see clew.delivery()")

    def _warn(self, kind: str, message: str) -> None:
        """Each kind of trouble is told once in a process; the counters tell the rest."""
        if kind not in self._warned:
            self._warned.add(kind)
            logger.warning(message)


def _send(lane: Lane[Any], batch: list[Any]) -> Sent:
    try:
        return lane.send(batch)
    except Exception as problem:  # the thread must outlive whatever a batch holds
        return Sent(dropped={"not encodable": len(batch)}, problem=type(problem).__name__)
