"""JSON under ``/api/v1``, with an OpenAPI description: what every page shows, in one success form and one error form.

It parses, calls a room and prints. It holds no rule of its own and imports neither pages nor ingest.
"""

from __future__ import annotations

from fastapi import FastAPI

from clew.api import exporting, ledger, prices, projects, reading, saved, scores
from clew.api.errors import install

VERSION = "1"
PREFIX = "/api/v1"

__all__ = ["PREFIX", "VERSION", "mount"]


def mount(asgi: FastAPI) -> None:
    """Adds the API's routes and its error form to the application."""
    install(asgi)
    asgi.include_router(ledger.metrics_router)
    for part in (ledger, projects, scores, reading, exporting, prices, saved):
        asgi.include_router(part.router, prefix=PREFIX)
