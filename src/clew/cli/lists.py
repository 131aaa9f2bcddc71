"""``clew projects | traces | sessions | search``: lists, the newest first."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text

from clew.cli import asking
from clew.cli.connection import connect
from clew.cli.options import AsJson, Data, Filter, Limit, Project, Since, Until, Url, settings_for
from clew.cli.output import Column, duration, moment, money, number, plain, print_json, print_table, stderr, stdout, tokens
from clew.cli.times import moment_ns


class Sort(StrEnum):
    """What a list can be ordered by."""

    start = "start"
    latency = "latency"
    cost = "cost"
    tokens = "tokens"
    errors = "errors"


Order = Annotated[Sort, typer.Option("--sort", help="What the list is ordered by.")]
Ascending = Annotated[bool, typer.Option("--ascending", help="Oldest or smallest first.")]


def projects(data: Data = None, url: Url = None, as_json: AsJson = False) -> None:
    """List the projects."""
    with connect(settings_for(data), url) as connection:
        found = asking.get(connection, "/projects")
    if as_json:
        print_json(found)
    else:
        print_table([Column("project"), Column("first seen")], [[item["name"], moment(item["created_ns"])] for item in found])


def traces(
    project: Project = None,
    filter_text: Filter = None,
    since: Since = None,
    until: Until = None,
    sort: Order = Sort.start,
    ascending: Ascending = False,
    limit: Limit = 20,
    data: Data = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List traces, each with the sums over its spans."""
    window = {"filter": filter_text, "since_ns": moment_ns(since, "--since"), "until_ns": moment_ns(until, "--until")}
    order = {"sort": sort.value, "descending": not ascending}
    with connect(settings_for(data), url) as connection:
        page = asking.listed(connection, f"{asking.project(connection, project)}/traces", limit, **window, **order)
    show(page, TRACE_COLUMNS, trace_cells, as_json=as_json)


TRACE_COLUMNS = [
    Column("start"),
    Column("trace"),
    Column("name", cut=True),
    Column("latency", right=True),
    Column("spans", right=True),
    Column("errors", right=True),
    Column("tokens", right=True),
    Column("cost", right=True),
    Column("input", cut=True),
]


def trace_cells(item: dict[str, Any]) -> list[str]:
    """One trace as a row."""
    root, cost = item["root"], item["cost"]
    return [
        moment(root["start_ns"]),
        root["trace_id"],
        f"{root['name']} (root missing)" if item["root_missing"] else root["name"],
        duration(item["end_ns"] - root["start_ns"]),
        number(item["spans"]),
        number(item["errors"]) if item["errors"] else "",
        tokens(item["tokens"]),
        money(cost["micros"], cost["unknown"]),
        root["input_preview"],
    ]


def sessions(
    project: Project = None,
    filter_text: Filter = None,
    since: Since = None,
    until: Until = None,
    sort: Order = Sort.start,
    ascending: Ascending = False,
    limit: Limit = 20,
    data: Data = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List sessions, each with the sums over its traces."""
    window = {"filter": filter_text, "since_ns": moment_ns(since, "--since"), "until_ns": moment_ns(until, "--until")}
    order = {"sort": sort.value, "descending": not ascending}
    with connect(settings_for(data), url) as connection:
        page = asking.listed(connection, f"{asking.project(connection, project)}/sessions", limit, **window, **order)
    show(page, SESSION_COLUMNS, session_cells, as_json=as_json)


SESSION_COLUMNS = [
    Column("start"),
    Column("session"),
    Column("user", cut=True),
    Column("length", right=True),
    Column("turns", right=True),
    Column("errors", right=True),
    Column("tokens", right=True),
    Column("cost", right=True),
    Column("first input", cut=True),
]


def session_cells(item: dict[str, Any]) -> list[str]:
    """One session as a row."""
    return [
        moment(item["start_ns"]),
        item["session_id"],
        item["user_id"],
        duration(item["end_ns"] - item["start_ns"]),
        number(item["traces"]),
        number(item["errors"]) if item["errors"] else "",
        tokens(item["tokens"]),
        money(item["cost"]["micros"], item["cost"]["unknown"]),
        item["first_input"],
    ]


def search(
    text: Annotated[str, typer.Argument(help="Words, or any part of a text, in any script.")],
    project: Project = None,
    filter_text: Filter = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    data: Data = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Find a text in inputs and outputs, the newest first."""
    window = {"filter": filter_text, "since_ns": moment_ns(since, "--since"), "until_ns": moment_ns(until, "--until")}
    with connect(settings_for(data), url) as connection:
        page = asking.listed(connection, f"{asking.project(connection, project)}/search", limit, text=text, **window)
    if as_json:
        print_json(page)
        return
    for hit in page["items"]:
        print_hit(hit)
    say_more(page)


def print_hit(hit: dict[str, Any]) -> None:
    """One finding: where it is, and the words around it."""
    span = hit["span"]
    where = plain(f"{moment(span['start_ns'])}  {span['name']}  ", style="bold")
    stdout.print(where.append(f"{span['trace_id']} {span['span_id']}", style="dim"), soft_wrap=True)
    for snippet in hit["snippets"]:
        text, start, end = snippet["text"], snippet["start"], snippet["end"]
        line = Text(f"  {snippet['column']}: {'…' if snippet['cut_before'] else ''}")
        line.append_text(plain(text[:start])).append_text(plain(text[start:end], style="reverse")).append_text(plain(text[end:]))
        stdout.print(line.append("…" if snippet["cut_after"] else ""), soft_wrap=True)


def show(page: dict[str, Any], columns: list[Column], cells: Any, *, as_json: bool) -> None:
    """A page of a list as a table or as JSON."""
    if as_json:
        print_json(page)
        return
    print_table(columns, [cells(item) for item in page["items"]])
    say_more(page)


def say_more(page: dict[str, Any]) -> None:
    """What a person should know beside the rows: what was asked, and whether there are more."""
    shown = len(page["items"])
    if not shown:
        stderr.print("nothing found", style="dim")
    elif page["next"]:
        stderr.print(f"the first {shown}; more with --limit", style="dim")
    if page["sentence"]:
        stderr.print(plain(page["sentence"], style="dim"))
