"""Search: any text in what went in or came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from clew.store import Store
from clew.traces.read import search
from clew.traces.views import Hit, Page, Snippet
from clew.web.contexts import Found, Piece, SearchPage
from clew.web.pages.lists import PAGE
from clew.web.render import Shell, StoreOf, page, project_shell, state_of, wants_fragment
from clew.web.urls import read_window, url, with_params
from clew.web.verdicts import search_verdict

NAME = "search"
STATE = ("q", "window", "from", "to", "after")
NOTHING: Page[Any] = Page((), None, "")


def routes(store_of: StoreOf) -> APIRouter:
    """The routes of the page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/p/{project}/search")
    def find(request: Request, project: str) -> Response:
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        context = _page(request, store, frame, found.id, found.name)
        return page("hits.html" if wants_fragment(request) else "search.html", frame, context)

    return router


def _page(request: Request, store: Store, frame: Shell, project_id: int, project: str) -> SearchPage:
    state = state_of(request, *STATE)
    text = state.get("q", "")
    window = read_window(state, frame.now_ns, frame.zone, "all")
    hits: Page[Hit] = NOTHING
    if text.strip():
        after = state.get("after")
        hits = search(store, project_id, text, since_ns=window.since_ns, until_ns=window.until_ns, cursor=after, limit=PAGE)
    path = url("/p", project, NAME)
    return SearchPage(
        verdict=search_verdict(text, len(hits.items), hits.next is not None, window.words),
        text=text,
        path=path,
        state=state,
        window=window,
        hits=by_trace(hits.items, project),
        more=with_params(path, state, after=hits.next) if hits.next else "",
        project=project,
    )


def by_trace(hits: Sequence[Hit], project: str) -> tuple[Found, ...]:
    """One entry a trace, in the order found: its earliest span here, for the later ones only carry the same words along."""
    traces: dict[str, list[Hit]] = {}
    for hit in hits:
        traces.setdefault(hit.span.trace_id, []).append(hit)
    return tuple(_found(min(found, key=lambda hit: hit.span.start_ns), project, len(found) - 1) for found in traces.values())


def _found(hit: Hit, project: str, also: int) -> Found:
    href = url("/p", project, "traces", hit.span.trace_id, span=hit.span.span_id)
    return Found(hit.span, href, tuple((each.column, pieces(each)) for each in hit.snippets), also)


def pieces(snippet: Snippet) -> tuple[Piece, ...]:
    """A snippet in three pieces, the middle one what was searched for; dots where it was cut."""
    before = ("…" if snippet.cut_before else "") + snippet.text[: snippet.start]
    after = snippet.text[snippet.end :] + ("…" if snippet.cut_after else "")
    parts = ((before, False), (snippet.text[snippet.start : snippet.end], True), (after, False))
    return tuple((text, found) for text, found in parts if text)
