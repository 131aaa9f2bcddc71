"""``clew.score``: one judgement about a span, a trace or a session, sent in the background to ``POST /api/v1/scores``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from clew.client.lane import Sent
from clew.client.post import Poster
from clew.client.state import Client, current, trouble
from clew.client.text import to_text
from clew.core.ids import SPAN_HEX, TRACE_HEX, is_hex

_MAX_REASON_CHARS = 16_384
_MAX_NAME_CHARS = 256


def score(
    name: str,
    *,
    value: float | bool | None = None,
    label: str | None = None,
    reason: str | None = None,
    source: str = "code",
    author: str | None = None,
    version: str | None = None,
    identifier: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    session_id: str | None = None,
) -> None:
    """Judges a span (``trace_id`` and ``span_id``), a trace (``trace_id``) or a session (``session_id``); by default the current span.

    ``source`` is person, judge, code, user or business. A second score with the same name, target and ``identifier`` takes the place of
    the first. Returns at once and never raises; what could not be sent is counted in ``clew.delivery()``.
    """
    client = current()
    if client is None:
        return
    try:
        target = _target(client, trace_id, span_id, session_id)
        told = {"name": str(name), "value": _number(value), "label": label, "reason": reason, "source": source, "author": author}
        record = {**told, "version": version, "identifier": identifier, "metadata": metadata, **target}
        problem = _problem(record, value)
        if problem:
            client.sender.drop_score(problem)
            return
        body = _body(client, record)
        client.sender.offer_score(body, len(body))
    except Exception as problem_met:
        trouble("recording a score", problem_met)


def _target(client: Client, trace_id: str | None, span_id: str | None, session_id: str | None) -> dict[str, str]:
    """The ids as they will be sent; the current span where the caller named nothing."""
    given = {"trace_id": trace_id, "span_id": span_id, "session_id": session_id}
    if not any(given.values()):
        ids = client.recorder.current_ids()
        given = {"trace_id": ids[0], "span_id": ids[1]} if ids else {}
    return {key: str(value) for key, value in given.items() if value}


def _number(value: float | bool | None) -> float | None:
    return None if value is None else float(value)


def _problem(record: Mapping[str, Any], value: object) -> str | None:
    """Why the score cannot be meant, in words without its content."""
    if not record["name"] or len(record["name"]) > _MAX_NAME_CHARS:
        return f"a name of 1 to {_MAX_NAME_CHARS} characters is wanted"
    if record["value"] is None and record["label"] is None:
        return "a value or a label is wanted"
    if record["value"] is not None and not math.isfinite(record["value"]):
        return "the value is not a finite number"
    if "trace_id" not in record and "session_id" not in record:
        return "there is no current span, and no trace_id or session_id was given"
    if "trace_id" in record and not is_hex(record["trace_id"], TRACE_HEX):
        return f"trace_id must be {TRACE_HEX} hex digits"
    if "span_id" in record and not is_hex(record["span_id"], SPAN_HEX):
        return f"span_id must be {SPAN_HEX} hex digits"
    return None


def _body(client: Client, record: Mapping[str, Any]) -> bytes:
    told = {key: item for key, item in record.items() if item is not None}
    for key, limit in (("reason", _MAX_REASON_CHARS), ("label", _MAX_NAME_CHARS)):
        if key in told:
            told[key] = to_text(str(told[key]), limit)[0]
    return json.dumps(told, ensure_ascii=False, default=str).encode(errors="replace")


def score_sender(poster: Poster, project: str) -> Callable[[list[bytes]], Sent]:
    """How a batch of scores is sent: one JSON document. Each score carries its own id and time, so that sending it twice is harmless."""

    def send(batch: list[bytes]) -> Sent:
        body = b'{"project":' + json.dumps(project).encode() + b',"scores":[' + b",".join(batch) + b"]}"
        answer = poster.post(body, "application/json")
        if answer.verdict == "later":
            return Sent(again=len(batch), problem=answer.problem, retry_after_s=answer.retry_after_s)
        if answer.verdict == "taken":
            return Sent(taken=len(batch))
        return Sent(dropped={"refused by the server": len(batch)}, problem=answer.problem)

    return send
