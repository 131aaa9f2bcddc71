"""``clew import``: what was recorded elsewhere, into the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceResponse

from clew.cli.connection import Answer, Connection, Refused, connect, refused
from clew.cli.options import AsJson, Data, Project, Url, settings_for
from clew.cli.otlp_files import JSON, Piece, find_files, pieces
from clew.cli.output import bytes_progress, number, print_json, stderr
from clew.core.errors import InputError

SENDERS = 4  # requests on their way at once, so that one commit holds several
PATIENCE = 10  # tries for a request that is told to come back
FINAL = frozenset({400, 413, 415})  # trying the same bytes again cannot help

app = typer.Typer(help="Load what was recorded elsewhere.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Load what was recorded elsewhere."""


@dataclass
class Imported:
    """What became of the requests; ``rejected`` and ``refused`` keep the reasons."""

    files: int = 0
    requests: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)


@app.command("otlp")
def import_otlp(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: OTLP/JSON, JSON lines, protobuf; also .gz and .zst.")],
    project: Project = None,
    data: Data = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Load OTLP files. What is in the store already is not doubled."""
    files = find_files(paths)
    with connect(settings_for(data), url) as connection, bytes_progress() as bar:
        task = bar.add_task("importing", total=sum(file.stat().st_size for file in files))
        done = send_all(connection, files, project, lambda count: bar.advance(task, count))
    report(done, as_json=as_json)


def send_all(connection: Connection, files: list[Path], project: str | None, advance: Any) -> Imported:
    """Sends every request of the files, a few at a time, in order of reading."""
    done = Imported(files=len(files))
    running: set[Future[tuple[Piece, Any]]] = set()
    with ThreadPoolExecutor(SENDERS) as pool:
        for piece, read in _with_progress(files):
            if len(running) >= 2 * SENDERS:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                book(done, finished)
            running.add(pool.submit(send, connection, piece, project))
            advance(read)
        book(done, running)
    return done


def _with_progress(files: list[Path]) -> Iterator[tuple[Piece, int]]:
    for file in files:
        before = 0
        for piece in pieces(file):
            yield piece, piece.read - before
            before = piece.read


def send(connection: Connection, piece: Piece, project: str | None) -> tuple[Piece, Any]:
    """Sends one request until it is acknowledged. The answer, or the Refused that is final."""
    headers = {"content-type": piece.content_type} | ({"x-clew-project": project} if project else {})
    for _ in range(PATIENCE):
        answer = connection.request("POST", piece.path, body=piece.body, headers=headers)
        if answer.status not in (429, 503):
            break
        time.sleep(float(answer.headers.get("retry-after", "1")))
    try:
        return piece, told_by(answer, piece)
    except Refused as error:
        return piece, error


def told_by(answer: Answer, piece: Piece) -> Any:
    """The answer's partial success as OTLP/JSON words, whichever encoding it came in. Raises Refused when the status is not 2xx."""
    if piece.content_type == JSON:
        return answer.json()
    if not 200 <= answer.status < 300:
        # A google.rpc.Status has its text in the same field as a partial success.
        raise refused(answer.status, {"message": ExportTracePartialSuccess.FromString(answer.body).error_message})
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    return {"partialSuccess": {"rejectedSpans": partial.rejected_spans, "errorMessage": partial.error_message}}


def book(done: Imported, finished: set[Future[tuple[Piece, Any]]]) -> None:
    """Counts answers. Raises what stopped a request for another reason than its content."""
    for future in finished:
        piece, told = future.result()
        done.requests += 1
        if isinstance(told, Refused):
            if told.status not in FINAL:
                raise told
            done.refused.append(f"{piece.where}: {told}")
            continue
        partial = (told or {}).get("partialSuccess") or {}
        rejected = sum(int(value) for key, value in partial.items() if key.startswith("rejected"))
        done.rejected += rejected
        if partial.get("errorMessage"):
            done.reasons[partial["errorMessage"]] += 1


def report(done: Imported, *, as_json: bool) -> None:
    """Says what was taken and what was not. Raises InputError when a request was refused as a whole."""
    if as_json:
        print_json(asdict(done))
    else:
        print(f"{number(done.requests)} requests from {number(done.files)} files are stored; {number(done.rejected)} records were rejected")
    for reason, count in done.reasons.most_common(10):
        stderr.print(f"  {count} × {reason}", style="yellow", markup=False)
    if done.refused:
        raise InputError(f"{len(done.refused)} requests were refused, the first: {done.refused[0]}")
