"""The one client of this process, if there is one, and what flows with the caller: session and user."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from clew.client.sender import Sender
from clew.client.settings import Settings

SESSION: ContextVar[str | None] = ContextVar("clew_session", default=None)
USER: ContextVar[str | None] = ContextVar("clew_user", default=None)

logger = logging.getLogger("clew")


class Recorder(Protocol):
    """Opens and closes spans; the OpenTelemetry side of the client, which is loaded by ``init`` and not before."""

    def open(self, name: str, attributes: Mapping[str, Any]) -> Any: ...

    def close(self, span: Any) -> None: ...

    def enter(self, span: Any) -> Any: ...

    def leave(self, token: Any) -> None: ...

    def fail(self, span: Any, error: BaseException | str) -> None: ...

    def ids(self, span: Any) -> tuple[str, str] | None: ...

    def current_ids(self) -> tuple[str, str] | None: ...


@dataclass(frozen=True)
class Client:
    """Everything that ``init`` made."""

    settings: Settings
    recorder: Recorder
    sender: Sender


_current: Client | None = None
_told: set[str] = set()


def current() -> Client | None:
    """The client that ``init`` set up; None before it and where the client is turned off: then nothing is recorded."""
    return _current


def replace(client: Client | None) -> Client | None:
    """Puts another client in place and gives back the one before."""
    global _current
    before, _current = _current, client
    return before


def trouble(doing: str, problem: Exception) -> None:
    """A fault of ours must not reach the host: it is told once by its type, never with content."""
    if doing not in _told:
        _told.add(doing)
        logger.warning("clew: %s failed with %s; the application goes on without it", doing, type(problem).__name__)
