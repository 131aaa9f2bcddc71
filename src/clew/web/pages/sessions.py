"""Sessions, and one session as the conversation it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from clew.store import Store
from clew.traces.filter.write import quoted
from clew.traces.meaning import meaning_of
from clew.traces.read import get_session, get_span, list_sessions, list_spans, list_traces
from clew.traces.views import Page, SessionRow, SessionView
from clew.traces.views import Turn as SessionTurn
from clew.web import columns
from clew.web.contexts import ListState, Part, SessionPage, SessionsPage, Turn, Visit
from clew.web.detail import FOLD_ABOVE, bounded, conversation
from clew.web.pages.lists import PAGE, list_state
from clew.web.render import StoreOf, page, project_shell, wants_fragment
from clew.web.urls import name_of, url, with_params
from clew.web.verdicts import Verdict, session_verdict, sessions_verdict

NAME = "sessions"
WHOLE_TRACES = 6  # a session of more traces shows what went into and came out of each, not every message
NOTHING: Page[Any] = Page((), None, "")


def routes(store_of: StoreOf) -> APIRouter:
    """The routes of both pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/p/{project}/sessions")
    def sessions(request: Request, project: str) -> Response:
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        state = list_state(request, frame, NAME, "session", columns.SESSIONS)
        context = _list(request, store, found.id, state, found.name)
        return page("session_rows.html" if wants_fragment(request) else "sessions.html", frame, context)

    @router.get("/p/{project}/sessions/{session}")
    def session(request: Request, project: str, session: str) -> Response:
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        view = get_session(store, found.id, name_of(session))
        whole = {}
        if len(view.turns) <= WHOLE_TRACES:
            whole = {turn.trace.root.trace_id: whole_talk(store, found.id, turn.trace.root.trace_id) for turn in view.turns}
        return page("session.html", frame, session_page(view, whole))

    return router


def _list(request: Request, store: Store, project_id: int, state: ListState, project: str) -> SessionsPage:
    found: Page[SessionRow] = NOTHING
    if not state.box.mistake:
        found = list_sessions(
            store,
            project_id,
            filter_text=state.box.text,
            since_ns=state.window.since_ns,
            until_ns=state.window.until_ns,
            sort=state.sort,
            descending=state.descending,
            cursor=state.state.get("after"),
            limit=PAGE,
        )
    empty = not found.items and not list_traces(store, project_id, limit=1).items
    verdict = sessions_verdict(found.items, state.window.words, state.box.sentence, found.next is not None)
    if empty:
        verdict = Verdict("No traces have arrived in this project yet.")
    elif state.box.mistake:
        verdict = Verdict("This filter cannot be read.")
    return SessionsPage(
        verdict=verdict,
        list=state,
        rows=found.items,
        here=with_params(state.path, state.state),
        more=with_params(state.path, state.state, after=found.next) if found.next else "",
        project=project,
        empty_project=empty,
        endpoint=str(request.base_url).rstrip("/"),
    )


def whole_talk(store: Store, project_id: int, trace_id: str) -> tuple[Turn, ...]:
    """All that was said in a trace, tools included: the last model call was asked with it, and its answer ends it."""
    last = list_spans(store, project_id, filter_text=f"trace = {trace_id} and kind = LLM", limit=1).items
    if not last:
        return ()
    opened = get_span(store, project_id, trace_id, last[0].span_id)
    earlier, now = conversation(meaning_of(opened))
    turns = (*earlier, *now)
    return turns if sum(1 for turn in turns if turn.role == "user") > 1 or any(turn.role == "tool" for turn in turns) else ()


def session_page(view: SessionView, whole: Mapping[str, tuple[Turn, ...]]) -> SessionPage:
    """The context of one session. ``whole`` holds the full conversation of those traces where it is known."""
    visits = []
    shown: set[tuple[str, tuple[Part, ...]]] = set()
    for each in view.turns:
        turns = fresh(whole.get(each.trace.root.trace_id, ()), shown)
        shown |= {(turn.role, turn.parts) for turn in turns}
        visits.append(visit(view.project, each, turns))
    asked = sum(1 for each in visits for turn in each.turns if turn.role == "user")
    scores = (*view.scores, *(score for each in visits for score in each.row.scores))
    return SessionPage(
        verdict=session_verdict(view.row, asked or len(visits), scores),
        row=view.row,
        visits=tuple(visits),
        remark="what went in and what came out, in order" if len(visits) > 1 else "",
        traces_href=url("/p", view.project, "traces", q=f"session = {quoted(view.row.session_id)}"),
        project=view.project,
    )


def fresh(turns: Sequence[Turn], shown: Collection[tuple[str, tuple[Part, ...]]]) -> tuple[Turn, ...]:
    """Those turns that are new: a later trace is asked with all that was said before, under instructions that may have changed.

    The user's last words are new in any case.
    """
    if shown:
        turns = [turn for turn in turns if turn.role != "system"]
    last = max((at for at, turn in enumerate(turns) if turn.role == "user"), default=len(turns))
    first = next((at for at, turn in enumerate(turns) if at >= last or (turn.role, turn.parts) not in shown), len(turns))
    return tuple(turns[first:])


def visit(project: str, turn: SessionTurn, whole: tuple[Turn, ...]) -> Visit:
    """One trace of a session with what was said in it: the whole of it, or what went into and came out of its root."""
    root = turn.trace.root
    href = url("/p", project, "traces", root.trace_id)
    if whole:
        return Visit(turn.trace, href, whole)
    said = []
    if turn.input_text.strip():
        said.append(Turn("user", (Part("text", bounded(turn.input_text)),), who=root.user_id, folded=len(turn.input_text) > 3 * FOLD_ABOVE))
    if turn.output_text.strip():
        said.append(Turn("assistant", (Part("text", bounded(turn.output_text)),), who=root.agent_name))
    return Visit(turn.trace, href, tuple(said))
