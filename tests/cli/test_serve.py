"""``clew serve`` in a process of its own: what it prints, what it refuses, how it ends, and how other commands find it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clew.cli.connection import ANNOUNCEMENT
from clew_process import free_ports

TRACE_ID = "5b8efff798038103d269b633813fc60c"
Start = Callable[..., Any]


def clew(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clew", *arguments]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False, timeout=120)


def spans_file(folder: Path, count: int) -> Path:
    path = folder / "spans.jsonl"
    lines = []
    for number in range(count):
        spans = [{"traceId": TRACE_ID, "spanId": f"{number + 1:016x}", "name": "greet", "startTimeUnixNano": "1", "endTimeUnixNano": "2"}]
        lines.append(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def stored(url: str) -> int:
    """Spans in the store once nothing waits any more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}/api/v1/ingest") as answer:
            ledger = json.load(answer)
        if not ledger["queued_requests"]:
            return int(ledger["accounts"]["spans"]["stored"])
        time.sleep(0.1)
    pytest.fail("the queue does not empty")


def test_import_goes_to_the_server_that_holds_the_data(serve_clew: Start, tmp_path: Path) -> None:
    server = serve_clew()
    report = clew("import", "otlp", str(spans_file(tmp_path, 20)), "--json", **server.environ)
    assert report.returncode == 0, report.stderr
    assert json.loads(report.stdout) == {"files": 1, "requests": 20, "rejected": 0, "reasons": {}, "refused": []}
    assert stored(server.url) == 20


def test_import_opens_the_store_where_no_server_runs_and_the_server_finds_it_after(serve_clew: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    file = spans_file(tmp_path, 5)
    for _ in range(2):  # the second time everything is there already
        report = clew("import", "otlp", str(file), "--data", str(data))
        assert report.returncode == 0, report.stderr
        assert "5 requests from 1 files are stored" in report.stdout
    server = serve_clew(data=data)
    report = clew("import", "otlp", str(file), **server.environ)
    assert report.returncode == 0, report.stderr
    assert stored(server.url) == 0  # counted since this start: five duplicates
    with urllib.request.urlopen(f"{server.url}/api/v1/ingest") as answer:
        assert json.load(answer)["accounts"]["spans"]["duplicates"] == 5


def test_nothing_is_left_in_the_folder_where_a_command_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    spans_file(here, 2)
    assert clew("import", "otlp", "spans.jsonl", "--data", "../data").returncode == 0
    report = clew("export", "-o", "out.jsonl", "--data", "../data", "--project", "unknown_service")
    assert report.returncode == 0 or "there is no project" in report.stderr
    assert {item.name for item in here.iterdir()} <= {"spans.jsonl", "out.jsonl"}
    assert (tmp_path / "data" / "records.db").is_file()


def test_a_second_server_on_the_same_data_says_who_holds_it(serve_clew: Start) -> None:
    server = serve_clew()
    (other,) = free_ports(1)
    report = clew("serve", "--port", str(other), "--otlp-http-port", "0", "--otlp-grpc-port", "0", **server.environ)
    assert report.returncode == 1
    assert f"is held by process {server.process.pid}" in report.stderr
    assert (Path(server.environ["CLEW_DATA"]) / ANNOUNCEMENT).is_file(), "the refused server took the running one's address away"


def test_a_port_that_is_taken_is_told_with_the_setting(serve_clew: Start, tmp_path: Path) -> None:
    server = serve_clew()
    report = clew("serve", "--data", str(tmp_path / "other"), **server.environ)
    assert report.returncode == 1
    assert f"port {server.environ['CLEW_PORT']} for pages and API cannot be used" in report.stderr
    assert "set CLEW_PORT" in report.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order_and_takes_its_address_back(serve_clew: Start, how: signal.Signals) -> None:
    server = serve_clew()
    announcement = Path(server.environ["CLEW_DATA"]) / ANNOUNCEMENT
    assert json.loads(announcement.read_text(encoding="utf-8")) == {"url": server.url, "pid": server.process.pid}
    server.process.send_signal(how)
    assert server.process.wait(30) == 0
    assert not announcement.exists()
    assert "Traceback" not in server.log.read_text(encoding="utf-8")


def test_commands_work_after_the_server_was_killed(serve_clew: Start, tmp_path: Path) -> None:
    server = serve_clew()
    server.process.kill()
    server.process.wait()
    report = clew("import", "otlp", str(spans_file(tmp_path, 3)), **server.environ)
    assert report.returncode == 0, report.stderr


def test_a_host_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    report = clew("serve", "--host", "0.0.0.0", "--data", str(tmp_path / "data"))
    assert report.returncode == 1
    assert "has no log-in" in report.stderr
    assert not (tmp_path / "data").exists()


def test_an_address_without_a_server_is_told(tmp_path: Path) -> None:
    report = clew("import", "otlp", str(spans_file(tmp_path, 1)), "--url", "http://127.0.0.1:9")
    assert report.returncode == 1
    assert "no server answers at http://127.0.0.1:9" in report.stderr
    assert "Traceback" not in report.stderr


def test_the_command_line_is_quick_to_say_what_it_can() -> None:
    code = "import sys, clew.cli; print([name for name in ('chdb', 'fastapi', 'pyarrow', 'sqlalchemy') if name in sys.modules])"
    report = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert report.stdout.strip() == "[]"
