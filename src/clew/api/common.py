"""What the API's routes share: the project in the path, the window and the filter in the query, and how ids and limits are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request

from clew.store import Store
from clew.traces import Project

MAX_NS = (1 << 63) - 1
Ns = Annotated[int | None, Query(ge=0, le=MAX_NS, description="nanoseconds since 1970-01-01 UTC")]
Filter = Annotated[str, Query(max_length=4000, description="the filter language; see docs/filter.md")]
PROJECT_WORDS = "the project's name, or ~ and its id; ~ and the name quoted twice where the name has a slash"
Limit = Annotated[int, Query(ge=1, le=500, description="items on this page")]
CURSOR_FORM = {"pattern": "^[A-Za-z0-9_-]*$"}  # described, not demanded: what is wrong with a cursor is told by who reads it
Cursor = Annotated[str | None, Query(max_length=4000, description="``next`` of the page before", json_schema_extra=CURSOR_FORM)]
TraceId = Annotated[str, Path(pattern="^[0-9a-fA-F]{32}$", description="32 hex digits")]
SpanId = Annotated[str, Path(pattern="^[0-9a-fA-F]{16}$", description="16 hex digits")]


def store_of(request: Request) -> Store:
    """The server's store."""
    store: Store = request.app.state.store
    return store


def project_of(request: Request, project: Annotated[str, Path(description=PROJECT_WORDS)]) -> Project:
    """The project in the path. Raises NotFound with the names there are."""
    found: Project = request.app.state.projects.find(project)
    return found


StoreIn = Annotated[Store, Depends(store_of)]
ProjectIn = Annotated[Project, Depends(project_of)]


@dataclass(frozen=True)
class Window:
    """Which rows are asked for."""

    filter: Filter = ""
    since_ns: Ns = None
    until_ns: Ns = None

    @property
    def asked(self) -> dict[str, Any]:
        """As the reading functions take it."""
        return {"filter_text": self.filter, "since_ns": self.since_ns, "until_ns": self.until_ns}


WindowIn = Annotated[Window, Depends()]
