"""The filter language: one line of text that says which spans, traces or sessions are meant.

``parse`` reads it, ``compile_filter`` turns it into bound SQL, ``sentence`` into English, ``format_filter`` back into its one spelling, and
``complete`` proposes what could be typed next. The language is written down in ``docs/filter.md``. Nothing here opens a store.
"""

from __future__ import annotations

from clew.core.errors import FilterError
from clew.traces.filter.compile import GroupedSql, Sql, compile_filter, compile_grouped
from clew.traces.filter.complete import Completion, complete
from clew.traces.filter.fields import FIELDS, Field
from clew.traces.filter.parse import parse
from clew.traces.filter.sentence import sentence
from clew.traces.filter.tree import EVERYTHING, And, Count, FieldRef, Node, Not, Or, Scope, Search, Test, Value
from clew.traces.filter.write import format_filter

__all__ = [
    "EVERYTHING",
    "FIELDS",
    "And",
    "Completion",
    "Count",
    "Field",
    "FieldRef",
    "FilterError",
    "GroupedSql",
    "Node",
    "Not",
    "Or",
    "Scope",
    "Search",
    "Sql",
    "Test",
    "Value",
    "compile_filter",
    "compile_grouped",
    "complete",
    "format_filter",
    "parse",
    "sentence",
]
