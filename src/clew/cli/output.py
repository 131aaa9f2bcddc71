"""What commands print: tables for people on stdout, JSON on request, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

stdout = Console(highlight=False, soft_wrap=False)
stderr = Console(stderr=True, highlight=False)

UNKNOWN = "–"  # what is not known is not zero
_CONTROL = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "�")


def print_json(value: Any) -> None:
    """JSON for a program: indented where a person looks, one line where a program reads."""
    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


@dataclass(frozen=True)
class Column:
    """A table's column; only a ``cut`` one gives way when the screen is narrow."""

    name: str
    right: bool = False
    cut: bool = False


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """A table. Cells are customers' words: no markup is read from them and no control character reaches the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        width = None if column.cut else max([cell_len(column.name), *(cell_len(row[place]) for row in rows)])
        table.add_column(column.name, justify="right" if column.right else "left", overflow="ellipsis", no_wrap=True, min_width=width)
    for row in rows:
        table.add_row(*(plain(cell) for cell in row))
    stdout.print(table)


def plain(text: str, style: str = "") -> Text:
    """Somebody's text as it is, on one line, without anything that a terminal would obey."""
    return Text(text.translate(_CONTROL).replace("\n", " ").replace("\t", " "), style=style)


def block(text: str) -> Text:
    """Somebody's text with its lines, without anything that a terminal would obey."""
    return Text(text.translate(_CONTROL))


def duration(ns: int | None) -> str:
    """A time span in the unit that a person would choose."""
    if ns is None:
        return UNKNOWN
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 10**3)):
        if abs(ns) >= size:
            return f"{ns / size:.3g} {unit}" if abs(ns) < 1000 * size else f"{ns / size:,.0f} {unit}"
    return f"{ns} ns"


def money(micros: int | None, unknown: int = 0) -> str:
    """Micro-dollars as dollars. ``unknown`` calls without a price make it a lower bound."""
    if micros is None:
        return UNKNOWN
    dollars = micros / 1_000_000
    text = f"${dollars:,.2f}" if abs(dollars) >= 1 else f"${dollars:.6f}".rstrip("0").ljust(5, "0")
    return f"≥ {text}" if unknown else text


def number(value: float | int | None) -> str:
    """A count with thousands apart."""
    if value is None:
        return UNKNOWN
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


def tokens(told: Mapping[str, int | None]) -> str:
    """Input and output tokens; unknown where neither was told."""
    known = [count for count in (told["input"], told["output"]) if count is not None]
    return number(sum(known)) if known else UNKNOWN


def moment(ns: int) -> str:
    """An instant in this machine's time zone, to the millisecond."""
    try:
        return datetime.fromtimestamp(ns // 10**9).strftime("%Y-%m-%d %H:%M:%S") + f".{ns % 10**9 // 10**6:03d}"
    except (OverflowError, ValueError, OSError):  # a sender's clock may say anything
        return f"{ns} ns"


def bytes_progress() -> Progress:
    """A progress bar over bytes, on stderr."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    )


def waiting() -> Progress:
    """A progress line for work whose length is not known, on stderr."""
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), console=stderr, transient=True)
