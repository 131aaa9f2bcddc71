"""Runs a server until it is told to stop: the page port, the OpenTelemetry default ports, and an orderly end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import structlog
import uvicorn

from clew.core.config import Settings
from clew.core.errors import ConfigError
from clew.ingest import serve_grpc
from clew.server.app import build

log = structlog.get_logger(__name__)

BACKLOG = 512  # connections waiting to be accepted
GRACE_S = 5  # for requests that wait for their commit, and streams that nobody ends, when the server ends


def listen(host: str, port: int, what: str, setting: str) -> socket.socket:
    """A listening socket. Raises ConfigError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise ConfigError(f"port {port} for {what} cannot be used ({error.strerror}); stop what listens there, or set {setting}") from error
    sock.listen(BACKLOG)
    return sock


def serve(settings: Settings, *, ready: Callable[[str], None] | None = None) -> None:
    """Serves until SIGINT or SIGTERM. ``ready`` is called with the URL once requests are answered.

    Raises ConfigError when a port is taken and StoreLocked when another process holds the data directory.
    """
    sockets = [listen(settings.host, settings.port, "pages and API", "CLEW_PORT")]
    if settings.otlp_http_port and settings.otlp_http_port != settings.port:
        sockets.append(listen(settings.host, settings.otlp_http_port, "OTLP/HTTP", "CLEW_OTLP_HTTP_PORT (0 = off)"))
    app = build(settings)
    grpc_server = None
    try:
        if settings.otlp_grpc_port:
            grpc_server = serve_grpc(app.receiver, settings.host, settings.otlp_grpc_port)
        server = _Server(
            uvicorn.Config(
                app.asgi, log_config=None, access_log=False, server_header=False, date_header=False, timeout_graceful_shutdown=GRACE_S
            )
        )
        server.on_started = (lambda: ready(settings.url)) if ready else None
        log.info("server.ready", url=settings.url)
        server.run(sockets=sockets)
    finally:
        if grpc_server is not None:
            grpc_server.stop(GRACE_S).wait()
        app.close()


class _Server(uvicorn.Server):
    """uvicorn's server that says when it answers."""

    on_started: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self.on_started is not None:
            threading.Thread(target=self.on_started, name="clew-ready", daemon=True).start()
