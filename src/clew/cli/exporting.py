"""``clew export``: spans as a file, everything that was sent in it."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, cast

import typer

from clew.cli import asking
from clew.cli.connection import Refused, connect, query
from clew.cli.options import Data, Filter, Project, Since, Until, Url, settings_for
from clew.cli.output import number, stderr, waiting
from clew.cli.times import moment_ns
from clew.core.errors import InputError


class Form(StrEnum):
    """The forms of an export."""

    otlp = "otlp"
    jsonl = "jsonl"
    parquet = "parquet"


def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file (.gz compresses); else stdout.", show_default=False)
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="otlp: OTLP/JSON lines as sent; jsonl, parquet: canonical rows.")] = Form.otlp,
    project: Project = None,
    filter_text: Filter = None,
    since: Since = None,
    until: Until = None,
    data: Data = None,
    url: Url = None,
) -> None:
    """Write spans into a file. 'clew import otlp' reads the otlp form back."""
    if form is Form.parquet and output is None:
        raise InputError("parquet is not text; name a file with --output")
    window = {"filter": filter_text, "since_ns": moment_ns(since, "--since"), "until_ns": moment_ns(until, "--until")}
    with written(output, packed=form is not Form.parquet) as file, connect(settings_for(data), url) as connection, waiting() as line:
        path = f"/api/v1{asking.project(connection, project)}/export"
        task, size = line.add_task("exporting"), 0

        def take(piece: bytes) -> None:
            nonlocal size
            file.write(piece)
            size += len(piece)
            line.update(task, description=f"exporting: {number(size // 1000)} kB")

        try:
            connection.request("GET", query(path, form=form.value, **window), sink=take).json()
        except Refused as error:
            raise asking.pointed(error, filter_text) from error
    stderr.print(f"{number(size)} bytes were written", style="dim")


@contextmanager
def written(output: Path | None, *, packed: bool) -> Iterator[IO[bytes]]:
    """The file to write into. It gets its name when it is whole, so a broken export leaves none."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    output = output.absolute()
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as raw:
            if packed and output.suffix == ".gz":
                with gzip.GzipFile(output.stem, "wb", 6, raw) as file:
                    yield cast(IO[bytes], file)
            else:
                yield raw
        part.replace(output)
    except OSError as error:
        raise InputError(f"{output.name!r} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
