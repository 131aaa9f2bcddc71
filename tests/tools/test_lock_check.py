"""A lock that names a place, lacks a hash or brings gigabytes is not kept."""

from __future__ import annotations

from pathlib import Path

import lock
import pytest

GOOD = """numpy==2.4.6 ; python_full_version < '3.12' \
    --hash=sha256:aa \
    --hash=sha256:bb
rich==15.0.0 \
    --hash=sha256:cc
"""
PLACES = ["--find-links /opt/wheels", "--extra-index-url file:///opt/simple", "--index-url https://example.org/simple", "# via clew"]


def test_a_clean_lock_has_no_complaint() -> None:
    assert lock.complaints(lock.clean(GOOD)) == []


@pytest.mark.parametrize("line", PLACES)
def test_lines_that_name_a_place_are_taken_out(line: str) -> None:
    assert lock.clean(f"{line}\n{GOOD}") == lock.clean(GOOD)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rich==15.0.0\n", "rich has no hash"),
        ("torch==2.13.0 \\\n    --hash=sha256:aa\n", "it would bring torch"),
        ("nvidia-cudnn-cu13==9 \\\n    --hash=sha256:aa\n", "it would bring nvidia-cudnn-cu13"),
        ("rich @ https://example.org/rich.whl \\\n    --hash=sha256:aa\n", "it names a place"),
        ("rich @ /srv/rich.whl\n", "it names a place"),
        ("--trusted-host example.org\n" + GOOD, "it names a place"),
    ],
)
def test_what_must_not_be_kept_is_told(text: str, complaint: str) -> None:
    assert any(complaint in found for found in lock.complaints(text))


@pytest.mark.parametrize("name", lock.SETS)
def test_the_locks_in_the_repository_are_clean(repository: Path, name: str) -> None:
    text = (repository / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    assert lock.complaints(text) == []
    assert lock.clean(text) == text


def test_what_is_tested_is_what_is_installed(repository: Path) -> None:
    def versions(name: str) -> set[str]:
        text = (repository / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
        return {line.split(" \\")[0] for line in text.splitlines() if "==" in line}

    assert versions("server") <= versions("dev")
