"""SIGKILL at any moment loses nothing that was acknowledged, and doubles nothing: proved from the senders' own log."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from clew.store import Statement, open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

KILLS = 20
SENDERS = 3  # processes, two connections each
ALIVE_S = (0.4, 2.5)  # how long the server takes requests before it is killed; a commit takes some tenths of a second
START_S = 60


def answers(url):
    try:
        with urllib.request.urlopen(f"{url}/api/v1/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def start(data, port, log):
    command = [
        sys.executable,
        "-m",
        "clew",
        "serve",
        "--data",
        str(data),
        "--port",
        str(port),
        "--otlp-http-port",
        "0",
        "--otlp-grpc-port",
        "0",
    ]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    deadline = time.monotonic() + START_S
    while not answers(f"http://127.0.0.1:{port}"):
        assert process.poll() is None, "the server did not start"
        assert time.monotonic() < deadline, "the server took too long to start"
        time.sleep(0.05)
    return process


def senders(folder, port, repository):
    for number in range(SENDERS):
        yield subprocess.Popen(
            [
                *(sys.executable, "-m", "bench.load", "--url", f"http://127.0.0.1:{port}", "--clients", "2", "--seconds", "100000"),
                *("--rate", "1500", "--batch", "50", "--log", str(folder / f"acknowledged-{number}.jsonl"), "--id-seed", str(number + 1)),
            ],
            cwd=repository,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def acknowledged(folder):
    spans = []
    for path in folder.glob("acknowledged-*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for trace, ids in json.loads(line).items():
                spans += [(trace, span) for span in ids]
    return spans


def stored(data):
    store = open_store(data)
    try:
        rows = store.facts.arrow(Statement("all_ids", "SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span FROM spans"))
        return list(zip(rows.column("trace").to_pylist(), rows.column("span").to_pylist(), strict=True))
    finally:
        store.close()


def test_every_acknowledged_span_is_there_once_after_twenty_kills(tmp_path, repository, free_port):
    moments = random.Random(20)
    data = tmp_path / "data"
    with (tmp_path / "server.log").open("w") as log:
        server = start(data, free_port, log)
        loads = list(senders(tmp_path, free_port, repository))
        try:
            for _ in range(KILLS):
                time.sleep(moments.uniform(*ALIVE_S))
                os.kill(server.pid, signal.SIGKILL)
                server.wait()
                server = start(data, free_port, log)
            time.sleep(2)
        finally:
            for load in loads:
                load.terminate()
            for load in loads:
                load.wait(60)
            server.send_signal(signal.SIGINT)
            server.wait(60)
    sent, kept = acknowledged(tmp_path), stored(data)
    assert len(sent) > 2_000, "the senders were hardly ever answered: this run proves nothing"
    assert len(sent) == len(set(sent))
    assert set(sent) - set(kept) == set(), "acknowledged and lost"
    assert len(kept) == len(set(kept)), "stored twice"
    assert Path(data / "journal").exists()
