"""The whole server on a filled store: how soon it answers, and what it takes while nobody asks anything."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bench.ingest import Server

SETTLE_S, IDLE_S = 60, 30  # merges of what has just arrived are not idleness


@dataclass(frozen=True)
class Idle:
    """Seconds to the first answer; share of one core and resident MB while nothing happens."""

    ready_s: float
    cpu: float
    memory_mb: float


def idle(folder: Path, port: int = 7491) -> Idle:
    """Starts a server on the store, waits until it has settled, and watches it do nothing for IDLE_S seconds."""
    server = Server(folder, port)
    ready_s = server.start()
    time.sleep(SETTLE_S)
    before, began = server.process.cpu_times(), time.monotonic()
    time.sleep(IDLE_S)
    after = server.process.cpu_times()
    cpu = (after.user + after.system - before.user - before.system) / (time.monotonic() - began)
    memory_mb = server.process.memory_info().rss / 1e6
    server.stop()
    return Idle(ready_s, cpu, memory_mb)
