"""How long the questions of the pages take: ``python -m bench.read --spans 1000000``.

Fills a store (or reuses the one in ``--data``), opens it anew, asks each question many times with other values each time, first alone and
then while spans arrive, and prints the server's time at the median and the 95th percentile against its limit.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from bench.read.generate import NEEDLE, NS, PROJECT, WIDE, fill
from bench.read.served import idle
from bench.traffic import pool
from clew.ingest.check import check_traces
from clew.store import Statement, Store, open_store
from clew.traces import Frame
from clew.traces.read import get_session, get_trace, list_sessions, list_spans, list_traces, overview, search
from clew.traces.scores import ScoreWriter
from clew.traces.write import SpanWriter

LIMITS_MS = {  # by number of spans: what a question may take at the 95th percentile
    "trace list, first page": {1_000_000: 80, 10_000_000: 150},
    "trace list, filtered": {1_000_000: 120, 10_000_000: 300},
    "one trace of 50 spans": {1_000_000: 50, 10_000_000: 80},
    "overview of 24 h": {1_000_000: 150, 10_000_000: 300},
    "substring search": {1_000_000: 400, 10_000_000: 1_500},
    "duplicates, 300 new and 20 known ids": {1_000_000: 15, 10_000_000: 15},
}
READY_LIMIT_S = 3
SPAN_BYTES, REQUEST = 1_500, 300  # what arrives meanwhile: bytes a span, spans a request
GATHER_S = 0.03  # how long the server waits for company before a commit
FILTERS = (
    'kind = LLM and model = "gpt-4o-mini" and latency > 2s',
    "errors > 0 and cost > $0.001",
    'model = "llama-3.3-70b" and status = error',
    'name = "agent run" and tokens > 5000',
    'session = "session-3000017"',
    f'input ~ "{NEEDLE}"',
)
DUPLICATES = Statement(
    "bench_duplicates",
    "SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, start_ns, fullness FROM span_keys"
    " WHERE project_id = {project_id:UInt32} AND trace_id IN {traces:Array(FixedString(16))}",
)


@dataclass
class World:
    """What the questions are asked about."""

    store: Store
    end_ns: int
    wide: list[str]
    narrow: list[str]
    words: list[str]
    random: Random


def questions() -> dict[str, Callable[[World], object]]:
    """Each question with values of its own every time."""
    return {
        "trace list, first page": lambda world: list_traces(world.store, PROJECT),
        "trace list, filtered": lambda world: list_traces(world.store, PROJECT, filter_text=world.random.choice(FILTERS)),
        "one trace of 50 spans": lambda world: get_trace(world.store, PROJECT, world.random.choice(world.wide)),
        "overview of 24 h": lambda world: overview(world.store, PROJECT, until_ns=world.end_ns - world.random.randrange(NS * 3600)),
        "substring search": lambda world: search(world.store, PROJECT, needle(world)),
        "duplicates, 300 new and 20 known ids": duplicates,
        "trace list by cost": lambda world: list_traces(world.store, PROJECT, sort="cost"),
        "span list, first page": lambda world: list_spans(world.store, PROJECT),
        "session list": lambda world: list_sessions(world.store, PROJECT),
        "one session": lambda world: get_session(world.store, PROJECT, "session-3000017"),
        "overview of 24 h by user": lambda world: overview(world.store, PROJECT, until_ns=world.end_ns, group_by="user"),
        "overview of 14 days": lambda world: overview(
            world.store, PROJECT, since_ns=world.end_ns - 14 * 86_400 * NS, until_ns=world.end_ns
        ),
    }


def needle(world: World) -> str:
    """A rare word, a part of one, several words across, a text of another script, a text that is nowhere."""
    one, other = world.random.choice(world.words), world.random.choice(world.words)
    return world.random.choice((one, one[1:], f"{one} {other}", NEEDLE[2:9], "款 or", "退款", f"zq{one}", f"{NEEDLE[3:]} abo"))


def duplicates(world: World) -> object:
    new = [world.random.randbytes(16) for _ in range(300)]
    known = [bytes.fromhex(world.random.choice(world.narrow)) for _ in range(20)]
    return world.store.facts.rows(DUPLICATES, project_id=PROJECT, traces=[*new, *known])


def look(store: Store) -> World:
    """Values to ask with, taken from the store itself."""

    def column(sql: str) -> list[str]:
        return [next(iter(row.values())) for row in store.facts.rows(Statement("bench_look", sql))]

    some = "SELECT lower(hex(trace_id)) FROM spans WHERE cityHash64(trace_id) % {} = 0 GROUP BY trace_id HAVING count() {} LIMIT 500"
    words = (
        "SELECT word FROM (SELECT arrayJoin(splitByNonAlpha(input_text)) AS word FROM (SELECT input_text FROM spans LIMIT 20000))"
        " WHERE length(word) > 4 GROUP BY word HAVING count() < 20 ORDER BY cityHash64(word) LIMIT 500"
    )
    end = int(store.facts.rows(Statement("bench_end", "SELECT max(start_ns) AS end_ns FROM spans"))[0]["end_ns"])
    return World(store, end, column(some.format(3, f"= {WIDE}")), column(some.format(997, "= 10")), column(words), Random(5))


def measure(world: World, ask: Callable[[World], object], rounds: int) -> list[float]:
    """Times in ms, sorted; the first, which finds nothing in any cache, apart."""
    ask(world)
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        ask(world)
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


class Arrivals(threading.Thread):
    """Stores ``rate`` spans a second as the server does: OTLP requests of 300 spans, checked, decoded and stored in groups of what has come."""

    def __init__(self, store: Store, rate: int) -> None:
        super().__init__(daemon=True)
        self.rate, self.stored, self.stop = rate, 0, threading.Event()
        self.writer = SpanWriter(store, ScoreWriter(store))
        self.requests = pool(7, SPAN_BYTES, REQUEST)

    def run(self) -> None:
        started = time.perf_counter()
        while not self.stop.wait(GATHER_S):
            due = int((time.perf_counter() - started) * self.rate - self.stored) // REQUEST
            frames = [frame for number in range(due) for frame in self.request(number)]
            if frames:
                self.stored += self.writer.commit(frames).stored

    def request(self, number: int) -> Sequence[Frame]:
        now = time.time_ns()
        body = self.requests[number % len(self.requests)].plain(os.urandom(8), now)
        return check_traces(body, "bench", lambda _: PROJECT, now).frames


def run(folder: Path, spans: int, rounds: int, rate: int, console: Console) -> None:
    started = time.perf_counter()
    store = open_store(folder)
    ready_s = time.perf_counter() - started
    console.print(f"store ready in {ready_s:.2f} s (limit {READY_LIMIT_S} s), {rss_mb()} MB resident")
    table = Table("question", "alone p50", "p95", f"with {rate:,} spans/s p50", "p95", "limit p95", title=f"{spans:,} spans, ms")
    world = look(store)
    alone = {name: measure(world, ask, rounds) for name, ask in questions().items()}
    arrivals = Arrivals(store, rate)
    begun = time.perf_counter()
    arrivals.start()
    beside = {name: measure(world, ask, rounds) for name, ask in questions().items()}
    arrivals.stop.set()
    arrivals.join()
    arrived = arrivals.stored / (time.perf_counter() - begun)
    for name in questions():
        limit = LIMITS_MS.get(name, {}).get(spans)
        cells = [at(times, share) for times in (alone[name], beside[name]) for share in (0.5, 0.95)]
        over = limit is not None and max(cells[1], cells[3]) > limit
        table.add_row(name, *(f"{cell:.0f}" for cell in cells), "" if limit is None else f"{limit}{' over' if over else ''}")
    console.print(table)
    console.print(f"{arrived:,.0f} spans/s stored meanwhile; {rss_mb()} MB resident at most; load average {os.getloadavg()[0]:.1f}")
    store.close()
    seen = idle(folder)
    console.print(
        f"the whole server answers after {seen.ready_s:.1f} s (limit {READY_LIMIT_S} s); asked nothing it takes {seen.cpu:.1%} of one core"
        f" (limit 1%) and {seen.memory_mb:,.0f} MB"
    )


def at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]


def rss_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="keep the store here and use it again")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--rate", type=int, default=5_000, help="spans a second that arrive in the second half")
    parser.add_argument("--fill-only", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    console = Console(width=150)
    with tempfile.TemporaryDirectory(prefix="clew-bench-") as temporary:
        folder = asked.data or Path(temporary)
        if asked.fill_only:
            store = open_store(folder)
            fill(store, asked.spans)
            store.close()
            return
        if not (folder / "records.db").exists():
            # In a process of its own, so that the memory of making the spans is not counted as the memory of reading them.
            subprocess.run(
                [sys.executable, "-m", "bench.read", "--fill-only", "--spans", str(asked.spans), "--data", str(folder)], check=True
            )
        run(folder, asked.spans, asked.rounds, asked.rate, console)


if __name__ == "__main__":
    main()
