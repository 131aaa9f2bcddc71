"""``clew.init`` to ``clew.shutdown``: the only place of the client that wires."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping

from clew.client import state
from clew.client.sender import Delivery, Sender
from clew.client.settings import Limits, is_disabled, resolve

_lock = threading.Lock()
_hooked = False


def init(
    project: str | None = None,
    *,
    endpoint: str | None = None,
    api_endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    service: str | None = None,
    environment: str | None = None,
    capture_content: bool = True,
    limits: Limits | None = None,
) -> None:
    """Sends the spans of this process to Clew: those of ``clew.trace`` and ``clew.span``, and those of every OpenTelemetry instrumentation.

    Works beside an OpenTelemetry set-up that is there already. ``endpoint`` is a base URL; by default that of the OpenTelemetry variables,
    else ``http://127.0.0.1:7464``. ``capture_content=False`` keeps inputs and outputs at home. A second call changes where telemetry goes.
    Raises ConfigError for a setting that cannot be used; after that, nothing of Clew raises.
    """
    if is_disabled(os.environ):
        return
    settings = resolve(
        os.environ,
        project=project,
        endpoint=endpoint,
        api_endpoint=api_endpoint,
        headers=headers,
        service=service,
        environment=environment,
        capture_content=capture_content,
        limits=limits,
    )
    from clew.client.connect import connect  # here, since OpenTelemetry and HTTP cost who only imports clew 0.3 s

    with _lock:
        before = state.current()
        if before is not None and before.settings == settings:
            return
        state.replace(connect(settings))
        _hook_process()
    if before is not None:
        before.sender.close()


def flush(timeout_s: float = 5.0) -> bool:
    """Sends what waits, now. False where something could not be sent within the time, or Clew is away."""
    client = state.current()
    return client is None or client.sender.flush(timeout_s)


def shutdown(timeout_s: float | None = None) -> bool:
    """Flushes within the time (``Limits.exit_timeout_s``) and stops; happens by itself at exit."""
    client = state.replace(None)
    return client is None or client.sender.close(timeout_s)


def delivery() -> Delivery:
    """What became of this process's spans and scores: sent, waiting, dropped by reason."""
    client = state.current()
    return Delivery() if client is None else client.sender.delivery()


def current_trace_id() -> str | None:
    """The trace that is being recorded here and now, as 32 hex digits; None outside of one."""
    client = state.current()
    if client is None:
        return None
    try:
        ids = client.recorder.current_ids()
    except Exception as problem:
        state.trouble("reading the current trace", problem)
        return None
    return ids[0] if ids else None


def _hook_process() -> None:
    """Once a process: flush at exit, and stay whole over a fork."""
    global _hooked
    if _hooked:
        return
    _hooked = True
    atexit.register(shutdown)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


_forking: list[Sender] = []  # whose lock is held over the fork; a list, since init may run in another thread meanwhile


def _before_fork() -> None:
    client = state.current()
    if client is not None:
        client.sender.before_fork()
        _forking.append(client.sender)


def _after_fork_in_parent() -> None:
    while _forking:
        _forking.pop().after_fork_in_parent()


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    while _forking:
        _forking.pop().after_fork_in_child()
