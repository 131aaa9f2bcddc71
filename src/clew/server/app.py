"""Wires one server: its store, its writers, its ways in and its pages."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp

import clew.api as api
import clew.web as web
from clew.core.clock import now_ns
from clew.core.config import Settings
from clew.ingest import Journal, Ledger, Pipeline, Receiver, read_segment, routes
from clew.server.edge import guard
from clew.store import Store, open_store
from clew.traces import Projects
from clew.traces.scores import ScoreWriter
from clew.traces.write import SpanWriter
from clew.traces.write_logs import LogWriter

log = structlog.get_logger(__name__)


@dataclass
class App:
    """The parts of a running server that have to be ended in order."""

    settings: Settings
    store: Store
    pipeline: Pipeline
    receiver: Receiver
    asgi: ASGIApp

    def close(self) -> None:
        """Stores what is queued, then closes the store."""
        self.pipeline.stop()
        self.store.close()


def build(settings: Settings) -> App:
    """Opens the store and wires everything to it. Raises StoreLocked, StoreReadOnly or ConfigError."""
    store = open_store(settings.data, memory_bytes=settings.memory)
    scores = ScoreWriter(store)
    projects = Projects(store)
    journal = Journal(settings.data / "journal")
    # A process that stops in peace leaves an empty journal; a segment is forgotten only after all of its commits.
    spans = SpanWriter(store, scores, mend=bool(journal.left_over()))
    pipeline = Pipeline(
        {"spans": spans.commit, "logs": LogWriter(store, scores).commit},
        journal,
        Ledger(now_ns()),
        queue_bytes=settings.queue_bytes,
        queue_requests=settings.queue_requests,
        gather_ms=settings.group_commit_ms,
    )
    receiver = Receiver(pipeline, projects, max_body_bytes=settings.max_body_bytes)
    if recovered := pipeline.recover(read_segment, receiver.check):
        log.info("server.recovered", requests=recovered)
    pipeline.start()
    return App(settings, store, pipeline, receiver, _asgi(settings, store, projects, scores, pipeline, receiver))


def _asgi(settings: Settings, store: Store, projects: Projects, scores: ScoreWriter, pipeline: Pipeline, receiver: Receiver) -> ASGIApp:
    asgi = FastAPI(title="Clew", version=api.VERSION, docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    asgi.state.store = store
    asgi.state.projects = projects
    asgi.state.scores = scores
    asgi.state.ledger = pipeline.state
    asgi.state.book = pipeline.ledger.settle
    asgi.state.settings = settings
    asgi.router.routes.extend(routes(receiver))
    api.mount(asgi)
    web.mount(asgi)
    return guard(asgi, settings)
