"""Clew keeps one thread of evidence from what customers say to what shipped AI did for the business.

``import clew`` is the light client for one's own program; see ``docs/client.md``.
The server is ``clew serve`` and needs ``pip install "clew[server]"``.
"""

from clew.client import (
    Delivery,
    Limits,
    SpanHandle,
    current_trace_id,
    delivery,
    flush,
    init,
    score,
    session,
    shutdown,
    span,
    trace,
    user,
)

__all__ = [
    "Delivery",
    "Limits",
    "SpanHandle",
    "current_trace_id",
    "delivery",
    "flush",
    "init",
    "score",
    "session",
    "shutdown",
    "span",
    "trace",
    "user",
]
