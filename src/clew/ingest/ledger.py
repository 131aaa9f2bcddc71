"""The ledger of what came in: ``received = stored + duplicates + refused`` holds whenever it is read, because one call books all four."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

SIGNALS = ("spans", "logs", "scores")


@dataclass(frozen=True)
class Account:
    """One signal's counts since the server started; ``replaced`` are the duplicates that were fuller than the stored copy."""

    received: int = 0
    stored: int = 0
    duplicates: int = 0
    replaced: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LedgerState:
    """The ledger at one moment. Bytes are after inflation; lag is from a request's receipt to its commit."""

    since_ns: int
    accounts: Mapping[str, Account]
    requests: Mapping[str, int]
    bytes_received: int
    commits: int
    queued_requests: int
    queued_bytes: int
    queue_limit_bytes: int
    last_commit_ns: int | None
    lag_ns: int | None
    longest_lag_ns: int | None


class Ledger:
    """Books outcomes; thread-safe."""

    def __init__(self, since_ns: int) -> None:
        self._lock = threading.Lock()
        self._since_ns = since_ns
        self._received: Counter[str] = Counter()
        self._stored: Counter[str] = Counter()
        self._duplicates: Counter[str] = Counter()
        self._replaced: Counter[str] = Counter()
        self._refused: dict[str, Counter[str]] = {signal: Counter() for signal in SIGNALS}
        self._requests: Counter[str] = Counter()
        self._bytes = 0
        self._commits = 0
        self._last_commit_ns: int | None = None
        self._lag_ns: int | None = None
        self._longest_lag_ns: int | None = None

    def settle(
        self, signal: str, *, stored: int = 0, duplicates: int = 0, replaced: int = 0, refused: Mapping[str, int] | None = None
    ) -> None:
        """Books the outcome of some records of one signal."""
        refused = refused or {}
        with self._lock:
            self._received[signal] += stored + duplicates + sum(refused.values())
            self._stored[signal] += stored
            self._duplicates[signal] += duplicates
            self._replaced[signal] += replaced
            self._refused[signal].update(refused)

    def request(self, outcome: str, size: int = 0) -> None:
        """Books one request and its inflated bytes under its outcome: accepted, malformed, too_large, overloaded, failed."""
        with self._lock:
            self._requests[outcome] += 1
            self._bytes += size

    def committed(self, at_ns: int, lag_ns: int) -> None:
        """Books one commit and how long its oldest request waited for it."""
        with self._lock:
            self._commits += 1
            self._last_commit_ns = at_ns
            self._lag_ns = lag_ns
            self._longest_lag_ns = max(lag_ns, self._longest_lag_ns or 0)

    def state(self, *, queued_requests: int, queued_bytes: int, queue_limit_bytes: int) -> LedgerState:
        """A consistent copy."""
        with self._lock:
            accounts = {
                signal: Account(
                    self._received[signal],
                    self._stored[signal],
                    self._duplicates[signal],
                    self._replaced[signal],
                    dict(self._refused[signal]),
                )
                for signal in SIGNALS
            }
            return LedgerState(
                self._since_ns,
                accounts,
                dict(self._requests),
                self._bytes,
                self._commits,
                queued_requests,
                queued_bytes,
                queue_limit_bytes,
                self._last_commit_ns,
                self._lag_ns,
                self._longest_lag_ns,
            )
