"""Stores scores: the only writer of the table ``scores``. They arrive with telemetry or by the API and land in one form."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from clew.core.clock import now_ns
from clew.core.errors import InputError
from clew.core.ids import SPAN_HEX, TRACE_HEX, is_hex, new_id
from clew.core.jsontext import dumps
from clew.store import Encoded, Session, Store, load_statements
from clew.traces.canonical import evaluations
from clew.traces.dialects import EvaluationResult, carries_scores_sql
from clew.traces.otlp import SPAN_COLUMNS, row_to_span

SCOPES = ("span", "trace", "session")
SOURCES = ("person", "judge", "code", "user", "business")
MAX_NAME = 200  # characters of a score's name, label, author, version, identifier: they stand in columns and filters
MAX_REASON = 100_000  # characters of a reason or of metadata
_STRUCTURE = (
    "project_id UInt32, score_id String, scope String, trace_id String, span_id String, session_id String, name String, identifier String,"
    " value Nullable(Float64), label String, source String, author String, version String, reason String, metadata String,"
    " time_ns Int64, received_ns Int64"
)


@dataclass(frozen=True)
class NewScore:
    """A score on its way into the store; ids in hex, empty where the scope has none."""

    project_id: int
    scope: str
    name: str
    trace_id: str = ""
    span_id: str = ""
    session_id: str = ""
    identifier: str = ""
    value: float | None = None
    label: str = ""
    source: str = "code"
    author: str = ""
    version: str = ""
    reason: str = ""
    metadata: str = ""
    time_ns: int = 0
    score_id: str = field(default_factory=new_id)


@dataclass(frozen=True)
class ScoresStored:
    """How many scores were stored and why others were not."""

    stored: int
    refused: Mapping[str, int] = field(default_factory=dict)


def score_defect(score: NewScore) -> str | None:
    """Why a score cannot be kept: what was found and what was wanted; None when it can."""
    if not score.name.strip() or len(score.name) > MAX_NAME:
        return f"name is empty or longer than {MAX_NAME} characters"
    if score.scope not in SCOPES:
        return f"scope is {score.scope!r}; wanted one of {SCOPES!r}"
    if score.source not in SOURCES:
        return f"source is {score.source!r}; wanted one of {SOURCES!r}"
    if score.value is None and not score.label and not score.reason:
        return "neither value nor label nor reason is given"
    if score.value is not None and not math.isfinite(score.value):
        return "value is not a finite number"
    return _target_defect(score) or _length_defect(score)


def _target_defect(score: NewScore) -> str | None:
    if score.scope == "session":
        return None if score.session_id else "a session score needs session_id"
    if not is_hex(score.trace_id, TRACE_HEX):
        return "trace_id is not 32 hex digits"
    if score.scope == "span" and not is_hex(score.span_id, SPAN_HEX):
        return "span_id is not 16 hex digits"
    return None


def _length_defect(score: NewScore) -> str | None:
    short = (score.label, score.author, score.version, score.identifier, score.session_id)
    if any(len(text) > MAX_NAME for text in short):
        return f"label, author, version, identifier or session_id is longer than {MAX_NAME} characters"
    if max(len(score.reason), len(score.metadata)) > MAX_REASON:
        return f"reason or metadata is longer than {MAX_REASON} characters"
    return None


class ScoreWriter:
    """Validates and stores scores."""

    def __init__(self, store: Store) -> None:
        self._facts = store.facts
        sql = load_statements("clew.traces", "scores.sql")
        self._insert = sql["store_scores"]
        self._carriers = sql["staged_carriers"].fill(columns=SPAN_COLUMNS, carries_scores=carries_scores_sql())

    def store(self, scores: Sequence[NewScore]) -> ScoresStored:
        """Stores the good ones in one synced insert and says why the others were refused."""
        refused = Counter(defect for score in scores if (defect := score_defect(score)) is not None)
        good = [score for score in scores if score_defect(score) is None]
        if good:
            received = now_ns()
            lines = "".join(dumps(_row(score, received)) + "\n" for score in good)
            self._facts.load(self._insert, Encoded([lines.encode()], "JSONEachRow", _STRUCTURE))
        return ScoresStored(len(good), dict(refused))

    def store_one(self, score: NewScore) -> NewScore:
        """Stores one score. Raises InputError with what is wrong with it."""
        if (defect := score_defect(score)) is not None:
            raise InputError(f"this score cannot be kept: {defect}")
        self.store([score])
        return score

    def from_staging(self, session: Session) -> ScoresStored:
        """Stores the scores that the spans staged in a writer's session carry."""
        found: list[NewScore] = []
        for row in session.rows(self._carriers):
            span = row_to_span(row)
            found += [as_score(result, row["project_id"]) for result in evaluations(span)]
        return self.store(found)


def as_score(result: EvaluationResult, project_id: int) -> NewScore:
    """The score that an evaluation result found in telemetry stands for."""
    return NewScore(
        project_id=project_id,
        scope=result.scope,
        name=result.name,
        trace_id=result.trace_id,
        span_id=result.span_id,
        session_id=result.session_id,
        identifier=result.identifier,
        value=result.value,
        label=result.label,
        source=result.source,
        author=result.author,
        reason=result.explanation,
        metadata=result.metadata,
        time_ns=result.time_ns,
    )


def _row(score: NewScore, received_ns: int) -> dict[str, Any]:
    row = asdict(replace(score, time_ns=score.time_ns or received_ns))
    # The table's ids are fixed-width and binary; zero bytes stand for "none".
    row["trace_id"] = (score.trace_id if score.scope != "session" else "").ljust(TRACE_HEX, "0").lower()
    row["span_id"] = (score.span_id if score.scope == "span" else "").ljust(SPAN_HEX, "0").lower()
    row["received_ns"] = received_ns
    return row
