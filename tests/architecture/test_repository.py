"""What the repository must never hold, and what it must say."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SECRET_WORDS = ("BEGIN RSA PRIVATE", "BEGIN OPENSSH PRIVATE", "AKIA" + "IOSF")
LARGEST = 1_000_000  # bytes; data live beside the project, not in it


@pytest.fixture(scope="module")
def tracked(repository: Path) -> list[Path]:
    """The files under version control."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git clone (an unpacked archive): what is tracked cannot be told")
    return [repository / name for name in listing.stdout.split("\0") if name and (repository / name).is_file()]


def test_no_file_is_large(tracked: list[Path]) -> None:
    assert [path.name for path in tracked if path.stat().st_size > LARGEST] == []


def test_no_private_key_is_in_it(tracked: list[Path]) -> None:
    for path in tracked:
        text = path.read_bytes()
        assert not any(word.encode() in text for word in SECRET_WORDS) or path == Path(__file__), path


def test_locks_name_no_registry_and_no_place(repository: Path) -> None:
    for lock in sorted((repository / "requirements").glob("*.lock")):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text
        assert "torch==" not in text
    node = repository / "tests" / "e2e" / "browser" / "package-lock.json"
    if node.is_file():
        assert "://" not in node.read_text(encoding="utf-8")


def test_no_machine_path_is_in_the_code(tracked: list[Path]) -> None:
    paths = ("/home/", "/root/", "/work" + "/")
    for path in tracked:
        if path.suffix in {".py", ".toml", ".md", ".sql", ".html", ".js", ".css", ".lock"} and path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            assert not any(word in text for word in paths), path


def test_the_changelog_leads_with_this_version(repository: Path) -> None:
    pyproject = (repository / "pyproject.toml").read_text(encoding="utf-8")
    version = next(line.split('"')[1] for line in pyproject.splitlines() if line.startswith("version"))
    headings = [line for line in (repository / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert headings[0].split()[1] == version
