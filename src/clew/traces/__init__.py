"""Spans, scores, logs: what was done, what it means, what it cost; stored, found and read.

Owns the tables spans, scores, logs, projects, saved_views and prices. Knows nothing of HTTP, gRPC or pages.
"""

from __future__ import annotations

from clew.traces.outcome import Outcome
from clew.traces.projects import Project, Projects
from clew.traces.wire import Frame

__all__ = ["Frame", "Outcome", "Project", "Projects"]
