"""Sends OTLP requests as an exporter should: a few at a time, patient with a full queue, and told what was not taken."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceResponse

from clew.cli.connection import Answer, Connection, Refused, refused
from clew.cli.otlp_files import JSON, Piece

SENDERS = 4  # requests on their way at once, so that one commit holds several
PATIENCE = 30  # tries for a request that is told to come back
LATER = frozenset({429, 502, 503, 504})  # the answers that OTLP lets a sender try again
FINAL = frozenset({400, 413, 415})  # trying the same bytes again cannot help


@dataclass
class Sent:
    """What became of the requests; ``rejected`` and ``refused`` keep the reasons."""

    requests: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)


def send_all(connection: Connection, pieces: Iterable[Piece], project: str | None, advance: Callable[[Piece], object]) -> Sent:
    """Sends every request, a few at a time, begun in their order. ``advance`` is called when one is on its way."""
    done = Sent()
    running: set[Future[tuple[Piece, Any]]] = set()
    with ThreadPoolExecutor(SENDERS) as pool:
        for piece in pieces:
            if len(running) >= 2 * SENDERS:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                book(done, finished)
            running.add(pool.submit(send, connection, piece, project))
            advance(piece)
        book(done, running)
    return done


def send(connection: Connection, piece: Piece, project: str | None) -> tuple[Piece, Any]:
    """Sends one request until it is acknowledged. The answer, or the Refused that is final."""
    headers = {"content-type": piece.content_type} | ({"x-clew-project": project} if project else {})
    for _ in range(PATIENCE):
        answer = connection.request("POST", piece.path, body=piece.body, headers=headers)
        if answer.status not in LATER:
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
        try:
            message = ExportTracePartialSuccess.FromString(answer.body).error_message
        except DecodeError:  # something in between answered, in words of its own
            message = ""
        raise refused(answer.status, {"message": message})
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    return {"partialSuccess": {"rejectedSpans": partial.rejected_spans, "errorMessage": partial.error_message}}


def book(done: Sent, finished: set[Future[tuple[Piece, Any]]]) -> None:
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
