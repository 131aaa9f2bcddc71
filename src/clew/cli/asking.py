"""What every command asks of the API: the project it means, errors with the place in the filter, and pages until enough rows are there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from clew.cli.connection import Connection, Refused, query
from clew.core.errors import FilterError, InputError, NotFound
from clew.traces.projects import reference

PAGE = 200  # rows asked for at once
PROPOSALS = 12  # of what could stand in a filter, so that the message stays readable


def get(connection: Connection, path: str, **params: Any) -> Any:
    """The JSON that a path answers; parameters that are None are left out. Raises FilterError with the place when the filter is wrong."""
    try:
        return connection.request("GET", query(f"/api/v1{path}", **params)).json()
    except Refused as error:
        raise pointed(error, params.get("filter")) from error


def pointed(error: Refused, text: str | None) -> Refused | FilterError:
    """The error with its place under the filter, where it has one."""
    position = error.details.get("position")
    if not text or not isinstance(position, int):
        return error
    expected = [str(word) for word in error.details.get("expected") or []]
    lines = [str(error), f"  {text}", f"  {' ' * position}^"]
    if expected:
        more = f" … ({len(expected) - PROPOSALS} more)" if len(expected) > PROPOSALS else ""
        lines.append(f"  here could stand: {', '.join(expected[:PROPOSALS])}{more}")
    return FilterError("\n".join(lines), position=position, expected=tuple(expected))


def names(connection: Connection) -> list[str]:
    """The names of the projects there are."""
    return [str(project["name"]) for project in get(connection, "/projects")]


def project(connection: Connection, named: str | None) -> str:
    """The path of the project that was named, or of the only one there is. Raises InputError for several, NotFound for none."""
    if named:
        return path_of(named)
    there = names(connection)
    if len(there) == 1:
        return path_of(there[0])
    if not there:
        raise NotFound("there is no project yet: send traces, or load the demo with 'clew demo'")
    raise InputError(f"there are {len(there)} projects; name one with --project: {', '.join(map(repr, there[:20]))}")


def path_of(name: str) -> str:
    """A project's place in the API."""
    return f"/projects/{quote(reference(name), safe='')}"


def find(connection: Connection, named: str | None, path: str) -> tuple[str, Any]:
    """What stands at a path in the project that was named, or in the first one that has it; with the project's path."""
    missing: Refused | None = None
    for name in [named] if named else names(connection):
        try:
            return path_of(name), get(connection, path_of(name) + path)
        except Refused as error:
            if error.status != 404:
                raise
            missing = error
    raise missing or NotFound("there is no project yet: send traces, or load the demo with 'clew demo'")


def listed(connection: Connection, path: str, limit: int, **params: Any) -> dict[str, Any]:
    """The first ``limit`` rows of a list, over as many pages as it takes, in the form of one page."""
    page: dict[str, Any] = get(connection, path, limit=min(limit, PAGE), **params)
    while page["next"] and len(page["items"]) < limit:
        more = get(connection, path, limit=min(limit - len(page["items"]), PAGE), cursor=page["next"], **params)
        page = {**more, "items": page["items"] + more["items"]}
    return page
