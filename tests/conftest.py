"""What every test may ask for: the repository, the real data beside it, a running server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

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


@dataclass
class Server:
    """A real server in a process of its own, on free ports and in a data directory of its own."""

    url: str
    environ: dict[str, str]
    process: subprocess.Popen[str]
    log: Path

    def stop(self) -> int:
        """Ends it as Ctrl-C does; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


@pytest.fixture
def serve_clew(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts ``clew serve`` with the options that are given; waits until it answers (and the demo is loaded, if asked for)."""
    servers: list[Server] = []

    def start(*options: str, data: Path | None = None, **settings: str) -> Server:
        port, http_port, grpc_port = free_ports(3)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CLEW_")}
        environ = {
            **kept,
            "CLEW_DATA": str(data or tmp_path / f"data{len(servers)}"),
            "CLEW_PORT": str(port),
            "CLEW_OTLP_HTTP_PORT": str(http_port),
            "CLEW_OTLP_GRPC_PORT": str(grpc_port),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            **settings,
        }
        log = tmp_path / f"server{len(servers)}.log"
        process = subprocess.Popen(
            [sys.executable, "-m", "clew", "serve", *options],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log.open("w"),
            text=True,
        )
        server = Server(f"http://127.0.0.1:{port}", environ, process, log)
        servers.append(server)
        wait_for(server, "the demo is loaded" if "--demo" in options else "Clew is ready")
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


def wait_for(server: Server, words: str) -> None:
    """Reads what the server prints until the words come."""
    assert server.process.stdout is not None
    for line in server.process.stdout:
        if words in line:
            return
    pytest.fail(f"the server ended with {server.process.wait()}:\n{server.log.read_text(encoding='utf-8')[-4000:]}")
