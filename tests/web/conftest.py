"""A server's pages over a store of their own, without a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from tests.web.spans import Trace, otlp

from clew.core.config import load_settings
from clew.server import build

Send = Callable[..., None]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the whole application over an empty store."""
    app = build(load_settings({"CLEW_DATA": str(tmp_path_factory.mktemp("web") / "data")}))
    try:
        with TestClient(app.asgi, base_url="http://127.0.0.1:7464", follow_redirects=False) as client:
            yield client
    finally:
        app.close()


@pytest.fixture(scope="module")
def send(client: TestClient) -> Send:
    """Sends traces to a project and waits until they can be read."""

    def post(project: str, *traces: Trace) -> None:
        before = settled(client)
        answer = client.post("/v1/traces", json=otlp(project, traces))
        assert answer.status_code == 200, answer.text
        spans = sum(len(trace.steps) for trace in traces)
        until = time.monotonic() + 20
        while settled(client) < before + spans:
            assert time.monotonic() < until, "what was sent did not become readable in 20 s"
            time.sleep(0.02)

    return post


def settled(client: TestClient) -> int:
    """How many spans are stored, known or refused so far."""
    return int(client.get("/api/v1/ingest").json()["accounts"]["spans"]["received"])
