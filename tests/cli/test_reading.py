"""The reading commands against a real server with the airline agent's conversations, and against the same data without a server."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

import clew_process

pytestmark = pytest.mark.field
SPANS, TRACES = 3818, 200
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(field_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[clew_process.Server]:
    """A server that holds the airline agent's traces."""
    it = clew_process.start(tmp_path_factory.mktemp("reading"), "airline", (), None, {})
    clew_process.wait_for(it, "Clew is ready")
    report = run(it, "import", "otlp", str(field_data / "airline_agent" / "traces.otlp.jsonl.gz"))
    assert report.returncode == 0, report.stderr
    deadline = time.monotonic() + 120
    while json.load(urllib.request.urlopen(f"{it.url}/api/v1/ingest"))["accounts"]["spans"]["stored"] < SPANS:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield it
    it.stop()


def run(server: clew_process.Server, *arguments: str, columns: int = 160, **more: Any) -> subprocess.CompletedProcess[str]:
    environ = {**server.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "clew", *arguments]
    return subprocess.run(command, env=environ, **{"capture_output": True, "text": True, "timeout": 120, "check": False, **more})


def told(server: clew_process.Server, *arguments: str) -> Any:
    """What a command prints with --json."""
    report = run(server, *arguments, "--json")
    assert report.returncode == 0, report.stderr
    return json.loads(report.stdout)


def test_projects_and_lists_have_every_row_once(server: clew_process.Server) -> None:
    assert [item["name"] for item in told(server, "projects")] == ["airline-agent"]
    page = told(server, "traces", "--limit", "1000")
    ids = [item["root"]["trace_id"] for item in page["items"]]
    assert (len(ids), len(set(ids)), page["next"]) == (TRACES, TRACES, None)
    assert sum(item["spans"] for item in page["items"]) == SPANS
    starts = [item["root"]["start_ns"] for item in page["items"]]
    assert starts == sorted(starts, reverse=True)
    assert len(told(server, "sessions", "-n", "300")["items"]) == TRACES


def test_a_table_shows_ids_whole_on_a_narrow_screen(server: clew_process.Server) -> None:
    trace_id = told(server, "traces", "-n", "1")["items"][0]["root"]["trace_id"]
    for columns in (60, 80, 120):
        assert trace_id in run(server, "traces", "-n", "1", columns=columns).stdout


def test_a_filter_chooses_and_its_sentence_is_told(server: clew_process.Server) -> None:
    report = run(server, "traces", "--filter", "errors > 0", "--json", "-n", "500")
    if report.returncode:  # the grammar's own word for it
        pytest.fail(report.stderr)
    items = json.loads(report.stdout)["items"]
    assert 0 < len(items) < TRACES
    assert all(item["errors"] > 0 for item in items)


def test_a_mistake_in_a_filter_is_pointed_at(server: clew_process.Server) -> None:
    report = run(server, "traces", "--filter", "kind = LLM andd latency > 2s")
    assert report.returncode == 1
    lines = report.stderr.splitlines()
    shown = next(number for number, line in enumerate(lines) if line.strip() == "kind = LLM andd latency > 2s")
    assert lines[shown + 1].index("^") == lines[shown].index("andd")
    assert "and" in lines[shown + 2]


