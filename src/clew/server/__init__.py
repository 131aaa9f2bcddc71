"""The composition root: settings → store → rooms → pages, API and ingest. The only place that wires."""

from __future__ import annotations

from clew.server.app import App, build
from clew.server.serve import serve

__all__ = ["App", "build", "serve"]
