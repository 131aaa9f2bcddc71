"""The way in that HTTP and gRPC share: inflate, decode JSON where it is JSON, check, queue, and tell what was rejected."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from clew.ingest.check import Checked, check_logs, check_traces
from clew.ingest.inflate import inflate
from clew.ingest.journal import Entry
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

    def receive(self, entry: Entry) -> Received:
        """Inflates, checks and queues one request.

        Raises InputError when it is not OTLP, TooLarge above the limit, Overloaded when the queue is full.
        """
        checked, reasons, size = self._check(entry)
        done = self._pipeline.submit(entry, checked)
        self.ledger.request("accepted", size)
        return Received(done, sum(checked.refused.values()), explain(checked, reasons))

    def check(self, entry: Entry) -> Checked:
        """What ``receive`` makes of an entry, for one that was accepted before."""
        return self._check(entry)[0]

    def _check(self, entry: Entry) -> tuple[Checked, list[str], int]:
        plain = inflate(entry.body, entry.encoding, self.max_body_bytes)
        reasons: list[str] = []
        message: Any = plain
        if entry.is_json:
            message, reasons = (json_to_traces if entry.signal == "spans" else json_to_logs)(plain)
        check = check_traces if entry.signal == "spans" else check_logs
        checked = check(message, entry.project, self._projects.id, entry.received_ns)
        if reasons:
            checked = replace(checked, refused=Counter(checked.refused) + Counter({"not valid OTLP/JSON": len(reasons)}))
        return checked, reasons, len(plain)


def explain(checked: Checked, reasons: list[str]) -> str:
    """What was rejected, in a sentence a sender can log."""
    counted = [f"{count} × {reason}" for reason, count in checked.refused.items()]
    mended = [f"{checked.mended} texts were not UTF-8 and are kept with U+FFFD in place of the bad bytes"] if checked.mended else []
    return "; ".join(counted + reasons[:MAX_REASONS] + mended)
