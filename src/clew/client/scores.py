"""``clew.score``: one judgement about a span, a trace or a session, sent in the background to ``POST /api/v1/scores``."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from clew.client.lane import Sent
from clew.client.state import Client, current, trouble
from clew.client.text import to_text
from clew.core.clock import now_ns
from clew.core.ids import SPAN_HEX, TRACE_HEX, is_hex

if TYPE_CHECKING:
    from clew.client.post import Poster

_MAX_WORD_CHARS = 200  # the limits of POST /api/v1/scores
_MAX_REASON_CHARS = 99_000
_SOURCES = ("person", "judge", "code", "user", "business")


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
        told = {"name": str(name), "value": None if value is None else float(value), "label": _word(label), "reason": _word(reason)}
        told |= {"source": str(source), "author": _word(author), "version": _word(version), "identifier": _word(identifier)}
        record = {**told, "metadata": metadata, "time_ns": now_ns(), **_target(client, trace_id, span_id, session_id)}
        problem = _problem(record)
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


def _word(text: str | None) -> str | None:
    return None if text is None else str(text)


def _problem(record: Mapping[str, Any]) -> str | None:
    """Why the score cannot be meant, in words without its content. The server would refuse the same."""
    for key in ("name", "label", "author", "version", "identifier", "session_id"):
        if len(record.get(key) or "") > _MAX_WORD_CHARS:
            return f"{key} is longer than {_MAX_WORD_CHARS} characters"
    if not record["name"].strip():
        return "the name is empty"
    if record["source"] not in _SOURCES:
        return f"source must be one of {', '.join(_SOURCES)}"
    if record["value"] is None and not record["label"] and not record["reason"]:
        return "a value or a label is wanted"
    if record["value"] is not None and not math.isfinite(record["value"]):
        return "the value is not a finite number"
    return _target_problem(record)


def _target_problem(record: Mapping[str, Any]) -> str | None:
    if "trace_id" not in record and "session_id" not in record:
        return "there is no current span, and no trace_id or session_id was given"
    if "trace_id" in record and not is_hex(record["trace_id"], TRACE_HEX):
        return f"trace_id must be {TRACE_HEX} hex digits"
    if "span_id" in record and not ("trace_id" in record and is_hex(record["span_id"], SPAN_HEX)):
        return f"span_id must be {SPAN_HEX} hex digits and needs its trace_id"
    return None


def _body(client: Client, record: Mapping[str, Any]) -> bytes:
    told = {key: item for key, item in record.items() if item is not None}
    if "reason" in told:
        told["reason"] = to_text(told["reason"], _MAX_REASON_CHARS)[0]
    if "metadata" in told:
        told["metadata"] = {str(key): _scalar(item) for key, item in told["metadata"].items()}
    return json.dumps({"project": client.settings.project, **told}).encode()


def _scalar(value: Any) -> Any:
    """What the API keeps as metadata: text, numbers, yes and no; other values become text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return to_text(value, _MAX_REASON_CHARS)[0]


def score_sender(poster: Poster) -> Callable[[list[bytes]], Sent]:
    """How a batch of scores is sent: one request each, until one must wait. Sending a score again replaces it, so a retry is harmless."""

    def send(batch: list[bytes]) -> Sent:
        taken, refused, problem = 0, 0, ""
        for number, body in enumerate(batch):
            answer = poster.post(body, "application/json")
            if answer.verdict == "later":
                return Sent(taken, _refused(refused), len(batch) - number, answer.problem, answer.retry_after_s)
            if answer.verdict == "taken":
                taken += 1
            else:
                refused, problem = refused + 1, answer.problem
        return Sent(taken, _refused(refused), problem=problem)

    return send


def _refused(count: int) -> dict[str, int]:
    return {"refused by the server": count} if count else {}
