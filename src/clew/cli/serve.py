"""``clew serve``: the server in the foreground, until Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import sys
import webbrowser
from typing import Annotated

import structlog
import typer

from clew.cli.connection import Connection, Running, announce, at_home, withdraw
from clew.cli.demo import is_loaded, load_demo
from clew.cli.options import Data
from clew.cli.output import stderr
from clew.core.config import Settings, load_settings
from clew.core.errors import ClewError


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; loopback only.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Pages, API and OTLP over HTTP (7464).", show_default=False)] = None,
    otlp_http_port: Annotated[int | None, typer.Option(help="OTLP over HTTP (4318); 0 = off.", show_default=False)] = None,
    otlp_grpc_port: Annotated[int | None, typer.Option(help="OTLP over gRPC (4317); 0 = off.", show_default=False)] = None,
    memory: Annotated[str | None, typer.Option(help="Ceiling for the store's engine, e.g. '2 GiB'.", show_default=False)] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo where it is not loaded yet.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the pages in a browser where there is one.")] = False,
) -> None:
    """Serve the pages, the API and OTLP until Ctrl-C."""
    from clew.server import serve as run_server  # a second of imports that no other command needs

    log_to_stderr(logging.INFO)
    settings = load_settings(data=data, host=host, port=port, otlp_http_port=otlp_http_port, otlp_grpc_port=otlp_grpc_port, memory=memory)
    settings = at_home(settings)
    signal.signal(signal.SIGTERM, end)
    try:
        run_server(settings, ready=lambda url: greet(settings, url, demo=demo, open_browser=open_browser))
    except KeyboardInterrupt:
        pass
    finally:
        withdraw(settings)


def end(_signal: int, _frame: object) -> None:
    """Ends as Ctrl-C does. uvicorn raises its signal again once it has stopped; the default would end us before the store is closed."""
    raise KeyboardInterrupt


def greet(settings: Settings, url: str, *, demo: bool, open_browser: bool) -> None:
    """Says that the server is ready, and does what was asked for at its start."""
    announce(settings)
    print(f"Clew is ready at {url}", flush=True)
    stderr.print(f"OTLP is taken at {url}/v1/traces{also(settings)}; data in {settings.data}", highlight=False)
    if open_browser and has_browser():
        webbrowser.open(url)
    if demo:
        have_demo(Running(url))


def have_demo(connection: Connection) -> None:
    """Loads the demo where it is not loaded. The server goes on without it when that fails."""
    try:
        if not is_loaded(connection):
            load_demo(connection)
        print("the demo is loaded", flush=True)
    except ClewError as error:
        stderr.print(f"the demo could not be loaded: {error}", style="red", markup=False)


def also(settings: Settings) -> str:
    """The other ports that take OTLP, in words."""
    ports = [f"port {port} ({what})" for port, what in ((settings.otlp_http_port, "HTTP"), (settings.otlp_grpc_port, "gRPC")) if port]
    return f", {' and '.join(ports)}" if ports else ""


def has_browser() -> bool:
    """Whether opening a page can show it to somebody."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def log_to_stderr(level: int) -> None:
    """What the rooms log goes to stderr, so that stdout stays what the command prints."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level), logger_factory=structlog.PrintLoggerFactory(sys.stderr))
