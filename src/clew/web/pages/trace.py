"""One trace: tree and timeline together, one step opened beside it."""

from __future__ import annotations

from clew.traces.views import TraceView
from clew.web import tree
from clew.web.contexts import Chunk, StepDetail, TracePage
from clew.web.urls import url, with_params
from clew.web.verdicts import trace_verdict

STATE = ("span", "fold", "view", "time", "list", "from")
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
    asked = int(state["from"]) // tree.CHUNK if state.get("from", "").isascii() and state.get("from", "").isdigit() else 0
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
