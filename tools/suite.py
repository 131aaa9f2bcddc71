"""Runs the whole test suite in parts, brings what it needs, says what it skips and why: ``.venv/bin/python tools/suite.py [part …]``.

The last line is ``N passed, N failed, N skipped`` over all parts. A part that crashes or finds no test counts as failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from environment import install_with_apt

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / ".make" / "tests"
BROWSER_TESTS = ROOT / "tests" / "e2e" / "browser"
PARTS = {
    "default": "not slow and not field and not browser",
    "field": "field and not slow and not browser",
    "browser": "browser and not slow",
    "slow": "slow",
}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Tally:
    """What came out of one part or of all."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            Counter(self.reasons) + Counter(other.reasons),
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_report(report: Path) -> Tally:
    """The counts and the reasons of the skips from a JUnit report. An error in a fixture is a failure."""
    tally = Tally()
    for case in ET.parse(report).iter("testcase"):
        kinds = {child.tag for child in case}
        skip = case.find("skipped")
        if kinds & {"failure", "error"}:
            tally.failed += 1
        elif skip is not None:
            tally.skipped += 1
            tally.reasons[skip.get("message") or "no reason given"] += 1
        else:
            tally.passed += 1
    return tally


def judge(exit_code: int, report: Path) -> Tally:
    """The tally of a part; no report, or an exit code that its failures do not explain, is a failure too."""
    if not report.is_file():
        return Tally(failed=1)
    tally = read_report(report)
    if exit_code != 0 and tally.failed == 0:
        tally.failed += 1
    return tally


def run_part(name: str, environ: dict[str, str]) -> Tally:
    """Runs the tests of one part in a process of their own."""
    report = REPORTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    print(f"\n=== {name} part: {PARTS[name]}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", PARTS[name], f"--junit-xml={report}"]
    started = time.monotonic()
    exit_code = subprocess.run(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, check=False).returncode
    tally = judge(exit_code, report)
    print(f"=== {name} part: {tally} in {time.monotonic() - started:.0f} s (pytest ended with {exit_code})", flush=True)
    return tally


def find_chromium() -> str | None:
    """The browser to drive; installed with apt where that is possible without asking."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None and install_with_apt("chromium", "fonts-noto-core"):
        found = shutil.which("chromium")
    return found


def bring_axe() -> None:
    """The accessibility checker, at the version that ``package-lock.json`` pins."""
    if (BROWSER_TESTS / "package-lock.json").is_file() and shutil.which("npm") and not (BROWSER_TESTS / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=BROWSER_TESTS, check=False)


def prepare() -> dict[str, str]:
    """What the tests need beside Python packages, and the environment they run in."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("CLEW_") or key == "CLEW_FIELD_DATA"}
    if chromium := find_chromium():
        environ["CLEW_TEST_CHROMIUM"] = chromium
        bring_axe()
    return environ


def main(arguments: list[str]) -> int:
    """Runs the named parts, or all; returns the exit code."""
    if unknown := set(arguments) - set(PARTS):
        print(f"no part {sorted(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    environ = prepare()
    total = Tally()
    for name in arguments or PARTS:
        total += run_part(name, environ)
    print("\nskipped:" if total.skipped else "\nnothing was skipped", flush=True)
    for reason, count in total.reasons.most_common():
        print(f"  {count} × {reason}")
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
