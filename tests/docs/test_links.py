"""Links between pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def pages(root: Path) -> list[Path]:
    return [
        root / "README.md",
        root / "CONTRIBUTING.md",
        root / "CHANGELOG.md",
        *(root / "docs").rglob("*.md"),
        *(root / "design").glob("*.md"),
    ]


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_inside_the_project_lead_to_a_file_and_a_heading(repository: Path) -> None:
    broken = []
    for page in pages(repository):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if target.startswith(("http://", "https://", "mailto:")):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8"))):
                broken.append(f"{page.name}: {target}")
    assert broken == []


@pytest.mark.parametrize("folder", ["docs", "design"])
def test_the_index_names_every_page(repository: Path, folder: str) -> None:
    index = repository / folder / ("index.md" if folder == "docs" else "README.md")
    named = index.read_text(encoding="utf-8")
    missing = [page.name for page in sorted((repository / folder).glob("*.md")) if page != index and page.name not in named]
    assert missing == []
