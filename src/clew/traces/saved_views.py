"""Saved views: the state of a list under a name. The only reader and writer of the table ``saved_views``."""

from __future__ import annotations

from typing import Any

from clew.core.clock import now_ns
from clew.core.errors import InputError, NotFound
from clew.core.ids import new_id
from clew.store import Statement, Store, load_statements

NAME_LIMIT, QUERY_LIMIT = 60, 4_000


def _statement(name: str) -> Statement:
    return load_statements("clew.traces", "saved_views.sql")[name]


def views_of(store: Store, project_id: int, page: str) -> list[dict[str, Any]]:
    """The saved views of one page, by name: id, name, query."""
    return store.records.rows(_statement("saved_views"), project_id=project_id, page=page)


def save_view(store: Store, project_id: int, page: str, name: str, query: str) -> None:
    """Keeps a list's state under a name; the same name again replaces it. Raises InputError."""
    name = " ".join(name.split())
    if not name or len(name) > NAME_LIMIT:
        raise InputError(f"a name of {len(name)} characters; wanted 1 to {NAME_LIMIT}")
    if len(query) > QUERY_LIMIT:
        raise InputError(f"a view of {len(query)} characters; wanted {QUERY_LIMIT} at most")
    store.records.rows(_statement("save_view"), id=new_id(), project_id=project_id, page=page, name=name, query=query, created_ns=now_ns())


def remove_view(store: Store, project_id: int, view_id: str) -> dict[str, Any]:
    """Forgets a view and gives back what it was, so that it can be saved again. Raises NotFound."""
    found = store.records.rows(_statement("saved_view"), project_id=project_id, id=view_id)
    if not found:
        raise NotFound(f"there is no saved view {view_id[:40]!r}; it may have been removed already")
    store.records.rows(_statement("remove_view"), project_id=project_id, id=view_id)
    return found[0]
