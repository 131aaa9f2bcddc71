"""The list of traces, or of spans."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from clew.store import Store
from clew.traces.filter import Scope, complete
from clew.traces.read import list_spans, list_traces, overview
from clew.traces.saved_views import remove_view, save_view, views_of
from clew.traces.views import Page, SpanRow, TraceRow
from clew.web import columns
from clew.web.contexts import FrontPage, ListState, SavedView, TracesPage
from clew.web.pages.lists import PAGE, carried, list_state
from clew.web.render import StoreOf, page, path_of, project_shell, wants_fragment
from clew.web.urls import url, with_params
from clew.web.verdicts import Verdict, counted_verdict, list_verdict

NAME = "traces"
NOTHING: Page[Any] = Page((), None, "")


def routes(store_of: StoreOf) -> APIRouter:
    """The routes of the list."""
    router = APIRouter(include_in_schema=False)

    @router.get("/p/{project}/traces")
    def traces(request: Request, project: str) -> Response:
        if "col" in request.query_params:  # a form without script sends one parameter a box
            return RedirectResponse(_with_columns(request), 303)
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        spans = request.query_params.get("what") == "spans"
        state = list_state(request, frame, NAME, "span" if spans else "trace", columns.SPANS if spans else columns.TRACES)
        context = _context(request, store, found.id, state, found.name, spans)
        return page("rows.html" if wants_fragment(request) else "traces.html", frame, context)

    @router.get("/p/{project}/verdict")
    def verdict(request: Request, project: str) -> Response:
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        state = list_state(request, frame, NAME, "trace", columns.TRACES)
        return page("verdict.html", frame, FrontPage(exact_verdict(store, found.id, state), found.name, ""))

    @router.get("/p/{project}/complete")
    def completions(q: str = "", at: int = 0, scope: Scope = "trace") -> JSONResponse:
        proposals = complete(q[:4_000], at, scope)
        return JSONResponse([{"text": p.text, "start": p.start, "end": p.end, "kind": p.kind, "help": p.help} for p in proposals[:40]])

    @router.post("/p/{project}/views")
    def save(request: Request, project: str, name: Annotated[str, Form()] = "", query: Annotated[str, Form()] = "") -> Response:
        store = store_of(request)
        _, found = project_shell(request, store, NAME, project)
        save_view(store, found.id, NAME, name, query)
        return RedirectResponse(f"{url('/p', found.name, NAME)}?{query}", 303)

    @router.post("/p/{project}/views/{view}/remove")
    def remove(request: Request, project: str, view: str) -> Response:
        store = store_of(request)
        _, found = project_shell(request, store, NAME, project)
        gone = remove_view(store, found.id, view)
        return RedirectResponse(url("/p", found.name, NAME, gone=gone["name"], gone_query=gone["query"]), 303)

    return router


def _with_columns(request: Request) -> str:
    kept = {name: value for name, value in request.query_params.items() if name != "col"}
    return with_params(path_of(request), {**kept, "cols": ",".join(request.query_params.getlist("col"))})


def list_question(state: ListState) -> dict[str, Any]:
    """What a list asks of the store."""
    return {
        "filter_text": state.box.text,
        "since_ns": state.window.since_ns,
        "until_ns": state.window.until_ns,
        "sort": state.sort,
        "descending": state.descending,
        "cursor": state.state.get("after"),
        "limit": PAGE,
    }


def _context(request: Request, store: Store, project_id: int, state: ListState, project: str, spans: bool) -> TracesPage:
    asked = list_question(state)
    traces: Page[TraceRow] = NOTHING if spans or state.box.mistake else list_traces(store, project_id, **asked)
    rows: Page[SpanRow] = list_spans(store, project_id, **asked) if spans and not state.box.mistake else NOTHING
    shown, following = len(traces.items) + len(rows.items), traces.next or rows.next
    newest = None if shown else next(iter(list_traces(store, project_id, limit=1).items), None)
    query = carried(state.state)
    live = state.state.get("live") == "1"
    gone = request.query_params.get("gone")
    return TracesPage(
        verdict=_verdict(state, spans, shown, following is not None, empty=not shown and newest is None),
        verdict_href="" if spans or live or not following else url("/p", project, "verdict", **_kept(state)),
        list=state,
        spans=spans,
        traces=traces.items,
        rows=rows.items,
        names_differ=len({row.root.name for row in traces.items}) > 1,
        here=with_params(state.path, state.state),
        more=with_params(state.path, state.state, after=following) if following else "",
        live=live,
        live_href=with_params(state.path, state.state, live=None if live else "1", after=None),
        views=tuple(
            SavedView(view["id"], view["name"], view["query"], f"{state.path}?{view['query']}", view["query"] == query)
            for view in views_of(store, project_id, NAME)
        ),
        gone=(gone[:80], request.query_params.get("gone_query", "")) if gone else None,
        project=project,
        list_query=query,
        newest_ns=newest.root.start_ns if newest else None,
        empty_project=not shown and newest is None,
        endpoint=str(request.base_url).rstrip("/"),
    )


def _kept(state: ListState) -> dict[str, str]:
    return {name: state.state[name] for name in ("q", "window", "from", "to") if name in state.state}


def exact_verdict(store: Store, project_id: int, state: ListState) -> Verdict:
    """How many traces the list holds in all and how many failed. Raises InputError where the list is too long to count."""
    since, until = state.window.since_ns, state.window.until_ns
    if since is None:
        oldest = list_traces(store, project_id, descending=False, limit=1).items
        since = oldest[0].root.start_ns if oldest else None
    found = overview(store, project_id, filter_text=state.box.text, since_ns=since, until_ns=until, group_by="kind")
    return counted_verdict("trace", state.box.sentence, state.window.words, found.traces, found.total.error_share.count)


def _verdict(state: ListState, spans: bool, shown: int, more: bool, *, empty: bool) -> Verdict:
    if empty:
        return Verdict("No traces have arrived in this project yet.")
    if state.box.mistake:
        return Verdict("This filter cannot be read.")
    return list_verdict("span" if spans else "trace", state.box.sentence, state.window.words, shown, more)
