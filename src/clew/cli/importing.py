"""``clew import``: what was recorded elsewhere, into the store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from clew.cli.connection import connect
from clew.cli.options import AsJson, Data, Url, settings_for
from clew.cli.otlp_files import Piece, find_files, pieces
from clew.cli.output import bytes_progress, number, print_json, stderr
from clew.cli.sending import Sent, send_all
from clew.core.errors import InputError

app = typer.Typer(help="Load what was recorded elsewhere.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Load what was recorded elsewhere."""


@app.command("otlp")
def import_otlp(
    paths: Annotated[
        list[Path], typer.Argument(help="Files or folders: OTLP/JSON, JSON lines, protobuf; also .gz, .zst.", metavar="PATH…")
    ],
    project: Annotated[str | None, typer.Option("--project", "-p", help="The project for all of it. Default: as the records say.")] = None,
    data: Data = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Load OTLP files. What is in the store already is not doubled."""
    files = find_files(paths)
    with connect(settings_for(data), url) as connection, bytes_progress() as bar:
        task = bar.add_task("importing", total=sum(file.stat().st_size for file in files))
        done = send_all(connection, _in_order(files), project, lambda piece: bar.update(task, completed=piece.read))
    report(done, len(files), as_json=as_json)


def _in_order(files: list[Path]) -> Iterator[Piece]:
    """The pieces of all files; ``read`` counts over all of them."""
    before = 0
    for file in files:
        for piece in pieces(file):
            yield Piece(piece.path, piece.content_type, piece.body, piece.where, before + piece.read)
        before += file.stat().st_size


def report(done: Sent, files: int, *, as_json: bool) -> None:
    """Says what was taken and what was not. Raises InputError when a request was refused as a whole."""
    if as_json:
        print_json({"files": files, **asdict(done)})
    else:
        print(f"{number(done.requests)} requests from {number(files)} files are stored; {number(done.rejected)} records were rejected")
    for reason, count in done.reasons.most_common(10):
        stderr.print(f"  {count} × {reason}", style="yellow", markup=False)
    if done.refused:
        raise InputError(f"{len(done.refused)} requests were refused, the first: {done.refused[0]}")
