"""The way in: the front page, the theme, the ledger of what came in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from clew.core.errors import NotFound
from clew.traces.projects import Projects
from clew.web import figures
from clew.web.contexts import Account, FrontPage, IngestPage
from clew.web.render import THEME_COOKIE, THEMES, YEAR_S, StoreOf, page, shell
from clew.web.urls import safe_back, url
from clew.web.verdicts import Verdict

SIGNAL_WORDS = {"spans": "Spans", "logs": "Log records", "scores": "Scores"}

LedgerOf = Callable[[Request], Any]


def routes(store_of: StoreOf, ledger_of: LedgerOf) -> APIRouter:
    """The routes of the front."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def front(request: Request) -> Response:
        projects = Projects(store_of(request)).all()
        if projects:
            last = unquote(request.cookies.get("clew_project", ""))
            names = [project.name for project in projects]
            return RedirectResponse(url("/p", last if last in names else names[0]), 307)
        context = FrontPage(Verdict("Nothing has arrived yet."), "", str(request.base_url).rstrip("/"))
        return page("front.html", shell(request, "front"), context)

    @router.post("/theme")
    def theme(to: Annotated[str, Form()] = "system", back: Annotated[str, Form()] = "/") -> Response:
        answer = RedirectResponse(safe_back(back), 303)
        answer.set_cookie(THEME_COOKIE, to if to in THEMES else "system", max_age=YEAR_S, samesite="lax", path="/")
        return answer

    @router.get("/ingest")
    def ingest(request: Request) -> Response:
        ledger = ledger_of(request)
        if ledger is None:
            raise NotFound("this server takes nothing in, so it keeps no ledger; start it with 'clew serve'")
        projects = Projects(store_of(request)).all()
        names = tuple(sorted(project.name for project in projects))
        return page("ingest.html", shell(request, "ingest", names[0] if names else "", names), ingest_page(ledger))

    return router


def ingest_page(ledger: Any) -> IngestPage:
    """The context from the ledger's state."""
    accounts = tuple(
        Account(SIGNAL_WORDS.get(signal, signal), each.received, each.stored, each.duplicates, dict(each.refused))
        for signal, each in ledger.accounts.items()
    )
    received = sum(each.received for each in accounts)
    stored = sum(each.stored for each in accounts)
    refused = sum(sum(each.refused.values()) for each in accounts)
    balanced = all(each.received == each.stored + each.duplicates + sum(each.refused.values()) for each in accounts)
    if not received:
        verdict = Verdict("Nothing has come in since the server started.")
    elif refused:
        verdict = Verdict(
            f"{figures.count(stored)} of {figures.count(received)} records are stored; {figures.count(refused)} were refused.", "bad"
        )
    else:
        known = sum(each.duplicates for each in accounts)
        tail = f"; {figures.count(known)} of them were known already" if known else ""
        verdict = Verdict(f"All {figures.count(received)} records that came in are stored{tail}.", "good")
    return IngestPage(verdict, ledger, accounts, balanced)
