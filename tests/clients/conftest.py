"""One Clew server, one provider and one environment of clients for all programs; each program runs once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.environment import NoIndex, python_of_the_clients
from clients.reading import Api, Outcome, Running
from openai_server import OpenAIServer

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def clients_python() -> Path:
    try:
        return python_of_the_clients()
    except NoIndex as problem:
        pytest.skip(f"the real clients are not installed here: {problem}")


@pytest.fixture(scope="session")
def provider() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture(scope="session")
def clew_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real server on free ports."""
    folder = tmp_path_factory.mktemp("clew")
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    port, http_port, grpc_port = (item.getsockname()[1] for item in sockets)
    for item in sockets:
        item.close()
    ports = ["--port", str(port), "--otlp-http-port", str(http_port), "--otlp-grpc-port", str(grpc_port)]
    command = [sys.executable, "-m", "clew", "serve", "--data", str(folder / "data"), *ports]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    if not any("Clew is ready" in line for line in process.stdout):
        pytest.fail((folder / "log").read_text())
    yield Running(Api(f"http://127.0.0.1:{port}"), f"http://127.0.0.1:{http_port}", f"http://127.0.0.1:{grpc_port}")
    process.terminate()
    process.wait(30)


@pytest.fixture(scope="session")
def outcome_of(clients_python: Path, provider: OpenAIServer, clew_server: Running) -> Callable[..., Outcome]:
    """Runs a program (once) and reads back what it sent: ``outcome_of("with_plain_sdk", "grpc")``."""
    done: dict[tuple[str, ...], Outcome] = {}

    def outcome(*words: str) -> Outcome:
        if words not in done:
            before = len(provider.calls)
            project = "-".join(words)
            run_program(clients_python, words, program_environ(project, provider, clew_server, grpc="grpc" in words))
            clew_server.api.wait_until_stored()
            done[words] = Outcome(project, f"session of {project}", provider.calls[before:], clew_server.api.spans(project))
        return done[words]

    return outcome


def program_environ(project: str, provider: OpenAIServer, clew_server: Running, *, grpc: bool) -> dict[str, str]:
    """What an application's environment would hold: the addresses of the provider and of Clew."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "CLEW_", "OPENAI_", "ANTHROPIC_", "PYTHON"))}
    return {
        **kept,
        "PROJECT": project,
        "SESSION": f"session of {project}",
        "OPENAI_BASE_URL": provider.openai_url,
        "OPENAI_API_KEY": "no key",
        "ANTHROPIC_BASE_URL": provider.anthropic_url,
        "ANTHROPIC_API_KEY": "no key",
        "OTEL_EXPORTER_OTLP_ENDPOINT": clew_server.grpc if grpc else clew_server.http,
    }


def run_program(python: Path, words: tuple[str, ...], environ: dict[str, str]) -> None:
    """Runs one program of the clients; fails with what it wrote."""
    name, *arguments = words
    command = [str(python), str(PROGRAMS / f"{name}.py"), *arguments]
    report = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert report.returncode == 0, report.stderr