def test_a_trace_is_shown_as_a_tree_and_as_it_was_sent(server: clew_process.Server) -> None:
    row = told(server, "traces", "-n", "1")["items"][0]
    trace_id = row["root"]["trace_id"]
    view = told(server, "trace", trace_id)
    assert len(view["nodes"]) == row["spans"]
    printed = run(server, "trace", trace_id, columns=200).stdout
    assert all(node["span"]["span_id"] in printed for node in view["nodes"])
    assert "score task_success" in printed
    record = json.loads(run(server, "trace", trace_id, "--otlp").stdout)
    spans = [span for group in record["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]]
    assert {span["traceId"] for span in spans} == {trace_id}
    assert len(spans) == row["spans"]


def test_a_span_is_shown_with_what_went_in_and_out(server: clew_process.Server) -> None:
    trace_id = told(server, "traces", "-n", "1")["items"][0]["root"]["trace_id"]
    node = next(node for node in told(server, "trace", trace_id)["nodes"] if node["span"]["kind"] == "LLM")
    printed = run(server, "trace", trace_id, "--span", node["span"]["span_id"]).stdout
    assert "gen_ai.request.model = gpt-4o" in printed
    assert "input" in printed
    assert "output" in printed


def test_a_session_reads_as_a_conversation(server: clew_process.Server) -> None:
    session = told(server, "sessions", "-n", "1")["items"][0]["session_id"]
    assert told(server, "session", session)["row"]["session_id"] == session
    printed = run(server, "session", session).stdout
    assert "→ " in printed


def test_search_finds_and_shows_the_words_around(server: clew_process.Server) -> None:
    hits = told(server, "search", "refund", "-n", "5")["items"]
    assert len(hits) == 5
    for hit in hits:
        for snippet in hit["snippets"]:
            assert snippet["text"][snippet["start"] : snippet["end"]].lower() == "refund"
    assert "refund" in run(server, "search", "refund", "-n", "5").stdout
    nothing = run(server, "search", "zzzzqqqq")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nothing found" in nothing.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("trace", "0" * 31 + "1"), "there is no trace"),
        (("trace", "nonsense"), "nonsense"),
        (("session", "nobody"), "nobody"),
        (("traces", "--project", "elsewhere"), "there is no project 'elsewhere'"),
        (("traces", "--since", "yesterday"), "--since is 'yesterday'"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(server: clew_process.Server, arguments: tuple[str, ...], words: str) -> None:
    report = run(server, *arguments)
    assert report.returncode == 1
    assert report.stdout == ""
    assert "Traceback" not in report.stderr
    if arguments[0] != "trace" or len(arguments[1]) == 32:
        assert words in report.stderr.replace("\n", " ")


def test_an_export_holds_every_span_and_can_be_read_back(server: clew_process.Server, tmp_path: Path) -> None:
    packed = tmp_path / "all.otlp.jsonl.gz"
    report = run(server, "export", "-o", str(packed))
    assert report.returncode == 0, report.stderr
    lines = gzip.decompress(packed.read_bytes()).splitlines()
    requests = [json.loads(line) for line in lines]
    ids = [span["spanId"] for r in requests for g in r["resourceSpans"] for s in g["scopeSpans"] for span in s["spans"]]
    assert (len(ids), len(set(ids))) == (SPANS, SPANS)
    again = run(server, "import", "otlp", str(packed), "--json")
    assert json.loads(again.stdout)["rejected"] == 0
    assert len(told(server, "traces", "--limit", "1000")["items"]) == TRACES


def test_parquet_and_json_lines_hold_the_same_rows(server: clew_process.Server, tmp_path: Path) -> None:
    table = tmp_path / "all.parquet"
    assert run(server, "export", "--format", "parquet", "-o", str(table), "--filter", "kind = TOOL").returncode == 0
    rows = pyarrow.parquet.read_table(table).to_pylist()
    lines = [json.loads(line) for line in run(server, "export", "--format", "jsonl", "--filter", "kind = TOOL").stdout.splitlines()]
    assert {row["span_id"] for row in rows} == {line["span_id"] for line in lines}
    assert 0 < len(rows) < SPANS


def test_an_export_that_nobody_reads_to_its_end_holds_up_no_other(server: clew_process.Server) -> None:
    for _ in range(3):
        broken = subprocess.Popen(
            [sys.executable, "-m", "clew", "export"], env=server.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert broken.stdout is not None
        assert broken.stdout.read(10)
        broken.stdout.close()
        assert broken.wait(60) == 1
        assert broken.stderr is not None
        assert "Traceback" not in broken.stderr.read()
        whole = run(server, "export", "--filter", "kind = TOOL", timeout=60)
        assert whole.returncode == 0


def test_a_broken_export_leaves_no_file(server: clew_process.Server, tmp_path: Path) -> None:
    assert run(server, "export", "-o", str(tmp_path / "x.jsonl"), "--filter", "kind ==").returncode == 1
    assert list(tmp_path.iterdir()) == []
    missing = run(server, "export", "-o", str(tmp_path / "none" / "x.jsonl"))
    assert "cannot be written" in missing.stderr
    assert "name a file with --output" in run(server, "export", "--format", "parquet").stderr


def test_own_prices_are_set_used_and_removed(server: clew_process.Server) -> None:
    before = sum(item["cost"]["micros"] for item in told(server, "traces", "-n", "500")["items"])
    report = run(server, "prices", "set", "gpt-4o*", "input=50", "output=150")
    assert report.returncode == 0, report.stderr
    (price,) = told(server, "prices", "list")
    assert price["model"] == "gpt-4o*"
    assert "input 50" in run(server, "prices", "list").stdout
    done = told(server, "recompute")
    assert done["changed"] > 0
    after = sum(item["cost"]["micros"] for item in told(server, "traces", "-n", "500")["items"])
    assert after == pytest.approx(10 * before, rel=1e-5)  # all of it is gpt-4o-2024-05-13, whose list price is 5 and 15
    assert run(server, "prices", "remove", price["id"]).returncode == 0
    assert told(server, "prices", "list") == []
    assert run(server, "prices", "set", "gpt-4o", "inptu=25").returncode == 1
    told(server, "recompute")


def test_without_a_server_the_same_is_answered(server: clew_process.Server) -> None:
    with_server = told(server, "traces", "-n", "7", "--filter", "errors > 0")
    tree = told(server, "trace", with_server["items"][0]["root"]["trace_id"])
    assert server.stop() == 0
    assert told(server, "traces", "-n", "7", "--filter", "errors > 0") == with_server
    assert told(server, "trace", with_server["items"][0]["root"]["trace_id"]) == tree
    report = run(server, "export", "--format", "jsonl", "--filter", "kind = TOOL")
    assert report.returncode == 0
    assert os.linesep.join(report.stdout.splitlines()[:1]).startswith('{"trace_id"')
