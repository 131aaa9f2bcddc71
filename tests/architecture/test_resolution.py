"""Clew installs beside what people have: the newest numpy, pandas, pydantic and protobuf, and those of a year before this release."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

NEIGHBOURS = ("numpy", "pandas", "pydantic", "protobuf")
YEAR_AGO = {"numpy": "2.3.5", "pandas": "2.3.3", "pydantic": "2.12.4", "protobuf": "6.33.1"}  # newest of November 2025
NOBODY_ANSWERS = re.compile(r"error sending request|dns error|connection refused|timed out", re.IGNORECASE)


def resolve(repository: Path, beside: list[str], *options: str) -> dict[str, str]:
    """The versions that a resolver finds for Clew beside some others. Skips the test where no package index can be reached."""
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "compile", "pyproject.toml", "-", *options, "--no-header", "--no-annotate", "--quiet"]
    report = subprocess.run(command, cwd=repository, input="\n".join(beside), capture_output=True, text=True, check=False)
    if report.returncode != 0 and NOBODY_ANSWERS.search(report.stderr):
        pytest.skip("no package index can be reached")
    assert report.returncode == 0, report.stderr
    return dict(line.split("==") for line in report.stdout.splitlines() if "==" in line)


def newest(repository: Path, name: str, python: str) -> str:
    report = subprocess.run(
        [Path(sys.executable).with_name("uv"), "pip", "compile", "-", "--no-deps", "--python-version", python, "--no-header", "--quiet"],
        cwd=repository,
        input=name,
        capture_output=True,
        text=True,
        check=False,
    )
    return report.stdout.strip().partition("==")[2]


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("extra", [["--extra", "server"], []], ids=["server", "client"])
def test_installs_beside_the_newest(repository: Path, extra: list[str], python: str) -> None:
    found = resolve(repository, list(NEIGHBOURS), *extra, "--python-version", python)
    assert {name: found[name] for name in NEIGHBOURS} == {name: newest(repository, name, python) for name in NEIGHBOURS}


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("extra", [["--extra", "server"], []], ids=["server", "client"])
def test_installs_beside_those_of_a_year_ago(repository: Path, extra: list[str], python: str) -> None:
    beside = [f"{name}=={version}" for name, version in YEAR_AGO.items()]
    found = resolve(repository, beside, *extra, "--python-version", python)
    assert {name: found[name] for name in NEIGHBOURS} == YEAR_AGO


@pytest.mark.slow
def test_the_client_brings_nothing_of_the_server(repository: Path) -> None:
    found = resolve(repository, [], "--python-version", "3.11")
    assert not {"numpy", "pandas", "chdb", "fastapi", "pydantic", "rich", "typer", "sqlalchemy"} & set(found)
    assert len(found) < 25
