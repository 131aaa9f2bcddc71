"""The pages: server-rendered, each a function of its URL and one documented context, usable without a script.

It owns templates, style and the small scripts. It never decides what a trace or a number means: it asks ``traces`` and ``stats`` and
says what they answer. It imports neither the API nor the ingest; what it shows of them comes through the application's state.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request

from clew.store import Store
from clew.web import assets
from clew.web.pages import errors, front, overview, search, sessions, trace, traces
from clew.web.render import StoreOf

__all__ = ["mount", "router"]


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _ledger(request: Request) -> Any:
    ledger = getattr(request.app.state, "ledger", None)
    return ledger() if ledger is not None else None


def router(store_of: StoreOf = _store, ledger_of: front.LedgerOf = _ledger) -> APIRouter:
    """All pages. ``store_of`` gives a request its store, ``ledger_of`` the state of the ingest's ledger (None where there is none)."""
    whole = APIRouter()
    whole.include_router(assets.routes)
    whole.include_router(front.routes(store_of, ledger_of))
    for part in (overview, traces, trace, sessions, search):
        whole.include_router(part.routes(store_of))
    return whole


def mount(asgi: FastAPI) -> None:
    """Adds the pages and their error page to the application, whose state holds ``store`` and ``ledger``."""
    errors.install(asgi)
    asgi.include_router(router())
