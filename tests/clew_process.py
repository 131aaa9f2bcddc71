"""A real server in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


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


def wait_for(server: Server, words: str) -> None:
    """Reads what the server prints until the words come."""
    assert server.process.stdout is not None
    for line in server.process.stdout:
        if words in line:
            return
    pytest.fail(f"the server ended with {server.process.wait()}:\n{server.log.read_text(encoding='utf-8')[-4000:]}")


def start(folder: Path, name: str, options: tuple[str, ...], data: Path | None, settings: dict[str, str]) -> Server:
    """Starts ``clew serve`` on free ports; its output goes to ``folder``."""
    port, http_port, grpc_port = free_ports(3)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CLEW_")}
    environ = {
        **kept,
        "CLEW_DATA": str(data or folder / f"data-{name}"),
        "CLEW_PORT": str(port),
        "CLEW_OTLP_HTTP_PORT": str(http_port),
        "CLEW_OTLP_GRPC_PORT": str(grpc_port),
        "XDG_CONFIG_HOME": str(folder / "config"),
        **settings,
    }
    log = folder / f"server-{name}.log"
    command = [sys.executable, "-m", "clew", "serve", *options]
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True)
    return Server(f"http://127.0.0.1:{port}", environ, process, log)
