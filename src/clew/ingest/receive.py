"""The way in that HTTP and gRPC share: decode JSON where it is JSON, check, queue, and tell what was rejected."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from clew.ingest.check import Checked, check_logs, check_traces
from clew.ingest.ledger import Ledger
from clew.ingest.pipeline import Pipeline
from clew.traces import Projects
from clew.traces.otlp import json_to_logs, json_to_traces

MAX_REASONS = 5  # in a partial_success message; the ledger counts them all


@dataclass(frozen=True)
class Received:
    """A request that was taken: done after its commit, with what was rejected and why."""

    done: Future[None]
    rejected: int
    explanation: str


class Receiver:
    """Takes requests of every protocol into the pipeline."""

    def __init__(self, pipeline: Pipeline, projects: Projects, *, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self._pipeline = pipeline
        self._projects = projects

    @property
    def ledger(self) -> Ledger:
        """Where outcomes are booked."""
        return self._pipeline.ledger

    def receive(self, signal: str, body: bytes | Any, *, is_json: bool, project: str, received_ns: int) -> Received:
        """Checks and queues one inflated request. Raises InputError when it is not OTLP, Overloaded when the queue is full."""
        reasons: list[str] = []
        size = len(body) if isinstance(body, bytes) else body.ByteSize()
        if is_json:
            body, reasons = (json_to_traces if signal == "spans" else json_to_logs)(body)
        check = check_traces if signal == "spans" else check_logs
        checked = check(body, project, self._projects.id, received_ns)
        if reasons:
            checked = replace(checked, refused=Counter(checked.refused) + Counter({"not valid OTLP/JSON": len(reasons)}))
        done = self._pipeline.submit(signal, checked)
        self.ledger.request("accepted", size)
        return Received(done, sum(checked.refused.values()), explain(checked, reasons))


def explain(checked: Checked, reasons: list[str]) -> str:
    """What was rejected, in a sentence a sender can log."""
    counted = [f"{count} × {reason}" for reason, count in checked.refused.items()]
    mended = [f"{checked.mended} texts were not UTF-8 and are kept with U+FFFD in place of the bad bytes"] if checked.mended else []
    return "; ".join(counted + reasons[:MAX_REASONS] + mended)
