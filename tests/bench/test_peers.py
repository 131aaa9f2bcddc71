"""The comparison with other systems measures what it says; only Clew is installed here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_clew_is_measured_from_the_first_request_to_the_last_span_read(repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "peers.json"
    command = [sys.executable, "-m", "bench.peers", "--only", "clew", "--sizes", "2000", "--spans", "1200", "--json", str(out)]
    run = subprocess.run(
        [*command, "--cache", str(tmp_path), "--port", "17790"], cwd=repository, capture_output=True, text=True, timeout=280
    )
    assert run.returncode == 0, run.stderr
    (row,) = json.loads(out.read_text())
    assert (row["system"], row["spans"], row["note"]) == ("clew", 1200, "")
    assert row["spans_per_s"] > 0
    assert 0 < row["idle_mb"] <= row["peak_mb"]
    assert row["disk_bytes_a_span"] > 0
    assert "| 2 KB | clew" in run.stdout
