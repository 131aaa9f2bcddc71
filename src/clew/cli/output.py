"""What commands print: tables for people on stdout, JSON on request, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

stdout = Console(highlight=False, soft_wrap=False)
stderr = Console(stderr=True, highlight=False)

GAP = 2  # cells between two columns of a table
CUT_LEAST = 8  # cells that a column keeps on the narrowest screen
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
    widths = column_widths(columns, rows, screen_width())
    lines = [(plain(column.name, style="bold") for column in columns), *((plain(cell) for cell in row) for row in rows)]
    for cells in lines:
        fitted = [fit(cell, width, right=column.right) for cell, width, column in zip(cells, widths, columns, strict=True)]
        line = Text(" " * GAP).join(fitted)
        line.rstrip()
        # Where the screen is too narrow for what must not be cut, the terminal breaks the line; nothing is lost.
        stdout.print(line, soft_wrap=True)


def screen_width() -> int:
    """The screen's width; a pipe has none, and gets every cell whole."""
    return stdout.width if stdout.is_terminal or "COLUMNS" in os.environ else sys.maxsize


def fit(cell: Text, width: int, *, right: bool) -> Text:
    """The cell, exactly so wide."""
    cell.truncate(width, overflow="ellipsis")
    missing = width - cell.cell_len
    if right:
        cell.pad_left(missing)
    else:
        cell.pad_right(missing)
    return cell


def column_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], screen: int) -> list[int]:
    """How wide each column is: what must not be cut as wide as it is, the others share the rest of the screen, none more than it needs."""
    widths = [max([cell_len(column.name), *(cell_len(row[place]) for row in rows)]) for place, column in enumerate(columns)]
    cut = sorted((place for place, column in enumerate(columns) if column.cut), key=lambda place: widths[place])
    rest = screen - GAP * (len(columns) - 1) - sum(width for place, width in enumerate(widths) if not columns[place].cut)
    for left, place in enumerate(cut):
        widths[place] = min(widths[place], max(rest // (len(cut) - left), CUT_LEAST))
        rest -= widths[place]
    return widths


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
