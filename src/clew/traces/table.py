"""An Arrow table as dicts, faster than Arrow does it: a trace of 100,000 spans has four million cells, most of them alike."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def plain_rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a table as dicts of plain Python values."""
    names = table.column_names
    return [dict(zip(names, cells, strict=True)) for cells in zip(*(_values(column) for column in table.columns), strict=True)]


def _values(column: pa.ChunkedArray) -> list[Any]:
    if column.null_count == len(column):
        return [None] * len(column)
    if column.null_count == 0 and pa.types.is_integer(column.type):
        values: list[Any] = column.to_numpy().tolist()
        return values
    plain: list[Any] = column.to_pylist()
    return plain
