"""One trace: tree and timeline together, one step opened beside it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from clew.core.clock import now_ns
from clew.core.errors import InputError
from clew.store import Store
from clew.traces.read import get_span, get_trace, trace_neighbours
from clew.traces.views import TraceView
from clew.web import figures, tree
from clew.web.contexts import Chunk, StepDetail, StepsPart, TracePage
from clew.web.detail import step_detail
from clew.web.filterbox import filter_box
from clew.web.pages.lists import read_carried
from clew.web.recent import Recent
from clew.web.render import StoreOf, page, project_shell, reader_zone, state_of, wants_fragment
from clew.web.urls import read_window, url, with_params
from clew.web.verdicts import trace_verdict

STATE = ("span", "fold", "view", "time", "list", "from")
NAME = "traces"
KEPT, KEPT_S = 8, 30.0  # traces kept for the parts of their pages, and for how long (10,000 spans take some 20 MB)
FIRST_CHUNKS = 2  # chunks that come with the page; the rest when they are near


def folded_of(state: dict[str, str]) -> frozenset[str]:
    """The span ids that the URL says are folded."""
    return frozenset(filter(None, state.get("fold", "").split(",")))


def opened_step(view: TraceView, state: dict[str, str]) -> str:
    """The step to open: the one the URL names, else the first failure's, else the last model call that answered, else the first."""
    ids = {node.span.span_id for node in view.nodes}
    if state.get("span") in ids:
        return state["span"]
    failed = [node for node in view.nodes if node.span.status == "error"]
    if failed:
        return max(failed, key=lambda node: (node.depth, -node.span.start_ns)).span.span_id
    calls = [node for node in view.nodes if node.span.kind == "LLM"]
    if calls:
        return max(calls, key=lambda node: node.span.start_ns).span.span_id
    return view.nodes[0].span.span_id if view.nodes else ""


