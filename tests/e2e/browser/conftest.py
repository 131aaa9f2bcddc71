"""A real server with the demo and more in it, and Chromium in front of it. Skipped, with the reason, where there is no Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.conftest import ROOT
from tests.web.spans import Step, Trace, agent_trace, otlp

import clew_process
from clew_process import Server

SLASHED = 'team/shop ~"><script>window.hit = 1</script>'
DEEP = Trace(
    99,
    (
        Step("root", {"gen_ai.operation.name": "invoke_agent"}, None, 0, 900_000),
        *(Step(f"step {i}", {}, 0, i * 80, 60, "broken" if i == 5_000 else "") for i in range(1, 10_000)),
    ),
)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo, a trace of 10,000 spans, and a project whose name and contents are hostile."""
    server = clew_process.start(tmp_path_factory.mktemp("browser"), "browser", ("--demo",), None, {})
    try:
        clew_process.wait_for(server, "the demo is loaded")
        send(server, "deep", DEEP)
        words = '"><script>window.hit = 1</script><img src=x onerror="window.hit = 1">'
        send(server, SLASHED, agent_trace(7, words=words, answer=words, error=words, session=f"a/b{words}", user=words, tool=words))
        yield server
    finally:
        server.process.kill()
        server.process.wait()


def send(server: Server, project: str, *traces: Trace) -> None:
    """Sends traces and waits until they can be read."""
    before = stored(server)
    answer = httpx.post(f"{server.url}/v1/traces", json=otlp(project, traces), timeout=60)
    assert answer.status_code == 200, answer.text
    until = time.monotonic() + 60
    while stored(server) < before + sum(len(trace.steps) for trace in traces):
        assert time.monotonic() < until, "what was sent did not become readable in a minute"
        time.sleep(0.05)


def stored(server: Server) -> int:
    """How many spans the server has booked."""
    return int(httpx.get(f"{server.url}/api/v1/ingest", timeout=30).json()["accounts"]["spans"]["received"])


@pytest.fixture(scope="session")
def airline(server: Server, field_data: Path) -> str:
    """The real conversations of an airline agent, in a project of their own beside the demo's."""
    file = field_data / "airline_agent" / "traces.otlp.jsonl.gz"
    command = [sys.executable, "-m", "clew", "import", "otlp", "--url", server.url, "--project", "airline-real", str(file)]
    subprocess.run(command, env=server.environ, check=True, capture_output=True)
    return "airline-real"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = os.environ.get("CLEW_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium here (apt-get install chromium, or CLEW_TEST_CHROMIUM)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script."""
    file = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
    if not file.is_file():
        pytest.skip("axe-core is not here (npm ci in tests/e2e/browser)")
    return file.read_text(encoding="utf-8")


@dataclass
class Seen:
    """What went wrong in a page while it was looked at."""

    wrong: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Notes console errors, uncaught errors, failed requests and answers of 400 and above."""
        page.on("console", lambda message: self.wrong.append(f"console: {message.text}") if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(f"uncaught: {error}"))
        page.on(
            "requestfailed", lambda request: self.wrong.append(f"failed: {request.url}") if request.failure != "net::ERR_ABORTED" else None
        )
        page.on("response", lambda answer: self.wrong.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))


Look = Callable[..., Page]


@pytest.fixture
def look(chromium: Browser, server: Server) -> Iterator[Look]:
    """Opens a path in a fresh context; at the end nothing may have gone wrong in it."""
    expect.set_options(timeout=20_000)  # the machine that runs the tests may be busy
    contexts: list[BrowserContext] = []
    seen = Seen()

    def open_page(path: str, *, theme: str = "light", width: int = 1440, height: int = 900, script: bool = True) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id="UTC",
            reduced_motion="reduce",
            java_script_enabled=script,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        seen.watch(page)
        page.goto(server.url + path)
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen.wrong == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots are left to be looked at."""
    folder = ROOT / ".make" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
