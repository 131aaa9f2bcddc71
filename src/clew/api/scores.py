"""Scores that people and programs send."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from clew.api.common import MAX_NS
from clew.api.errors import ANSWERS
from clew.core.errors import InputError
from clew.core.jsontext import dumps
from clew.traces.scores import NewScore

router = APIRouter(tags=["scores"])


class ScoreIn(BaseModel):
    """One judgement about one target. The target is a span (trace_id and span_id), a trace (trace_id) or a session (session_id)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    project: str = Field(min_length=1, max_length=200, description="made on first sight")
    name: str = Field(min_length=1, max_length=200)
    value: float | None = Field(None, allow_inf_nan=False, description="a number; yes/no as 1/0")
    label: str = Field("", max_length=200)
    trace_id: str = Field("", description="32 hex digits")
    span_id: str = Field("", description="16 hex digits")
    session_id: str = Field("", max_length=200)
    source: Literal["person", "judge", "code", "user", "business"] = "code"
    author: str = Field("", max_length=200)
    version: str = Field("", max_length=200)
    reason: str = Field("", max_length=100_000)
    identifier: str = Field("", max_length=200, description="tells several scores of one name on one target apart")
    metadata: dict[str, str | float | bool | None] = Field(default_factory=dict)
    time_ns: int | None = Field(None, ge=0, le=MAX_NS, description="when it was judged; now unless given")


class ScoreStored(BaseModel):
    """The score as it was stored."""

    score_id: str
    scope: str


def named(project: str) -> str:
    """The project's name as it is kept. Raises InputError when nothing is left of it."""
    name = project.strip()
    if not name:
        raise InputError(f"found the project {project!r}; wanted a name")
    return name


@router.post("/scores", status_code=201, summary="Store a score", responses=ANSWERS)
def post_score(request: Request, score: ScoreIn) -> ScoreStored:
    """Returns after the score is synced. The same scope, target, name and identifier again replaces the older one."""
    scope = "span" if score.span_id else "trace" if score.trace_id else "session"
    new = NewScore(
        project_id=request.app.state.projects.id(named(score.project)),
        scope=scope,
        name=score.name,
        trace_id=score.trace_id,
        span_id=score.span_id,
        session_id=score.session_id,
        identifier=score.identifier,
        value=score.value,
        label=score.label,
        source=score.source,
        author=score.author,
        version=score.version,
        reason=score.reason,
        metadata=dumps(score.metadata) if score.metadata else "",
        time_ns=score.time_ns or 0,
    )
    try:
        stored = request.app.state.scores.store_one(new)
    except InputError:
        request.app.state.book("scores", refused={"not a score that can be kept": 1})
        raise
    request.app.state.book("scores", stored=1)
    return ScoreStored(score_id=stored.score_id, scope=scope)
