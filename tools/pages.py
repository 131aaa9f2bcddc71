"""Reads the fenced blocks of the project's Markdown pages, and lists those that no test runs: ``python tools/pages.py``.

A block in ``python`` runs in the page's namespace, ``sh`` as a script, ``console`` line by line (``$`` begins a command, what follows it is
compared with its output, ``…`` stands for anything). A comment ``<!-- not run: reason -->`` above a block exempts it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = ("python", "sh", "console")
SHOWN = ("text", "json", "toml", "sql", "ebnf", "html", "css", "http", "promql", "yaml", "make")  # for the eye only
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*$")
EXEMPT = re.compile(r"^ *<!-- not run: (?P<reason>.*?) *-->\s*$")
NEEDS = re.compile(r"^<!-- needs: (?P<what>[\w, ]+) -->\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, its place, and why it is not run (empty = it is)."""

    page: str
    line: int
    language: str
    text: str
    not_run: str

    @property
    def runs(self) -> bool:
        """Whether a test executes it."""
        return self.language in RUN and not self.not_run


def blocks(page: str, text: str) -> list[Block]:
    """The fenced blocks of a page, in order. Raises ValueError for one that does not end."""
    found: list[Block] = []
    lines = text.splitlines()
    number = 0
    reason = ""
    while number < len(lines):
        line = lines[number]
        number += 1
        if exempt := EXEMPT.match(line):
            reason = exempt["reason"]
        elif fence := FENCE.match(line):
            closing = f"{fence['indent']}```"
            end = next((i for i in range(number, len(lines)) if lines[i].rstrip() == closing), None)
            if end is None:
                raise ValueError(f"{page}:{number}: the block does not end")
            body = "\n".join(item.removeprefix(fence["indent"]) for item in lines[number:end])
            found.append(Block(page, number, fence["language"], body + "\n", reason))
            number, reason = end + 1, ""
        elif line.strip():
            reason = ""
    return found


def needs(text: str) -> set[str]:
    """What a page's blocks find when they begin: ``<!-- needs: demo -->``."""
    return {word.strip() for match in NEEDS.finditer(text) for word in match["what"].split(",")}


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that the page shows for it (empty = none shown)."""
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (f"{found[-1][0]}\n{line.removeprefix('> ')}", "")
        elif found:
            command, shown = found[-1]
            found[-1] = (command, f"{shown}{line}\n")
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether what a page shows is what was printed: space is not compared, ``…`` stands for anything."""
    parts = [" ".join(part.split()) for part in shown.split("…")]
    pattern = ".*?".join(re.escape(part) for part in parts)
    return re.fullmatch(rf"\s*{pattern}\s*", " ".join(printed.split()), re.DOTALL) is not None


def pages() -> dict[str, Path]:
    """Every page whose blocks are looked at, by its name in the project."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return {str(path.relative_to(ROOT)): path for path in found if path.is_file()}


def main() -> int:
    """Lists the blocks that are exempt, with their reasons."""
    every = [block for name, path in pages().items() for block in blocks(name, path.read_text(encoding="utf-8"))]
    exempt = [block for block in every if block.language in RUN and block.not_run]
    print(f"docs: {sum(block.runs for block in every)} blocks are run by tests, {len(exempt)} are not:")
    for block in exempt:
        print(f"  {block.page}:{block.line} ({block.language}): {block.not_run}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
