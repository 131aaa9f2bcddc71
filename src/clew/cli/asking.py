"""What every command asks of the API: the project it means, errors with the place in the filter, and pages until enough rows are there."""

from __future__ import annotations

from typing import Any

from clew.cli.connection import Connection, Refused, query
from clew.core.errors import FilterError, InputError, NotFound

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


def paths(connection: Connection) -> dict[str, str]:
    """Where each project stands in the API, by name, oldest first."""
    return {str(project["name"]): f"/projects/{project['segment']}" for project in get(connection, "/projects")}


def project(connection: Connection, named: str | None) -> str:
    """The path of the project that was named, or of the only one there is. Raises NotFound, or InputError where it is not told which."""
    there = paths(connection)
    if not there:
        raise NotFound("there is no project yet: send traces, or load the demo with 'clew demo'")
    names = ", ".join(map(repr, list(there)[:20]))
    if named is not None and named not in there:
        raise NotFound(f"there is no project {named!r}; there are: {names}")
    if named is None and len(there) > 1:
        raise InputError(f"there are {len(there)} projects; name one with --project: {names}")
    return there[named if named is not None else next(iter(there))]


def find(connection: Connection, named: str | None, path: str) -> Any:
    """What stands at a path in the project that was named, or in the first one that has it."""
    missing: Refused | None = None
    there = [project(connection, named)] if named is not None else paths(connection).values()
    for place in there:
        try:
            return get(connection, place + path)
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
