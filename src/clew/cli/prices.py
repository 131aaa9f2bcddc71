"""``clew prices`` and ``clew recompute``: a project's own prices, and what stored calls cost by them."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import quote

import typer

from clew.cli import asking
from clew.cli.connection import Connection, connect
from clew.cli.options import AsJson, Data, Project, Since, Until, Url, settings_for
from clew.cli.output import UNKNOWN, Column, moment, money, number, print_json, print_table, waiting
from clew.cli.times import moment_ns
from clew.core.errors import InputError
from clew.core.jsontext import dumps

app = typer.Typer(help="A project's own prices; they win over the price book.", no_args_is_help=True)


@app.command("list")
def list_prices(project: Project = None, data: Data = None, url: Url = None, as_json: AsJson = False) -> None:
    """List a project's own prices."""
    with connect(settings_for(data), url) as connection:
        found = asking.get(connection, f"{asking.project(connection, project)}/prices")
    if as_json:
        print_json(found)
        return
    columns = [
        Column("id"),
        Column("model", cut=True),
        Column("provider", cut=True),
        Column("from"),
        Column("US$ per million tokens", cut=True),
    ]
    print_table(columns, [price_cells(price) for price in found])


def price_cells(price: dict[str, Any]) -> list[str]:
    """One price as a row."""
    start = moment(price["starts_ns"]) if price["starts_ns"] else "always"
    rates = ", ".join(f"{part} {value}" for part, value in price["rates"].items() if part != "tiers")
    tiers = "".join(f"; above {number(tier['above'])} tokens other rates" for tier in price["rates"].get("tiers") or [])
    return [price["id"], price["model"], price["provider"] or "any", start, rates + tiers]


@app.command("set")
def set_price(
    model: Annotated[str, typer.Argument(help="The model's name; a '*' at its end stands for every name that begins so.")],
    rate: Annotated[list[str], typer.Argument(help="part=dollars per million tokens, e.g. input=2.50 output=10.", metavar="PART=DOLLARS…")],
    provider: Annotated[str, typer.Option(help="Only for this provider. Default: any.", show_default=False)] = "",
    tiers: Annotated[str | None, typer.Option(help="JSON: rates above some input tokens; see docs/cost.md.", show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", help="From when on it holds. Default: always.", show_default=False)] = None,
    project: Project = None,
    data: Data = None,
    url: Url = None,
) -> None:
    """Set a price. Calls that arrive from now on use it; 'clew recompute' applies it to stored ones."""
    rates = dict(read_rate(text) for text in rate) | ({"tiers": read_tiers(tiers)} if tiers else {})
    body = {"model": model, "provider": provider, "starts_ns": moment_ns(since, "--from") or 0, "rates": rates}
    with connect(settings_for(data), url) as connection:
        stored = send(connection, "POST", f"{asking.project(connection, project)}/prices", body)
    print(f"price {stored['id']} is set")


def read_rate(text: str) -> tuple[str, str]:
    """``input=2.50`` apart. The server judges part and number."""
    part, found, dollars = text.partition("=")
    if not found:
        raise InputError(f"{text!r} is no rate; wanted part=dollars, e.g. input=2.50")
    return part.strip(), dollars.strip()


def read_tiers(text: str) -> Any:
    """The tiers as JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"--tiers is no JSON: {error}") from error


@app.command("remove")
def remove_price(
    price_id: Annotated[str, typer.Argument(help="Its id; see 'clew prices list'.")],
    project: Project = None,
    data: Data = None,
    url: Url = None,
) -> None:
    """Remove a price. Stored costs stay until they are worked out again."""
    with connect(settings_for(data), url) as connection:
        send(connection, "DELETE", f"{asking.project(connection, project)}/prices/{quote(price_id, safe='')}", None)
    print(f"price {price_id} is removed")


def recompute(
    project: Project = None, since: Since = None, until: Until = None, data: Data = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Work the costs of stored calls out again, with today's prices. A cost that the sender told stays."""
    window = {"since_ns": moment_ns(since, "--since"), "until_ns": moment_ns(until, "--until")}
    body = {key: value for key, value in window.items() if value is not None}
    with connect(settings_for(data), url) as connection, waiting() as line:
        line.add_task("working costs out again")
        done = send(connection, "POST", f"{asking.project(connection, project)}/recompute", body)
    if as_json:
        print_json(done)
        return
    print(f"{number(done['changed'])} spans have another cost, source or price version than before")
    before, after = ({item["source"]: item for item in done[key]} for key in ("before", "after"))
    columns = [Column("cost from"), *(Column(name, right=True) for name in ("spans before", "cost before", "spans after", "cost after"))]
    print_table(columns, [[source, *sum_cells(before.get(source)), *sum_cells(after.get(source))] for source in sorted(before | after)])


def sum_cells(item: dict[str, Any] | None) -> list[str]:
    """Spans and money of one source. Where nobody knows the price there is no sum."""
    if item is None:
        return ["0", UNKNOWN]
    known = item["source"] not in ("unknown", "none")
    return [number(item["spans"]), money((item["nanos"] + 500) // 1000) if known else UNKNOWN]


def send(connection: Connection, method: str, path: str, body: Any) -> Any:
    """A request that changes something."""
    text = dumps(body).encode() if body is not None else b""
    return connection.request(method, f"/api/v1{path}", body=text, headers={"content-type": "application/json"}).json()
