"""Sessions: one conversation or visit each. A trace belongs to every session whose id some span of it carries."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from clew.core.errors import NotFound
from clew.store import Store
from clew.traces.cursor import Cursor, decode_cursor
from clew.traces.locate import trace_sums
from clew.traces.question import question
from clew.traces.read_list import TRACE_KEYS, trace_rows
from clew.traces.rows import Row, id_bytes, micros, project_name, session_scores, statement
from clew.traces.tree import add_tokens
from clew.traces.views import Cost, Page, Score, SessionRow, SessionView, TraceRow, Turn

SESSION_KEYS = {"end": "max(last_ns)", "start": "min(first_ns)", "latency": "max(last_ns) - min(first_ns)", "traces": "uniqExact(trace_id)"}
SUM_KEYS = ("cost", "tokens", "errors")
MAX_TRACES = 20_000  # traces read for one page of sessions; a session beyond it is summed over its first ones and says so by ``traces``
TURN_CHARACTERS = 20_000  # of one turn's text


def list_sessions(
    store: Store,
    project_id: int,
    *,
    filter_text: str = "",
    since_ns: int | None = None,
    until_ns: int | None = None,
    sort: str = "end",
    descending: bool = True,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[SessionRow]:
    """One page of the sessions that were at work in the window; by default the one that was last at work comes first."""
    sorts = (*SESSION_KEYS, *SUM_KEYS)
    asked = question(project_id, "session", filter_text, since_ns, until_ns, limit=limit, sort=sort, sorts=sorts, descending=descending)
    condition, bound = "1", {**asked.params, "within_ns": 0}
    if cursor:
        place = decode_cursor(cursor, asked.order)
        bound |= {"after_value": place.value, "after_session": place.ids[0]}
        condition = f"(sort_key, session_id) {asked.beyond} ({{after_value:Int64}}, {{after_session:String}})"
    name, key = ("sessions_by_time", f"toInt64({SESSION_KEYS[sort]})") if sort in SESSION_KEYS else ("sessions_by_sum", TRACE_KEYS[sort])
    sql = statement(name).fill(key=key, after=condition, where=asked.where, direction=asked.direction)
    found = store.facts.rows(sql, **bound, limit=limit + 1)
    rows = _session_rows(store, project_id, [row["session_id"] for row in found[:limit]])
    last = found[limit - 1] if len(found) > limit else None
    following = Cursor(asked.order, last["sort_key"], (last["session_id"],)).encode() if last else None
    return Page(rows, following, asked.sentence)


def get_session(store: Store, project_id: int, session_id: str) -> SessionView:
    """One session with its traces in order, each as a turn. Raises NotFound."""
    rows = _session_rows(store, project_id, [session_id])
    if not rows:
        raise NotFound(f"there is no session {session_id[:200]!r} in this project")
    members = _members(store, project_id, [session_id])
    traces = trace_rows(store, project_id, [member["trace"] for member in members])
    traces = tuple(sorted(traces, key=_in_order))
    return SessionView(
        project=project_name(store, project_id),
        row=rows[0],
        turns=_turns(store, project_id, traces),
        scores=rows[0].scores,
    )


def _members(store: Store, project_id: int, sessions: Sequence[str]) -> list[dict[str, Any]]:
    if not sessions:
        return []
    return store.facts.rows(statement("traces_of_sessions"), project_id=project_id, sessions=list(sessions), limit=MAX_TRACES)


def _session_rows(store: Store, project_id: int, sessions: Sequence[str]) -> tuple[SessionRow, ...]:
    """The rows of these sessions, in this order."""
    members = _members(store, project_id, sessions)
    ids = sorted({member["trace"] for member in members})
    sums = {row["trace"]: row for row in trace_sums(store, project_id, ids)}
    traces = {trace.root.trace_id: trace for trace in trace_rows(store, project_id, ids, sums)}
    scores = session_scores(store, project_id, sessions)
    found: dict[str, SessionRow] = {}
    for session, group in groupby(members, key=lambda member: str(member["session_id"])):
        of_session = list(group)
        own = sorted((traces[member["trace"]] for member in of_session if member["trace"] in traces), key=_in_order)
        user = max((str(member["user"]) for member in of_session), default="")
        if own:
            cost = _cost([sums[trace.root.trace_id] for trace in own])
            found[session] = _session_row(session, user, own, cost, scores.get(session, ()))
    return tuple(found[session] for session in sessions if session in found)


def _in_order(trace: TraceRow) -> tuple[int, str]:
    return trace.root.start_ns, trace.root.trace_id


def _session_row(session: str, user: str, traces: list[TraceRow], cost: Cost, scores: tuple[Score, ...]) -> SessionRow:
    outputs = [trace.root.output_preview for trace in traces if trace.root.output_preview]
    return SessionRow(
        session_id=session,
        user_id=user,
        start_ns=traces[0].root.start_ns,
        end_ns=max(trace.end_ns for trace in traces),
        traces=len(traces),
        spans=sum(trace.spans for trace in traces),
        errors=sum(trace.errors for trace in traces),
        tokens=add_tokens(trace.tokens for trace in traces),
        cost=cost,
        first_input=next((trace.root.input_preview for trace in traces if trace.root.input_preview), ""),
        last_output=outputs[-1] if outputs else "",
        scores=scores,
    )


def _cost(sums: Sequence[Row]) -> Cost:
    """The money of several traces, added up before it is rounded."""
    told = [row["cost_sum"] for row in sums if row["cost_sum"] is not None]
    return Cost(micros(sum(told)) if told else None, sum(row["cost_known"] for row in sums), sum(row["cost_unknown"] for row in sums))


def _turns(store: Store, project_id: int, traces: Sequence[TraceRow]) -> tuple[Turn, ...]:
    texts = {
        (row["trace"], row["span"]): row
        for row in store.facts.rows(
            statement("texts_at"),
            project_id=project_id,
            starts=sorted({trace.root.start_ns for trace in traces}),
            traces=id_bytes(trace.root.trace_id for trace in traces),
            spans=id_bytes(trace.root.span_id for trace in traces),
            characters=TURN_CHARACTERS,
        )
    }
    turns = []
    for trace in traces:
        text = texts.get((trace.root.trace_id, trace.root.span_id), {"input_cut": "", "output_cut": ""})
        turns.append(Turn(trace, text["input_cut"], text["output_cut"]))
    return tuple(turns)
