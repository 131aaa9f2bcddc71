"""An Arrow table as lists of plain values, a column at a time: a trace of 100,000 spans has four million cells, most of them alike."""

from __future__ import annotations

from array import array
from typing import Any, Literal

import pyarrow as pa

# Arrow's own way to numbers (``to_numpy``) imports pandas where it is installed: seconds at the first page, and 60 MB.
_WHOLE: dict[pa.DataType, Literal["q", "Q", "i", "I", "B"]] = {
    pa.int64(): "q",
    pa.uint64(): "Q",
    pa.int32(): "i",
    pa.uint32(): "I",
    pa.uint8(): "B",
}


def plain_columns(table: pa.Table) -> dict[str, list[Any]]:
    """The columns of a table by name."""
    return {name: _values(column) for name, column in zip(table.column_names, table.columns, strict=True)}


def _values(column: pa.ChunkedArray) -> list[Any]:
    if column.null_count == len(column):
        return [None] * len(column)
    if column.null_count == 0 and column.type in _WHOLE:
        return [value for chunk in column.chunks for value in _whole(chunk)]
    plain: list[Any] = column.to_pylist()
    return plain


def _whole(chunk: pa.Array) -> list[int]:
    """The whole numbers of a chunk, from its memory."""
    values, buffer = array(_WHOLE[chunk.type]), chunk.buffers()[1]
    if buffer is not None:
        values.frombytes(memoryview(buffer)[chunk.offset * values.itemsize : (chunk.offset + len(chunk)) * values.itemsize])
    return values.tolist()
