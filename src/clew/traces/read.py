"""The questions that pages, API and command line ask; their answers are the dataclasses of ``views.py``."""

from __future__ import annotations

from clew.traces.read_list import list_spans, list_traces, tail_spans, tail_traces, trace_neighbours
from clew.traces.read_trace import get_span, get_trace, span_logs

__all__ = [
    "get_span",
    "get_trace",
    "list_spans",
    "list_traces",
    "span_logs",
    "tail_spans",
    "tail_traces",
    "trace_neighbours",
]
