"""Wires settings, lanes, sender and OpenTelemetry to one client. Loaded by ``clew.init`` and not before: all that is heavy hangs on it."""

from __future__ import annotations

from clew.client.export import OtelRecorder, attach_to_provider, span_sender, suppress_instrumentation
from clew.client.lane import Lane
from clew.client.post import Poster
from clew.client.scores import score_sender
from clew.client.sender import Sender
from clew.client.settings import Settings
from clew.client.state import Client


def connect(settings: Settings) -> Client:
    """A client that sends to where the settings say, its processor on the application's tracer provider."""
    sender = _sender(settings)
    return Client(settings, OtelRecorder(attach_to_provider(settings, sender)), sender)


def _sender(settings: Settings) -> Sender:
    limits, headers = settings.limits, dict(settings.headers)
    spans = Poster(settings.traces_url, headers, limits.request_timeout_s)
    scores = Poster(settings.scores_url, headers, limits.request_timeout_s)
    return Sender(
        Lane(
            span_sender(spans, settings.project),
            limits.buffered_spans,
            limits.buffered_bytes,
            min(limits.batch_spans, limits.buffered_spans),
            limits.batch_bytes,
        ),
        Lane(
            score_sender(scores),
            limits.buffered_scores,
            limits.buffered_bytes,
            min(limits.batch_spans, limits.buffered_scores),
            limits.batch_bytes,
        ),
        limits,
        target=settings.traces_url,
        on_thread_start=suppress_instrumentation,
    )
