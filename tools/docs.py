"""Writes the pages that are made from code, or with ``--check`` says which are not as the code is: ``python tools/docs.py [--check]``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from clew.cli import app
from clew.core.config import keys

ROOT = Path(__file__).resolve().parent.parent
MADE = "<!-- Made by `make docs` from the code; do not edit. -->\n"


def size(value: Any) -> str:
    """A default as a person would write it."""
    if isinstance(value, int) and value >= 1 << 20:
        return f"{value >> 30} GiB" if value % (1 << 30) == 0 else f"{value >> 20} MiB"
    return str(value)


def settings_page() -> str:
    """``docs/settings.md``: every setting with its unit, default and the default's reason."""
    rows = []
    for item in keys():
        default = "–" if item.name == "data" else f"`{size(item.default)}`"
        meta = item.metadata
        rows.append(f"| `{item.name}` | `CLEW_{item.name.upper()}` | {meta['unit']} | {default} | {meta['help']} | {meta['why']} |")
    return SETTINGS.format(rows="\n".join(rows))


SETTINGS = """# Settings

The command line of `clew serve` (for the settings that `clew serve --help` names) wins over a variable, a variable over the file, the file
over the default. Settings are read once, at start; a value that cannot be used ends the start with a sentence that names it.

The file is `~/.config/clew/clew.toml` (`$XDG_CONFIG_HOME/clew/clew.toml`), or the one that `CLEW_CONFIG` names:

```toml
port = 8000
memory = "3 GiB"
retention_days = 90
```

| setting | variable | unit | default | what it does | why this default |
|---|---|---|---|---|---|
{rows}

Sizes are bytes, or a number with a unit: `64 MiB`, `2GB`.
"""


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and everything under it, in the order of the help."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


def cli_page() -> str:
    """``docs/cli.md``: the help of every command."""
    root = typer.main.get_command(app)
    top = root.context_class(root, info_name="clew", terminal_width=100, max_content_width=100, **root.context_settings)
    parts = []
    for path, command in commands(root, ("clew",)):
        context = command.context_class(command, info_name=" ".join(path[1:]), parent=top) if path[1:] else top
        parts.append(f"## {' '.join(path)}\n\n```text\n{command.get_help(context).rstrip()}\n```\n")
    return CLI + "\n".join(parts)


CLI = """# The command line

Commands work on the server that holds the data directory, and on the directory itself where no server runs. Every reading command prints
JSON with `--json`. Exit codes: 0 done, 1 could not be done (the reason is on stderr), 2 the command line is wrong.

"""


PAGES: dict[str, Callable[[], str]] = {"docs/settings.md": settings_page, "docs/cli.md": cli_page}


def main(arguments: list[str]) -> int:
    """Writes or checks; returns the exit code."""
    stale = []
    for name, make in PAGES.items():
        page = ROOT / name
        text = MADE + make()
        if "--check" not in arguments:
            page.write_text(text, encoding="utf-8")
        elif not page.is_file() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"{name} is not what the code says; run: make docs")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
