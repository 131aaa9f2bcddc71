"""``clew demo``: two weeks of a shop assistant and an airline agent, with facts to find."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from clew.cli.connection import Connection, connect
from clew.cli.options import Data, Url, settings_for
from clew.cli.otlp_files import PROTOBUF, Piece
from clew.cli.output import number, stderr, waiting
from clew.cli.sending import send_all
from clew.core.errors import InputError


def demo(
    data: Data = None,
    url: Url = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same conversations.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Load it once more, up to now, where it is loaded already.")] = False,
) -> None:
    """Load the demo: two weeks of two products, with facts to find. See docs/demo.md."""
    with connect(settings_for(data), url) as connection:
        if is_loaded(connection) and not again:
            raise InputError("the demo is loaded already; --again loads two more weeks that end now")
        load_demo(connection, seed=seed)


def is_loaded(connection: Connection) -> bool:
    """Whether one of the demo's projects is there."""
    from clew.demo import airline, shop  # with what it stands on, a second of imports that no other command needs

    return bool({shop.PROJECT, airline.PROJECT} & {project["name"] for project in connection.request("GET", "/api/v1/projects").json()})


def load_demo(connection: Connection, *, seed: int = 1) -> None:
    """Makes the demo's spans and sends them."""
    spans = 0
    with waiting() as line:
        task = line.add_task("making the demo")

        def advance(piece: Piece) -> None:
            nonlocal spans
            spans += piece.read
            line.update(task, description=f"loading the demo: {number(spans)} spans")

        send_all(connection, _pieces(seed), None, advance)
    stderr.print(f"{number(spans)} spans of the demo are stored")


def _pieces(seed: int) -> Iterator[Piece]:
    from clew.demo import generate

    for request in generate(seed=seed):
        spans = sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
        yield Piece("/v1/traces", PROTOBUF, request.SerializeToString(), "demo", spans)
