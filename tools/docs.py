"""Writes the pages that are made from code, or with ``--check`` says which are not as the code is: ``python tools/docs.py [--check]``."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from clew.cli import app
from clew.core.config import keys
from clew.traces.filter import FIELDS
from clew.traces.filter.fields import KINDS, STATUSES

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
otlp_grpc_port = 0
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


LIMITS = (
    # module, constant, what it bounds, unit, what happens beyond it
    ("clew.ingest.check", "MAX_PROJECT_NAME", "a project's name", "characters", "the rest is cut off"),
    ("clew.traces.otlp_json", "MAX_DEPTH", "nested values in OTLP/JSON", "levels", "the span is refused and counted"),
    ("clew.ingest.repair", "MAX_DEPTH", "nested messages in OTLP protobuf whose text has to be mended", "levels", "400 with the reason"),
    ("clew.ingest.pipeline", "GROUP_BYTES", "one commit", "bytes", "the rest goes into the next commit"),
    ("clew.traces.scores", "MAX_NAME", "a score's name, label, author, version, identifier", "characters", "the score is refused"),
    ("clew.traces.scores", "MAX_REASON", "a score's reason and metadata", "characters", "the score is refused"),
    ("clew.traces.filter.parse", "MAX_CHARACTERS", "a filter", "characters", "400 with the reason"),
    ("clew.traces.filter.parse", "MAX_TERMS", "comparisons, texts and values of a filter", "terms", "400 with the reason"),
    ("clew.traces.filter.parse", "MAX_DEPTH", "brackets inside one another in a filter", "levels", "400 with the reason"),
    ("clew.traces.question", "PAGE_LIMIT", "one page of a list", "rows", "the API answers 422"),
    ("clew.traces.read_sessions", "TURN_CHARACTERS", "one turn on a session's page", "characters", "the rest stands in its trace"),
    ("clew.traces.read_trace", "MAX_LOGS", "log records shown with one span", "records", "the rest is stored but not shown"),
    ("clew.traces.cost.rates", "MAX_COUNT", "a token count of one call", "tokens", "the count is not used, the cost is unknown"),
)


def constant(module: str, name: str) -> tuple[Any, str]:
    """A constant's value and, from the comment beside it (``what: why``), where the number comes from."""
    loaded = importlib.import_module(module)
    text = Path(str(loaded.__file__)).read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if re.match(rf"{name}\b.*=", line))
    return getattr(loaded, name), "".join(re.split("[:;] ", line.partition("  # ")[2], maxsplit=1)[1:])


def limits_page() -> str:
    """``docs/limits.md``: every bound that somebody can run into."""
    rows = []
    for module, name, what, unit, beyond in LIMITS:
        value, why = constant(module, name)
        rows.append(f"| {what} | {size(value) if unit == 'bytes' else f'{value:,} {unit}'} | {beyond} | {why} |")
    return LIMITS_TEXT.format(rows="\n".join(rows))


LIMITS_TEXT = """# Limits

Some bounds are [settings](settings.md): `max_body_bytes`, `queue_bytes`, `queue_requests`, `memory`. The others are constants in the code:

| what | at most | beyond it | why this number |
|---|---|---|---|
{rows}

A span's attributes have no limit of their own: a request that fits is kept whole.
"""


def filter_fields_page() -> str:
    """``docs/filter-fields.md``: every field of the filter language and how each list meets it."""
    met = {"own": "its own", "some": "of some span", "total": "reckoned", "": "–"}
    rows = []
    for field in FIELDS:
        aliases = ", ".join(f"`{alias}`" for alias in field.aliases) or "–"
        places = " | ".join(met[place] for place in (field.span, field.trace, field.session))
        rows.append(f"| `{field.example()}` | {aliases} | {field.type} | {places} | {field.help} |")
    kinds, statuses = (", ".join(f"`{value}`" for value in values) for values in (KINDS, STATUSES))
    return FILTER_FIELDS.format(rows="\n".join(rows), kinds=kinds, statuses=statuses)


FILTER_FIELDS = """# Fields of the filter language

What [a filter](filter.md) can ask, and what it means in each list: its own value, that of some span of it, or reckoned over all its spans.
With `root.` before it, any field that spans have asks the root span of a trace.

| field | also | type | in spans | in traces | in sessions | what it is |
|---|---|---|---|---|---|---|
{rows}

`kind` is one of {kinds}; `SPAN` is a span of no kind of AI. `status` is one of {statuses}.
"""


def decisions_page() -> str:
    """``design/README.md``: every decision by its heading."""
    pages = sorted((ROOT / "design").glob("[0-9]*.md"))
    lines = [f"- [{page.name[:4]} {page.read_text(encoding='utf-8').splitlines()[0].lstrip('# ')}]({page.name})" for page in pages]
    return DECISIONS + "\n".join(lines) + "\n"


DECISIONS = """# Decisions

One page per decision: what was decided, what was measured, what was rejected and why. A page is changed when the decision is.

"""

PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_page,
    "docs/cli.md": cli_page,
    "docs/limits.md": limits_page,
    "docs/filter-fields.md": filter_fields_page,
    "design/README.md": decisions_page,
}


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
