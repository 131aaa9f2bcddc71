"""How fast OTLP becomes stored spans, against the raw rate at which the same engine takes the same rows ready-made, in one run.

    python -m bench.ingest [--seconds 20] [--span-bytes 1500]

A server in a process of its own; a load generator in another (OTLP/HTTP protobuf, gzip, batches of 300, 4 clients, RAG and agent traces).
First as fast as answers come, then at half of that rate for the times to an answer; the server's memory is watched throughout. Then the
rows are read back as Arrow and inserted into an empty store by the engine itself: same table, indexes, sync, and the same commits.
Limits: half of the raw rate, 500 ms for 99 of 100 answers at half load, 900 MB resident.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow
from rich.console import Console
from rich.table import Table

from clew.store import Encoded, Statement, open_store

HALF_OF_RAW = 0.5
P99_MS = 500
MEMORY_MB = 900
WAIT_S = 120


@dataclass
class Server:
    """A server under load, with the most memory it was seen to hold."""

    folder: Path
    port: int
    peak_mb: float = 0.0
    process: Any = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Starts it; seconds until it answered."""
        began = time.monotonic()
        ports = ("--port", str(self.port), "--otlp-http-port", "0", "--otlp-grpc-port", "0")
        command = [sys.executable, "-m", "clew", "serve", "--data", str(self.folder), *ports]
        self.process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while time.monotonic() - began < WAIT_S:
            try:
                self.ledger()
                break
            except OSError:
                time.sleep(0.02)
        threading.Thread(target=self._watch, daemon=True).start()
        return time.monotonic() - began

    def ledger(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/api/v1/ingest", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
            return state

    def drained(self) -> dict[str, Any]:
        """The ledger once everything acknowledged is stored."""
        while (state := self.ledger())["queued_requests"]:
            time.sleep(0.05)
        return state

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def _watch(self) -> None:
        while self.process.is_running():
            try:
                self.peak_mb = max(self.peak_mb, self.process.memory_info().rss / 1e6)
            except psutil.Error:
                return
            time.sleep(0.1)


def load(url: str, seconds: int, rate: str, span_bytes: int) -> dict[str, Any]:
    """One run of the load generator."""
    command = [sys.executable, "-m", "bench.load", "--url", url, "--clients", "4", "--batch", "300"]
    command += ["--seconds", str(seconds), "--rate", rate, "--span-bytes", str(span_bytes)]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def raw_rate(folder: Path, commits: range) -> tuple[float, int]:
    """Spans a second of the engine alone with rows already in Arrow form, and how many rows that was: the server's own commits, one after another."""
    store = open_store(folder)
    columns = store.facts.rows(
        Statement(
            "columns", "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'spans' AND default_kind = ''"
        )
    )
    names = ", ".join(f"`{column['name']}`" for column in columns)
    structure = ", ".join(f"`{column['name']}` {column['type']}" for column in columns)
    settings = "SETTINGS output_format_arrow_string_as_string = 0, output_format_arrow_fixed_string_as_fixed_byte_array = 0"
    commit = Statement("commit", f"SELECT {names} FROM spans WHERE commit_id = {{commit_id:UInt64}} {settings}")
    with tempfile.TemporaryDirectory(prefix="clew-raw-") as empty:
        files = Path(empty) / "arrow"
        files.mkdir()
        total = 0
        for number in commits:  # to disk first, so that reading them takes no time from the engine later
            rows = store.facts.arrow(commit, commit_id=number)
            (files / str(number)).write_bytes(arrow_stream(rows))
            total += len(rows)
        store.close()
        target = open_store(Path(empty) / "store")
        insert = Statement("raw_insert", f"INSERT INTO spans ({names}) SELECT {names} FROM /*slot:source*/")

        def load(number: int) -> None:
            target.facts.load(insert, Encoded([(files / str(number)).read_bytes()], "ArrowStream", structure))

        load(commits[0])  # the first insert pays for what is set up once; this one does not count
        began = time.perf_counter()
        for number in commits:
            load(number)
        elapsed = time.perf_counter() - began
        target.close()
    return total / elapsed, total


def arrow_stream(rows: pyarrow.Table) -> bytes:
    """Rows as one Arrow stream."""
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


def measure(seconds: int, span_bytes: int, port: int) -> dict[str, float]:
    """One whole run."""
    with tempfile.TemporaryDirectory(prefix="clew-ingest-") as folder:
        server = Server(Path(folder), port)
        server.start()
        load(server.url, 3, "max", span_bytes)
        before, began = server.drained(), time.monotonic()
        load(server.url, seconds, "max", span_bytes)
        after = server.drained()
        elapsed = time.monotonic() - began
        spans = after["accounts"]["spans"]["stored"] - before["accounts"]["spans"]["stored"]
        commits = after["commits"] - before["commits"]
        rate = spans / elapsed
        half = load(server.url, seconds, str(int(rate / 2)), span_bytes)
        server.drained()
        server.stop()
        size = sum(item.stat().st_size for item in (Path(folder) / "facts").rglob("*") if item.is_file())
        total = server_total(Path(folder))
        raw, raw_rows = raw_rate(Path(folder), range(before["commits"] + 1, after["commits"] + 1))
        return {
            "spans_per_s": rate,
            "raw_spans_per_s": raw,
            "raw_rows": raw_rows,
            "rows_a_commit": spans / commits,
            "half_load_p50_ms": half["ack_ms"]["p50"],
            "half_load_p99_ms": half["ack_ms"]["p99"],
            "peak_mb": server.peak_mb,
            "disk_bytes_a_span": size / total,
        }


def server_total(folder: Path) -> int:
    """Spans in a store that no server holds."""
    store = open_store(folder)
    try:
        return int(store.facts.rows(Statement("total", "SELECT count() AS total FROM spans"))[0]["total"])
    finally:
        store.close()


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--span-bytes", type=int, default=1500)
    parser.add_argument("--port", type=int, default=7490)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measure(asked.seconds, asked.span_bytes, asked.port)
    if asked.json:
        print(json.dumps(found))
        return
    table = Table("what", "measured", "limit", title=f"Ingest, {asked.span_bytes} bytes a span, 4 clients, batches of 300, gzip, durable")
    table.add_row("stored", f"{found['spans_per_s']:,.0f} spans/s", "")
    table.add_row("engine alone, rows in Arrow form", f"{found['raw_spans_per_s']:,.0f} spans/s", "")
    table.add_row("ratio", f"{found['spans_per_s'] / found['raw_spans_per_s']:.2f}", f"≥ {HALF_OF_RAW}")
    table.add_row("rows a commit", f"{found['rows_a_commit']:,.0f}", "")
    table.add_row("answer at half load, p50", f"{found['half_load_p50_ms']:.0f} ms", "")
    table.add_row("answer at half load, p99", f"{found['half_load_p99_ms']:.0f} ms", f"< {P99_MS} ms")
    table.add_row("resident memory, most", f"{found['peak_mb']:.0f} MB", f"< {MEMORY_MB} MB")
    table.add_row("disk", f"{found['disk_bytes_a_span']:.0f} bytes/span", "")
    Console().print(table)


if __name__ == "__main__":
    main()
