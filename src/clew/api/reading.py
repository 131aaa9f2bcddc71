"""Traces, spans, sessions, search and the overview: the pages' contents as JSON, page by page through cursors."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from clew.api.common import CURSOR_FORM, MAX_NS, Cursor, Filter, Limit, ProjectIn, SpanId, StoreIn, TraceId, WindowIn
from clew.api.errors import ANSWERS
from clew.api.span import SpanAnswer, span_answer
from clew.traces import read
from clew.traces.export import trace_message
from clew.traces.filter import complete
from clew.traces.otlp import traces_to_json
from clew.traces.views import Hit, Overview, SessionRow, SessionView, SpanRow, TraceRow, TraceView

router = APIRouter(prefix="/projects/{project}", responses=ANSWERS)
PROTOBUF = "application/x-protobuf"


class PageAnswer(BaseModel):
    """One page of a list: ``next`` is the cursor of the page behind, null at the end; ``sentence`` is the filter in words."""

    next: str | None
    sentence: str


class TracePage(PageAnswer):
    """Traces."""

    items: list[TraceRow]


class SpanPage(PageAnswer):
    """Spans."""

    items: list[SpanRow]


class SessionPage(PageAnswer):
    """Sessions."""

    items: list[SessionRow]


class HitPage(PageAnswer):
    """Spans in which the text was found, with the text around it."""

    items: list[Hit]


class Neighbours(BaseModel):
    """The traces before and after one in a list."""

    before: str | None
    after: str | None


class CompletionAnswer(BaseModel):
    """One proposal: put ``text`` in the place of the characters from ``start`` to ``end``."""

    text: str
    start: int
    end: int
    kind: str
    help: str


Sort = Literal["start", "latency", "cost", "tokens", "errors"]
SessionSort = Literal["end", "start", "latency", "traces", "cost", "tokens", "errors"]
Descending = Annotated[bool, Query(description="newest or largest first")]
AFTER_WORDS = "``next`` of the answer before; without it, the place to begin"
After = Annotated[str | None, Query(max_length=4000, description=AFTER_WORDS, json_schema_extra=CURSOR_FORM)]


@router.get("/traces", summary="A page of traces", tags=["traces"])
def traces(
    store: StoreIn,
    project: ProjectIn,
    window: WindowIn,
    sort: Sort = "start",
    descending: Descending = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> TracePage:
    """The traces that start in the window, each with the sums over all of its spans."""
    page = read.list_traces(store, project.id, **window.asked, sort=sort, descending=descending, cursor=cursor, limit=limit)
    return TracePage.model_construct(items=list(page.items), next=page.next, sentence=page.sentence)


@router.get("/spans", summary="A page of spans", tags=["traces"])
def spans(
    store: StoreIn,
    project: ProjectIn,
    window: WindowIn,
    sort: Sort = "start",
    descending: Descending = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> SpanPage:
    """The spans that start in the window."""
    page = read.list_spans(store, project.id, **window.asked, sort=sort, descending=descending, cursor=cursor, limit=limit)
    return SpanPage.model_construct(items=list(page.items), next=page.next, sentence=page.sentence)


@router.get("/tail/traces", summary="The traces that got spans since the last call", tags=["traces"])
def tail_traces(store: StoreIn, project: ProjectIn, filter: Filter = "", after: After = None, limit: Limit = 50) -> TracePage:  # noqa: A002
    """The newest first. ``next`` is always given, for the next call."""
    page = read.tail_traces(store, project.id, filter_text=filter, after=after, limit=limit)
    return TracePage.model_construct(items=list(page.items), next=page.next, sentence=page.sentence)


@router.get("/tail/spans", summary="The spans that arrived since the last call", tags=["traces"])
def tail_spans(store: StoreIn, project: ProjectIn, filter: Filter = "", after: After = None, limit: Limit = 50) -> SpanPage:  # noqa: A002
    """The newest first. ``next`` is always given, for the next call."""
    page = read.tail_spans(store, project.id, filter_text=filter, after=after, limit=limit)
    return SpanPage.model_construct(items=list(page.items), next=page.next, sentence=page.sentence)


@router.get("/traces/{trace_id}", summary="One trace as a tree", tags=["traces"])
def trace(store: StoreIn, project: ProjectIn, trace_id: TraceId) -> TraceView:
    """Every span of the trace in tree order, with what only the tree can tell."""
    return read.get_trace(store, project.id, trace_id.lower())


@router.get(
    "/traces/{trace_id}/otlp",
    summary="One trace as it was sent",
    tags=["traces"],
    response_class=Response,
    responses={200: {"content": {"application/json": {}, PROTOBUF: {}}}},
)
def trace_otlp(store: StoreIn, project: ProjectIn, trace_id: TraceId, form: Literal["json", "protobuf"] = "json") -> Response:
    """The original OTLP record: attributes untouched, links, events, resource, scope, nanoseconds."""
    message = trace_message(store, project.id, trace_id.lower())
    if form == "protobuf":
        return Response(message.SerializeToString(), media_type=PROTOBUF)
    return Response(traces_to_json(message), media_type="application/json")


@router.get("/traces/{trace_id}/neighbours", summary="The traces beside one in a list", tags=["traces"])
def neighbours(
    store: StoreIn,
    project: ProjectIn,
    trace_id: TraceId,
    window: WindowIn,
    sort: Sort = "start",
    descending: Descending = True,
) -> Neighbours:
    """In the list that the same filter, window and order give."""
    before, after = read.trace_neighbours(store, project.id, trace_id.lower(), **window.asked, sort=sort, descending=descending)
    return Neighbours(before=before, after=after)


@router.get("/traces/{trace_id}/spans/{span_id}", summary="One span, whole", tags=["traces"])
def span(store: StoreIn, project: ProjectIn, trace_id: TraceId, span_id: SpanId) -> SpanAnswer:
    """The row, the canonical record (messages, tools, documents, tokens, cost) and the record as it was sent."""
    return span_answer(read.get_span(store, project.id, trace_id.lower(), span_id.lower()))


@router.get("/sessions", summary="A page of sessions", tags=["sessions"])
def sessions(
    store: StoreIn,
    project: ProjectIn,
    window: WindowIn,
    sort: SessionSort = "end",
    descending: Descending = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> SessionPage:
    """The sessions that were at work in the window, each with sums over its traces."""
    page = read.list_sessions(store, project.id, **window.asked, sort=sort, descending=descending, cursor=cursor, limit=limit)
    return SessionPage.model_construct(items=list(page.items), next=page.next, sentence=page.sentence)


@router.get("/sessions/{session_id:path}", summary="One session as a conversation", tags=["sessions"])
def session(store: StoreIn, project: ProjectIn, session_id: str) -> SessionView:
    """Its traces in order, with what went in and came out of each."""
    return read.get_session(store, project.id, session_id)


@router.get("/overview", summary="A window of time against the one before", tags=["overview"])
def overview(
    store: StoreIn,
    project: ProjectIn,
    window: WindowIn,
    group_by: Annotated[str, Query(max_length=200, description="model, name, user, kind, service, or attr.KEY")] = "model",
    step_ns: Annotated[int | None, Query(ge=1, le=MAX_NS, description="length of one step of the time axis")] = None,
) -> Overview:
    """Volume, errors, latency percentiles with intervals, tokens and cost, over time and by group. The last 24 hours unless told."""
    return read.overview(store, project.id, **window.asked, group_by=group_by, step_ns=step_ns)


@router.get("/search", summary="Spans whose input or output holds a text", tags=["search"])
def search(
    store: StoreIn,
    project: ProjectIn,
    window: WindowIn,
    text: Annotated[str, Query(min_length=1, max_length=1000, description="words, or any part of a text, in any script")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> HitPage:
    """The newest first, with the text around each finding."""
    page = read.search(store, project.id, text, **window.asked, cursor=cursor, limit=limit)
    return HitPage.model_construct(items=list(page.items), next=page.next, sentence=page.sentence)


@router.get("/attributes", summary="The attribute keys there are", tags=["traces"])
def attributes(store: StoreIn, project: ProjectIn, prefix: Annotated[str, Query(max_length=200)] = "", limit: Limit = 200) -> list[str]:
    """Keys of the newest spans, for filters and groups, the most frequent first."""
    return list(read.attribute_keys(store, project.id, prefix=prefix, limit=limit))


@router.get("/complete", summary="What could be typed next in a filter", tags=["traces"])
def completions(
    project: ProjectIn,
    text: Annotated[str, Query(max_length=4000)],
    at: Annotated[int, Query(ge=0, le=4000, description="where the cursor is, in characters")],
    scope: Literal["span", "trace", "session"] = "trace",
) -> list[CompletionAnswer]:
    """Fields, operators and values that fit at the cursor."""
    return [CompletionAnswer(**asdict(item)) for item in complete(text, at, scope)]