def chunks_of(view: TraceView, state: dict[str, str], path: str, picked: str) -> tuple[tuple[Chunk, ...], int]:
    """The tree in chunks, those loaded that come with the page, and how many steps there are as it is folded."""
    places = tree.visible(view.nodes, folded_of(state))
    starts = range(0, len(places), tree.CHUNK)
    asked = first_step(state) // tree.CHUNK
    at = next((index // tree.CHUNK for index, (place, _) in enumerate(places) if view.nodes[place].span.span_id == picked), 0)
    loaded = {*range(asked, asked + FIRST_CHUNKS), at}
    found = []
    for number, first in enumerate(starts):
        part = places[first : first + tree.CHUNK]
        steps = tuple(tree.lay_out(view.nodes, part, view.start_ns, view.end_ns)) if number in loaded else ()
        href = with_params(path + "/steps", state, **{"from": first, "span": None})
        found.append(Chunk(first, len(part), href, with_params(path, state, **{"from": first}), steps))
    return tuple(found), len(places)


def trace_page(
    view: TraceView, state: dict[str, str], detail: StepDetail | None, *, neighbours: tuple[str | None, str | None], list_words: str
) -> TracePage:
    """The context of the page, from the trace and the URL's state."""
    path = url("/p", view.project, "traces", view.trace_id)
    picked = detail.span.span_id if detail else ""
    chunks, shown = chunks_of(view, state, path, picked)
    foldable = tree.foldable(view.nodes)
    folded = folded_of(state)
    asked = state.get("list", "")
    home = url("/p", view.project, "traces")

    def neighbour(trace_id: str | None) -> str:
        return url("/p", view.project, "traces", trace_id, list=asked, time=state.get("time")) if trace_id else ""

    return TracePage(
        verdict=trace_verdict(view),
        view=view,
        ticks=tuple(tree.ticks(view.end_ns - view.start_ns)),
        chunks=chunks,
        shown=shown,
        kinds=tree.kinds_of(view.nodes),
        own_time=state.get("time") == "own",
        picked=picked,
        detail=detail,
        state=state,
        path=path,
        list_href=f"{home}?{asked}" if asked else home,
        list_words=list_words,
        previous=neighbour(neighbours[0]),
        following=neighbour(neighbours[1]),
        session_href=url("/p", view.project, "sessions", view.row.root.session_id),
        fold_all=with_params(path, state, fold=",".join(foldable)) if len(foldable) > 1 and not folded and len(foldable) <= 150 else "",
        unfold_all=with_params(path, state, fold=None) if folded else "",
    )


def routes(store_of: StoreOf) -> APIRouter:
    """The routes of the page and of its parts."""
    router = APIRouter(include_in_schema=False)
    recent: Recent[TraceView] = Recent(KEPT, KEPT_S)

    def read(store: Store, project_id: int, trace_id: str, *, part: bool) -> TraceView:
        """The trace; a part of a page is cut from what the page was made of, where that is not old."""
        key = (project_id, trace_id)
        return (recent.get(key) if part else None) or recent.put(key, get_trace(store, project_id, trace_id))

    @router.get("/p/{project}/traces/{trace_id}")
    def trace(request: Request, project: str, trace_id: str) -> Response:
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        view = read(store, found.id, trace_id, part=wants_fragment(request))
        state = state_of(request, *STATE)
        detail = _detail(store, found.id, view, state)
        if wants_fragment(request) and request.headers.get("hx-target") == "detail":
            context = trace_page(view, state, detail, neighbours=(None, None), list_words="")
            return page("detail.html", frame, context)
        neighbours, words = _in_list(request, store, found.id, view.trace_id, state)
        return page("trace.html", frame, trace_page(view, state, detail, neighbours=neighbours, list_words=words))

    @router.get("/p/{project}/traces/{trace_id}/steps")
    def steps(request: Request, project: str, trace_id: str) -> Response:
        store = store_of(request)
        frame, found = project_shell(request, store, NAME, project)
        view = read(store, found.id, trace_id, part=True)
        return page("steps.html", frame, steps_part(view, state_of(request, *STATE)))

    return router


def steps_part(view: TraceView, state: dict[str, str]) -> StepsPart:
    """One chunk of a long tree; ``from`` says which."""
    path = url("/p", view.project, "traces", view.trace_id)
    places = tree.visible(view.nodes, folded_of(state))
    first = first_step(state)
    chunk = places[first : first + tree.CHUNK]
    kept = {name: value for name, value in state.items() if name != "from"}
    return StepsPart(tuple(tree.lay_out(view.nodes, chunk, view.start_ns, view.end_ns)), kept, path, "", state.get("time") == "own")


def first_step(state: dict[str, str]) -> int:
    """The place in the tree that the URL asks for, at the start of a chunk. Raises InputError."""
    text = state.get("from", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError(f"from {text[:40]!r}; wanted the number of a step, from 0")
    return int(text) // tree.CHUNK * tree.CHUNK


def _detail(store: Store, project_id: int, view: TraceView, state: dict[str, str]) -> StepDetail | None:
    picked = opened_step(view, state)
    node = next((each for each in view.nodes if each.span.span_id == picked), None)
    if node is None:
        return None
    opened = get_span(store, project_id, view.trace_id, picked)
    path = url("/p", view.project, "traces", view.trace_id)
    return step_detail(opened, self_ns=node.self_ns, project=view.project, path=path, state=state)


def _in_list(
    request: Request, store: Store, project_id: int, trace_id: str, state: dict[str, str]
) -> tuple[tuple[str | None, str | None], str]:
    """The neighbours in the list one came from, and that list in a few words. A list that cannot be read has neither."""
    asked = read_carried(state.get("list", ""))
    spans = asked.get("what") == "spans"
    box = filter_box(asked.get("q", ""), "span" if spans else "trace", action="", complete_href="", kept={})
    if box.mistake or spans:
        return (None, None), ""
    zone, _ = reader_zone(request)
    try:
        window = read_window(asked, now_ns(), zone, "all")
        neighbours = trace_neighbours(
            store,
            project_id,
            trace_id,
            filter_text=box.text,
            since_ns=window.since_ns,
            until_ns=window.until_ns,
            sort=asked.get("sort", "start"),
            descending=asked.get("dir") != "asc",
        )
    except InputError:
        return (None, None), ""
    return neighbours, figures.clip(box.sentence, 60)
