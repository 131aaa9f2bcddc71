"""Reads back over the API what a client sent, as a person's program would."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from openai_server import Call


@dataclass(frozen=True)
class ReadSpan:
    """One span as the API gives it: its row in lists, its canonical columns, and what it means (messages, tools, documents)."""

    row: dict[str, Any]
    record: dict[str, Any]
    meaning: dict[str, Any]
    otlp: dict[str, Any]  # as it was sent
    scores: list[dict[str, Any]]

    @property
    def kind(self) -> str:
        return str(self.row["kind"])

    @property
    def said(self) -> str:
        """The words of the answer."""
        return "\n".join(part["text"] for part in self._parts("messages_out") if part["type"] == "text")

    @property
    def asked(self) -> str:
        """The words of the user's last turn."""
        texts = [
            "\n".join(part["text"] for part in message["parts"] if part["type"] == "text")
            for message in self.meaning["messages_in"]
            if message["role"] == "user"
        ]
        return next((text for text in reversed(texts) if text), "")

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        return [part for part in self._parts("messages_out") if part["type"] == "tool_call"]

    @property
    def tool_results(self) -> list[dict[str, Any]]:
        return [part for part in self._parts("messages_in") if part["type"] == "tool_result"]

    def _parts(self, side: str) -> list[dict[str, Any]]:
        return [part for message in self.meaning[side] for part in message["parts"]]


class Api:
    """``/api/v1`` of a running server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/api/v1", timeout=30)

    def get(self, path: str, **params: Any) -> Any:
        answer = self._http.get(path, params=params)
        answer.raise_for_status()
        return answer.json()

    def spans(self, project: str) -> list[ReadSpan]:
        """Every span of the project, by start."""
        found = []
        for trace in self.get(f"/projects/{project}/traces", limit=200)["items"]:
            trace_id = trace["root"]["trace_id"]
            for node in self.get(f"/projects/{project}/traces/{trace_id}")["nodes"]:
                detail = self.get(f"/projects/{project}/traces/{trace_id}/spans/{node['span']['span_id']}")
                found.append(ReadSpan(node["span"], detail["record"], detail.get("canonical", {}), detail["otlp"], detail["scores"]))
        return sorted(found, key=lambda span: int(span.row["start_ns"]))

    def wait_until_stored(self, timeout_s: float = 20) -> None:
        """Waits until every request that was taken is readable."""
        wait_for(lambda: self.get("/ingest")["queued_requests"] == 0, timeout_s)


@dataclass(frozen=True)
class Outcome:
    """What one program asked the provider, and what Clew tells of it."""

    project: str
    session: str
    calls: list[Call]
    spans: list[ReadSpan]

    def of_kind(self, *kinds: str) -> list[ReadSpan]:
        return [span for span in self.spans if span.kind in kinds]


@dataclass(frozen=True)
class Running:
    """A server's addresses."""

    api: Api
    http: str
    grpc: str


def wait_for(done: Callable[[], bool], timeout_s: float) -> None:
    """Polls until it is so; fails after the time."""
    deadline = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
