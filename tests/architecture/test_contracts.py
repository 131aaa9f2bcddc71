"""The import contracts hold, and each one bites: a violation planted in a copy is caught."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

# contract → (module to write into, what is planted, what the report must name)
PLANTED = {
    "layers (upward)": ("clew/core/clock.py", "import clew.store", "clew.core.clock -> clew.store"),
    "layers (beside)": ("clew/web/__init__.py", "import clew.api", "clew.web -> clew.api"),
    "layers (late)": (
        "clew/stats/__init__.py",
        "def late():\n    import clew.traces.views",
        "clew.stats -> clew.traces.views",
    ),
    "layers (a room that nobody placed)": ("clew/attic/__init__.py", "", "clew.attic"),
    "client": ("clew/traces/views.py", "import clew.client", "clew.traces.views -> clew.client"),
    "cycles": ("clew/core/clock.py", "import clew.core.ids\n#", "clew.core"),
    "database": ("clew/traces/views.py", "import sqlite3", "clew.traces.views -> sqlite3"),
    "edge": ("clew/traces/views.py", "from fastapi import FastAPI", "clew.traces.views -> fastapi"),
    "light-client": ("clew/client/__init__.py", "import numpy", "clew.client -> numpy"),
    "pure-stats": ("clew/stats/__init__.py", "import pathlib", "clew.stats -> pathlib"),
}


def contracts(repository: Path) -> set[str]:
    pyproject = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"] for contract in pyproject["tool"]["importlinter"]["contracts"]}


def lint(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", *options]
    environ = os.environ | {"PYTHONPATH": str(root / "src"), "COLUMNS": "300"}
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    """A copy of the code, to be spoiled."""
    skipped = shutil.ignore_patterns("static", "templates", "__pycache__")
    shutil.copytree(repository / "src" / "clew", tmp_path / "src" / "clew", ignore=skipped)
    shutil.copy(repository / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_holds(repository: Path) -> None:
    report = lint(repository)
    assert report.returncode == 0, report.stdout


def contract_of(name: str) -> str:
    """The contract that a planted violation breaks: ``layers (upward)`` breaks ``layers``."""
    return name.split(" ")[0]


def test_every_contract_has_a_planted_violation(repository: Path) -> None:
    assert {contract_of(name) for name in PLANTED} == contracts(repository)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_caught(copy: Path, name: str) -> None:
    file, planted, named = PLANTED[name]
    target = copy / "src" / file
    target.parent.mkdir(exist_ok=True)
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(f"{before}\n{planted}\n", encoding="utf-8")
    if name == "cycles":
        ids = copy / "src" / "clew" / "core" / "ids.py"
        ids.write_text(ids.read_text(encoding="utf-8") + "\nimport clew.core.clock\n", encoding="utf-8")
    report = lint(copy, "--contract", contract_of(name))
    assert report.returncode != 0
    assert named in report.stdout.replace("\n", " "), report.stdout
