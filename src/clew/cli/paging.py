"""What every reading command asks of the API: the project it means, and pages until enough rows are there."""

from __future__ import annotations

from typing import Any

from clew.cli.connection import Connection, query
from clew.core.errors import InputError, NotFound

PAGE = 200  # rows asked for at once


def get(connection: Connection, path: str, **params: Any) -> Any:
    """The JSON that a path answers; parameters that are None are left out."""
    return connection.request("GET", query(f"/api/v1{path}", **params)).json()


def project_name(connection: Connection, named: str | None) -> str:
    """The project that was named, or the only one there is. Raises InputError when there are several, NotFound when there is none."""
    if named:
        return named
    names = [project["name"] for project in get(connection, "/projects")]
    if len(names) == 1:
        return str(names[0])
    if not names:
        raise NotFound("there is no project yet: send traces, or load the demo with 'clew demo'")
    raise InputError(f"there are {len(names)} projects; name one with --project: {', '.join(map(repr, names[:20]))}")


def listed(connection: Connection, path: str, limit: int, **params: Any) -> dict[str, Any]:
    """The first ``limit`` rows of a list, over as many pages as it takes, in the form of one page."""
    page: dict[str, Any] = get(connection, path, limit=min(limit, PAGE), **params)
    while page["next"] and len(page["items"]) < limit:
        more = get(connection, path, limit=min(limit - len(page["items"]), PAGE), cursor=page["next"], **params)
        page = {**more, "items": page["items"] + more["items"]}
    return page
