"""The columns of the lists: what there is, what stands there at first, what can be sorted by."""

from __future__ import annotations

from dataclasses import dataclass

from clew.core.errors import InputError


@dataclass(frozen=True)
class Column:
    """One column of a list."""

    key: str
    label: str
    right: bool = False  # numbers stand at the right
    sort: str = ""  # the list's sort key; '' where it cannot be sorted by
    first: bool = True  # whether it stands there without being asked for
    about: str = ""


TRACES = (
    Column("when", "Started", sort="start"),
    Column("name", "Trace"),
    Column("verdict", "Outcome"),
    Column("latency", "Latency", True, "latency"),
    Column("steps", "Steps", True, first=False),
    Column("errors", "Errors", True, "errors", first=False),
    Column("tokens", "Tokens", True, "tokens", about="input → output"),
    Column("cost", "Cost", True, "cost"),
    Column("models", "Model"),
    Column("user", "User", first=False),
    Column("session", "Session", first=False),
    Column("service", "Service", first=False),
)
SPANS = (
    Column("when", "Started", sort="start"),
    Column("name", "Span"),
    Column("kind", "Kind"),
    Column("status", "Outcome"),
    Column("latency", "Latency", True, "latency"),
    Column("ttft", "First token", True, first=False, about="time to first token"),
    Column("tokens", "Tokens", True, "tokens", about="input → output"),
    Column("cost", "Cost", True, "cost"),
    Column("models", "Model"),
    Column("user", "User", first=False),
    Column("session", "Session", first=False),
    Column("service", "Service", first=False),
)
SESSIONS = (
    Column("when", "Last active", sort="end"),
    Column("name", "Session"),
    Column("verdict", "Outcome"),
    Column("turns", "Turns", True, "traces"),
    Column("latency", "Length", True, "latency"),
    Column("tokens", "Tokens", True, "tokens", about="input → output"),
    Column("cost", "Cost", True, "cost"),
    Column("user", "User"),
)
ALWAYS = frozenset({"when", "name"})


def chosen(columns: tuple[Column, ...], text: str) -> tuple[Column, ...]:
    """The columns a URL asks for (``cols=latency,cost``), in the list's own order; the first ones where it asks for none."""
    if not text:
        return tuple(column for column in columns if column.first or column.key in ALWAYS)
    asked = set(text.split(","))
    if unknown := asked - {column.key for column in columns}:
        raise InputError(f"column {sorted(unknown)[0][:40]!r}; wanted some of {', '.join(column.key for column in columns)}")
    return tuple(column for column in columns if column.key in asked or column.key in ALWAYS)
