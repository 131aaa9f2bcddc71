"""What people import into their own program (``import clew``): export of spans to Clew, ``@trace``, ``span``, ``score``.

Owns nothing but a bounded buffer and one background thread. Imports the standard library only until ``init`` is called,
and never raises into, waits for or fills the memory of the application around it, whether Clew is there or not.
"""

from clew.client.decorate import trace
from clew.client.handle import SpanHandle, session, span, user
from clew.client.lifecycle import current_trace_id, delivery, flush, init, shutdown
from clew.client.scores import score
from clew.client.sender import Delivery
from clew.client.settings import Limits

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
