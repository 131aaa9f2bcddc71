"""Production: how much, how well, how fast, for what money, over a window of time against the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from clew.core.clock import NS_PER_DAY, now_ns
from clew.store import Store
from clew.traces.read import attribute_keys, list_traces, overview
from clew.traces.views import Overview
from clew.web.contexts import OverviewPage
from clew.web.filterbox import FilterBox, filter_box
from clew.web.production import chart_cards, empty_overview, group_filter, group_lines, narrowed
from clew.web.render import YEAR_S, Shell, StoreOf, page, project_shell, state_of
from clew.web.urls import Window, read_window, url, with_params
from clew.web.verdicts import Verdict, overview_verdict

NAME = "overview"
STATE = ("q", "window", "from", "to", "by")
GROUPS = ("model", "name", "user", "kind", "service")
PROJECT_COOKIE = "clew_project"


def routes(store_of: StoreOf) -> APIRouter:
    """The routes of the page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/p/{project}")
    def production(request: Request, project: str) -> Response:
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        asked = _asked(request, store, frame, found.id, found.name)
        answer = page("overview.html", frame, _page(request, store, frame, asked))
        answer.set_cookie(PROJECT_COOKIE, quote(found.name, safe=""), max_age=YEAR_S, samesite="lax", path="/")
        return answer

    return router


@dataclass(frozen=True)
class Asked:
    """What the URL asks of the page, and what there is to ask about."""

    project: str
    project_id: int
    path: str
    state: dict[str, str]
    window: Window
    group_by: str
    newest_ns: int | None  # when the newest trace of the project started


def _asked(request: Request, store: Store, frame: Shell, project_id: int, project: str) -> Asked:
    state = state_of(request, *STATE)
    newest = _edge(store, project_id, newest=True)
    if newest is not None and not {"window", "from", "to"} & state.keys() and newest < frame.now_ns - NS_PER_DAY:
        # Nothing in the last day: the day that ends with the newest trace says more than an empty page.
        state = {**state, "from": str(newest + 1 - NS_PER_DAY), "to": str(newest + 1)}
    window = read_window(state, frame.now_ns, frame.zone)
    return Asked(project, project_id, url("/p", project), state, window, state.get("by", "model"), newest)


def _edge(store: Store, project_id: int, *, newest: bool) -> int | None:
    found = list_traces(store, project_id, limit=1, descending=newest).items
    return found[0].root.start_ns if found else None


def _answer(store: Store, asked: Asked, box: FilterBox) -> Overview:
    since, until = asked.window.since_ns, asked.window.until_ns
    if box.mistake or asked.newest_ns is None:
        return empty_overview(now_ns(), asked.group_by)
    if asked.window.text == "all":
        since, until = _edge(store, asked.project_id, newest=False), asked.newest_ns + 1
    return overview(store, asked.project_id, filter_text=box.text, since_ns=since, until_ns=until, group_by=asked.group_by)


def _page(request: Request, store: Store, frame: Shell, asked: Asked) -> OverviewPage:
    kept = {name: value for name, value in asked.state.items() if name != "q"}
    complete = url("/p", asked.project, "complete", scope="trace")
    box = filter_box(asked.state.get("q", ""), "trace", action=asked.path, complete_href=complete, kept=kept)
    found = _answer(store, asked, box)
    home = url("/p", asked.project, "traces")
    within = asked.window.params or {"window": asked.window.text}

    def traces(condition: str = "", window: Mapping[str, str | int] = within) -> str:
        return with_params(home, {**window, "q": narrowed(box.text, condition)})

    unit = found.extra.get("unit", "trace")

    def behind(key: str) -> str:
        """What a line of the table counts: its spans where it counts spans and no filter over traces stands before, else traces."""
        condition = group_filter(asked.group_by, key)
        if unit == "span" and not box.text:
            return with_params(home, {**within, "what": "spans", "q": condition})
        return traces(f"any({condition})" if unit == "span" else condition)

    verdict = overview_verdict(found, "trace", asked.window.words, asked.window.before)
    if asked.newest_ns is None:
        verdict = Verdict("No traces have arrived in this project yet.")
    elif box.mistake:
        verdict = Verdict("This filter cannot be read.")
    return OverviewPage(
        verdict=verdict,
        overview=found,
        path=asked.path,
        state=asked.state,
        box=box,
        window=asked.window,
        noun=unit,
        charts=chart_cards(found, frame.zone, lambda start, end: traces(window={"from": start, "to": end})),
        lines=group_lines(found.groups, lambda key: behind(key) if key else ""),
        group_by=asked.group_by,
        group_options=tuple((key, key, with_params(asked.path, asked.state, by=key)) for key in GROUPS),
        attributes=tuple(attribute_keys(store, asked.project_id)) if asked.newest_ns else (),
        traces_href=traces(),
        failed_href=traces("status = error"),
        newest_ns=asked.newest_ns,
        empty_project=asked.newest_ns is None,
        project=asked.project,
        endpoint=str(request.base_url).rstrip("/"),
    )
