"""Measures Clew and its peers on this machine.

    python -m bench.peers --cache ~/.cache/clew-peers
    python -m bench.peers --only clew,phoenix --sizes 2000

For every size of span, each system starts on an empty directory and gets the same requests from the same load generator (4 connections,
OTLP over HTTP, protobuf, gzip). The rate is the acknowledged spans over the time from the first request until its own API reads them all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from bench.peers.systems import SYSTEMS, Acknowledged, System, answers
from bench.traffic import default_batch

START_LIMIT_S = 180.0
# Spans to send, by size: enough for a steady rate, few enough for the slow ones to finish.
COUNTS = {"clew": {2_000: 240_000, 12_000: 48_000, 100_000: 6_000}, "others": {2_000: 4_800, 12_000: 1_800, 100_000: 320}}


@dataclass(frozen=True)
class Measured:
    """One system at one size of span."""

    system: str
    version: str
    span_bytes: int
    spans: int
    spans_per_s: float
    ack_p99_ms: float | None
    start_s: float
    idle_mb: float
    peak_mb: float
    disk_bytes_a_span: float
    busy: float  # load average of the machine just before: well under its number of cores, or the figures are of a shared machine
    note: str = ""


class Memory:
    """The memory of a process and its children, shared pages divided among them, sampled while something runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.root, self.peak_mb, self.stop = psutil.Process(process.pid), 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def now_mb(self) -> float:
        total = 0
        for process in [self.root, *self.root.children(recursive=True)]:
            try:
                full = process.memory_full_info()
                total += getattr(full, "pss", full.rss)
            except psutil.Error:
                continue
        return total / 1e6

    def _watch(self) -> None:
        while not self.stop.wait(0.5):
            self.peak_mb = max(self.peak_mb, self.now_mb())

    def __enter__(self) -> Memory:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()


def start(system: System, log: Path) -> tuple[subprocess.Popen[bytes], float]:
    """The running system and how long it took until it answered."""
    begin = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            system.command(), cwd=system.data, env=system.environ(), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    while not answers(system):
        if process.poll() is not None or time.monotonic() - begin > START_LIMIT_S:
            stop(process)
            raise SystemExit(
                f"{system.name} did not start within {START_LIMIT_S:.0f} s; the end of what it said:\n{log.read_text()[-2000:]}"
            )
        time.sleep(0.1)
    return process, time.monotonic() - begin


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and the group it leads."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            continue
        time.sleep(1.0)


def send(system: System, span_bytes: int, spans: int, limit_s: float, log: Path) -> dict[str, object]:
    """Runs the load generator; what it saw."""
    batch = default_batch(span_bytes)
    command = [sys.executable, "-m", "bench.load", "--url", f"{system.url}/v1/traces", "--span-bytes", str(span_bytes), "--log", str(log)]
    command += ["--requests", str(max(4, spans // batch)), "--seconds", str(limit_s), "--timeout", str(limit_s), "--grace", "0"]
    for item in system.headers.items():
        command += ["--header", "=".join(item)]
    root = Path(__file__).resolve().parents[2]
    told = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=limit_s * 3 + 60)
    return dict(json.loads(told.stdout))


def wait_readable(system: System, sent: Acknowledged, limit_s: float) -> int:
    """Polls until all acknowledged spans can be read; how many can at the end."""
    wanted, deadline = sum(map(len, sent.values())), time.monotonic() + limit_s
    while True:
        found = system.readable(sent)
        if found >= wanted or time.monotonic() > deadline:
            return min(found, wanted)
        time.sleep(0.2)


def disk_bytes(folder: Path) -> int:
    """What the files occupy."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def measure(kind: type[System], cache: Path, span_bytes: int, spans: int, limit_s: float, port: int) -> Measured:
    """One system, one size, from an empty directory to the last span read back."""
    work = Path(tempfile.mkdtemp(prefix=f"peers-{kind.name}-"))
    system = kind(cache, port, work / "data")
    system.data.mkdir()
    version = system.version()
    busy = os.getloadavg()[0]
    process, start_s = start(system, work / "server.log")
    try:
        system.prepare()
        time.sleep(2.0)
        with Memory(process) as memory:
            idle = memory.now_mb()
            before = disk_bytes(system.data)
            told = send(system, span_bytes, spans, limit_s, work / "sent")
            finished = time.monotonic()
            sent: Acknowledged = {}
            for line in (work / "sent").read_text().splitlines():
                sent |= json.loads(line)
            found = wait_readable(system, sent, limit_s)
            elapsed = float(str(told["elapsed_s"])) + time.monotonic() - finished
    finally:
        stop(process)
    wanted = sum(map(len, sent.values()))
    notes = [f"{wanted - found} of {wanted} not readable after {limit_s:.0f} s"] if found < wanted else []
    notes += [f"errors {told['errors']}"] if told["errors"] else []
    grown = disk_bytes(system.data) - before
    ack = dict(told["ack_ms"])["p99"]  # type: ignore[call-overload]
    shutil.rmtree(work, ignore_errors=True)
    disk = grown / max(found, 1)
    rate, peak, said = found / elapsed, memory.peak_mb, "; ".join(notes)
    return Measured(kind.name, version, span_bytes, found, rate, ack, start_s, idle, peak, disk, busy, said)


def table(rows: list[Measured]) -> str:
    """The results as Markdown."""
    heads = ("spans", "spans/s until readable", "p99 ack ms", "start s", "idle MB", "peak MB", "disk bytes a span", "load before")
    out = ["| span | system | " + " | ".join(heads) + " | |", "|---|---|" + "---:|" * len(heads) + "---|"]
    for row in rows:
        ack = "" if row.ack_p99_ms is None else f"{row.ack_p99_ms:,.0f}"
        numbers = f"{row.spans:,} | {row.spans_per_s:,.0f} | {ack} | {row.start_s:.1f} | {row.idle_mb:,.0f} | {row.peak_mb:,.0f}"
        rest = f"{row.disk_bytes_a_span:,.0f} | {row.busy:.1f} | {row.note}"
        out.append(f"| {row.span_bytes // 1000} KB | {row.system} {row.version} | {numbers} | {rest} |")
    return "\n".join(out)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "clew-peers", help="where the peers are installed")
    parser.add_argument("--only", default=",".join(SYSTEMS), help=f"systems, by comma (default {','.join(SYSTEMS)})")
    parser.add_argument("--sizes", default="2000,12000,100000", help="bytes of a span, by comma; of 2000, 12000, 100000")
    parser.add_argument("--spans", type=int, help="how many to send (default: by size, fewer to slow systems)")
    parser.add_argument("--limit", type=float, default=240.0, help="seconds each step may take at most (default 240)")
    parser.add_argument("--port", type=int, default=7790, help="first of two free ports (default 7790)")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    rows: list[Measured] = []
    for span_bytes in map(int, args.sizes.split(",")):
        for name in args.only.split(","):
            spans = args.spans or COUNTS["clew" if name == "clew" else "others"][span_bytes]
            rows.append(measure(SYSTEMS[name], args.cache, span_bytes, spans, args.limit, args.port))
            print(json.dumps(asdict(rows[-1])), file=sys.stderr, flush=True)
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
