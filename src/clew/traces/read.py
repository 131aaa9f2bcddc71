"""The questions that pages, API and command line ask; their answers are the dataclasses of ``views.py``."""

from __future__ import annotations

from clew.traces.read_list import list_spans, list_traces, tail_spans, tail_traces, trace_neighbours
from clew.traces.read_overview import overview
from clew.traces.read_search import attribute_keys, search
from clew.traces.read_sessions import get_session, list_sessions
from clew.traces.read_trace import get_span, get_trace, span_logs

__all__ = [
    "attribute_keys",
    "get_session",
    "get_span",
    "get_trace",
    "list_sessions",
    "list_spans",
    "list_traces",
    "overview",
    "search",
    "span_logs",
    "tail_spans",
    "tail_traces",
    "trace_neighbours",
]
