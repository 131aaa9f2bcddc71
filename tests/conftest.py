"""What every test may ask for: the repository, the real data beside it, a running server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import clew_process

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the project."""
    return ROOT


@pytest.fixture(scope="session")
def field_data() -> Path:
    """The real public data beside the project; the test is skipped where there is none."""
    folder = Path(os.environ.get("CLEW_FIELD_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the real public data are not beside the project (../shared/data, or CLEW_FIELD_DATA)")
    return folder


@pytest.fixture
def serve_clew(tmp_path: Path) -> Iterator[Callable[..., clew_process.Server]]:
    """Starts ``clew serve`` with the options that are given; waits until it answers (and the demo is loaded, if asked for)."""
    servers: list[clew_process.Server] = []

    def start(*options: str, data: Path | None = None, **settings: str) -> clew_process.Server:
        server = clew_process.start(tmp_path, str(len(servers)), options, data, settings)
        servers.append(server)
        clew_process.wait_for(server, "the demo is loaded" if "--demo" in options else "Clew is ready")
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return clew_process.free_ports(1)[0]
