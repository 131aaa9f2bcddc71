"""What came in: the ledger as JSON and in Prometheus' text form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import PlainTextResponse

from clew.api.errors import ANSWERS

router = APIRouter(tags=["ingest"], responses=ANSWERS)
metrics_router = APIRouter()


class Account(BaseModel):
    """Records of one signal since the server started: received = stored + duplicates + the sum of refused."""

    received: int
    stored: int
    duplicates: int
    replaced: int
    refused: dict[str, int]


class LedgerAnswer(BaseModel):
    """The ledger at one moment; times and lags in nanoseconds, sizes in bytes after inflation."""

    since_ns: int
    accounts: dict[str, Account]
    requests: dict[str, int]
    bytes_received: int
    commits: int
    queued_requests: int
    queued_bytes: int
    queue_limit_bytes: int
    last_commit_ns: int | None
    lag_ns: int | None
    longest_lag_ns: int | None


class HealthAnswer(BaseModel):
    """The server answers."""

    status: Literal["ok"] = "ok"


@router.get("/ingest", summary="What came in and what became of it")
def ingest(request: Request) -> LedgerAnswer:
    """The ledger since the server started."""
    return LedgerAnswer.model_validate(asdict(request.app.state.ledger()))


@router.get("/health", summary="Whether requests are answered")
def health() -> HealthAnswer:
    """Answered once the store is open."""
    return HealthAnswer()


@metrics_router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> PlainTextResponse:
    """The ledger for Prometheus."""
    return PlainTextResponse("\n".join(lines(asdict(request.app.state.ledger()))) + "\n", media_type="text/plain; version=0.0.4")


def lines(state: dict[str, Any]) -> Iterator[str]:
    """Prometheus' text exposition of a ledger."""
    for outcome in ("received", "stored", "duplicates", "replaced"):
        yield f"# TYPE clew_ingest_{outcome}_total counter"
        for signal, account in state["accounts"].items():
            yield f'clew_ingest_{outcome}_total{{signal="{signal}"}} {account[outcome]}'
    yield "# TYPE clew_ingest_refused_total counter"
    for signal, account in state["accounts"].items():
        for reason, count in account["refused"].items():
            yield f'clew_ingest_refused_total{{signal="{signal}",reason="{label(reason)}"}} {count}'
    yield "# TYPE clew_ingest_requests_total counter"
    for outcome, count in state["requests"].items():
        yield f'clew_ingest_requests_total{{outcome="{label(outcome)}"}} {count}'
    yield from _gauge("clew_ingest_bytes_total", state["bytes_received"], "counter")
    yield from _gauge("clew_ingest_commits_total", state["commits"], "counter")
    yield from _gauge("clew_ingest_queued_requests", state["queued_requests"])
    yield from _gauge("clew_ingest_queued_bytes", state["queued_bytes"])
    if state["lag_ns"] is not None:
        yield from _gauge("clew_ingest_lag_seconds", state["lag_ns"] / 1e9)


def _gauge(name: str, value: float, kind: str = "gauge") -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    yield f"{name} {value}"


def label(text: str) -> str:
    """A label's value with what would end it escaped."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
