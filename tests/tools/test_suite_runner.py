"""The test runner's closing line tells what happened, crashes included."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import suite

TESTS = """
import os, pytest
def test_passes(): pass
def test_fails(): assert False
@pytest.fixture
def broken(): raise OSError
def test_errors(broken): pass
@pytest.mark.skip(reason="no sun today")
def test_skips(): pass
@pytest.mark.xfail(strict=True)
def test_expected_to_fail(): assert False
"""


def run(folder: Path, text: str) -> suite.Tally:
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    report = folder / "report.xml"
    options = ["-q", "-c", "/dev/null", "--rootdir", str(folder), f"--junit-xml={report}", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options]
    return suite.judge(subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode, report)


def test_each_outcome_is_counted_once(tmp_path: Path) -> None:
    tally = run(tmp_path, TESTS)
    assert str(tally) == "1 passed, 2 failed, 2 skipped"
    assert tally.reasons["no sun today"] == 1


@pytest.mark.parametrize(
    "text", ["import os; os._exit(3)", "import nothing_of_the_kind", "x = 1", "def test_dies():\n    import os; os._exit(0)"]
)
def test_a_part_that_crashes_or_finds_nothing_is_a_failure(tmp_path: Path, text: str) -> None:
    assert run(tmp_path, text).failed == 1


def test_tallies_add_up_with_their_reasons() -> None:
    one, two = suite.Tally(1, 2, 3), suite.Tally(4, 5, 6)
    one.reasons["dark"] += 3
    two.reasons["dark"] += 1
    total = one + two
    assert (str(total), total.reasons["dark"]) == ("5 passed, 7 failed, 9 skipped", 4)


def test_a_part_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.main(["quick"]) == 2
    assert "there are: default, field, browser, slow" in capsys.readouterr().err


def test_the_parts_hold_every_test_once() -> None:
    """Of the eight combinations of markers each is in exactly one part."""
    for bits in range(8):
        have = {name: bool(bits >> i & 1) for i, name in enumerate(("slow", "field", "browser"))}
        assert sum(eval(expression, {}, have) for expression in suite.PARTS.values()) == 1, have
