"""What the list pages share: reading their state from the URL."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from clew.traces.filter import Scope
from clew.web.columns import Column, chosen
from clew.web.contexts import ListState
from clew.web.filterbox import filter_box
from clew.web.render import Shell, state_of
from clew.web.urls import read_window, url

STATE = ("q", "window", "from", "to", "sort", "dir", "cols", "what", "live", "after")
PAGE = 50


def list_state(
    request: Request, frame: Shell, room: str, scope: Scope, columns: tuple[Column, ...], *, default_window: str = "all"
) -> ListState:
    """The state of a list page. A filter's mistake is kept in its box; anything else that does not fit raises InputError."""
    state = state_of(request, *STATE)
    path = url("/p", frame.project, room)
    kept = {name: value for name, value in state.items() if name not in ("q", "after")}
    box = filter_box(state.get("q", ""), scope, action=path, complete_href=url("/p", frame.project, "complete", scope=scope), kept=kept)
    return ListState(
        path=path,
        state=state,
        box=box,
        window=read_window(state, frame.now_ns, frame.zone, default_window),
        columns=chosen(columns, state.get("cols", "")),
        all_columns=columns,
        sort=state.get("sort") or columns[0].sort,
        descending=state.get("dir") != "asc",
    )


def carried(state: Mapping[str, str]) -> str:
    """A list's state as one text, to be carried along by a trace that was opened from it."""
    return urlencode({name: value for name, value in state.items() if name not in ("after", "live", "cols")})


def read_carried(text: str) -> dict[str, str]:
    """The inverse of ``carried``; what is not known is left out."""
    pairs = parse_qsl(text[:4_000], keep_blank_values=False)
    return {name: value for name, value in pairs if name in STATE}
