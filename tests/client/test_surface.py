"""What ``import clew`` offers is a list that changes on purpose, and hides no room of the house."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import clew
import clew.client

OFFERED = [
    "Delivery",
    "Limits",
    "SpanHandle",
    "current_trace_id",
    "delivery",
    "flush",
    "init",
    "score",
    "session",
    "shutdown",
    "span",
    "trace",
    "user",
]


def test_the_client_offers_just_these_names() -> None:
    assert sorted(clew.__all__) == sorted(clew.client.__all__) == OFFERED
    assert all(getattr(clew, name) is getattr(clew.client, name) for name in OFFERED)


def test_no_name_is_also_a_room(repository: Path) -> None:
    rooms = {path.name for path in (repository / "src" / "clew").iterdir() if path.is_dir()}
    assert rooms.isdisjoint(OFFERED)


def test_every_name_is_documented(repository: Path) -> None:
    page = (repository / "docs" / "client.md").read_text(encoding="utf-8")
    for name in OFFERED:
        assert f"clew.{name}" in page, f"docs/client.md does not tell of clew.{name}"


def test_without_the_servers_parts_the_command_says_what_to_install() -> None:
    hide = """
import sys
for part in ("typer", "uvicorn", "fastapi", "chdb"):
    sys.modules[part] = None
sys.argv = ["clew", "serve"]
from clew.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == 'clew: the command line needs parts that are not installed; run: pip install "clew[server]"'
