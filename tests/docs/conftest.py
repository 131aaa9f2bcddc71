"""A real server for each page, and the ways in which its blocks are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pages
import pytest

PORTS = {"7464": "CLEW_PORT", "4318": "CLEW_OTLP_HTTP_PORT", "4317": "CLEW_OTLP_GRPC_PORT"}
COMMAND_TIMEOUT_S = 120


@dataclass
class Runner:
    """Runs the blocks of one page in order, in a folder of its own, beside a server of its own."""

    folder: Path
    environ: dict[str, str]
    worker: subprocess.Popen[str]

    def run(self, block: pages.Block) -> None:
        """Runs one block; fails the test with the page's line when it does not do what the page says."""
        {"python": self._python, "sh": self._script, "console": self._console}[block.language](block)

    def _here(self, text: str) -> str:
        # Pages name the default ports; the server of this page listens elsewhere.
        return re.sub(r"((?:127\.0\.0\.1|localhost):)(7464|4318|4317)\b", lambda m: m[1] + self.environ[PORTS[m[2]]], text)

    def _python(self, block: pages.Block) -> None:
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        told = {"page": block.page, "line": block.line, "text": self._here(block.text)}
        self.worker.stdin.write(json.dumps(told) + "\n")
        self.worker.stdin.flush()
        answer = json.loads(self.worker.stdout.readline() or '{"error": "the interpreter ended"}')
        assert not answer["error"], f"{block.page}:{block.line}\n{answer['error']}"

    def _script(self, block: pages.Block) -> None:
        text = "\n".join(line.removeprefix("$ ") for line in block.text.splitlines())
        self._shell(block, text)

    def _console(self, block: pages.Block) -> None:
        for command, shown in pages.commands(block):
            printed = self._shell(block, command)
            if shown.strip():
                assert pages.matches(self._here(shown), printed), f"{block.page}:{block.line}\n$ {command}\n{printed}"

    def _shell(self, block: pages.Block, text: str) -> str:
        report = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(text)],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert report.returncode == 0, f"{block.page}:{block.line}\n$ {text}\n{report.stdout}{report.stderr}"
        return report.stdout


@pytest.fixture
def page_runner(serve_clew: Callable[..., object], tmp_path: Path, repository: Path) -> Iterator[Callable[[set[str]], Runner]]:
    """Makes the runner for a page that needs some things."""
    workers: list[subprocess.Popen[str]] = []

    def make(needs: set[str]) -> Runner:
        server = serve_clew(*(["--demo"] if "demo" in needs else []))
        folder = tmp_path / "page"
        folder.mkdir()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environ = {**server.environ, "PATH": path, "CLEW_ENDPOINT": server.url, "NO_COLOR": "1", "COLUMNS": "160"}
        if "repository" in needs:
            (folder / "repository").symlink_to(repository)
        worker = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        workers.append(worker)
        return Runner(folder, environ, worker)

    yield make
    for worker in workers:
        worker.kill()
        worker.wait()
