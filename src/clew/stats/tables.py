"""The rows that reliability, agreement and correction are made from, checked: what is not fit is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from clew.stats.checks import Floats, Whole, as_values


def as_counts(values: ArrayLike, what: str) -> Whole:
    """One row of whole numbers from 0."""
    row = as_values(values, what)
    if (wrong := row[(row < 0) | (row != np.floor(row))]).size:
        raise ValueError(f"found {what} with {float(wrong[0])!r} among them; wanted whole numbers from 0")
    return row.astype(np.int64)


def as_table(counts: ArrayLike, columns: int, what: str) -> Floats:
    """Counts in rows of so many columns, as numbers that can be multiplied."""
    table = np.asarray(counts, dtype=np.float64)
    if table.size == 0:
        return np.zeros((len(table), columns))
    if table.ndim != 2 or table.shape[1] != columns:
        raise ValueError(f"found {what} of shape {table.shape!r}; wanted rows of {columns} counts, one for each label")
    if not ((table >= 0) & (table == np.floor(table)) & np.isfinite(table)).all():
        raise ValueError(f"found {what} with counts that are no whole numbers from 0; wanted only such")
    return table
