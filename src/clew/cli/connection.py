"""How a command reaches the product: over HTTP where a server runs on the data directory, else the same API in this process.

A command sees no difference: both answer the same paths with the same bytes. The store is opened here only where no server holds it.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

from clew.core.config import Settings
from clew.core.errors import ClewError
from clew.core.jsontext import dumps, loads_or_none

if TYPE_CHECKING:
    from clew.server import App

ANNOUNCEMENT = "server.json"  # in the data directory: where the server that holds it answers
TIMEOUT_S = 300.0  # one answer of an export may take this long to begin

Sink = Callable[[bytes], Any]


class Refused(ClewError):
    """The server answered with an error; ``status`` is HTTP's, ``details`` what it said beside the message."""

    def __init__(self, message: str, *, status: int, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = dict(details or {})


class Unreachable(ClewError):
    """No server answers at the address that was given."""

    permanent = False


@dataclass(frozen=True)
class Answer:
    """An answer; ``body`` is empty when it went into a sink."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises Refused with the server's own words when the status is not 2xx."""
        told = loads_or_none(self.body.decode("utf-8", "replace"))
        if 200 <= self.status < 300:
            return told
        raise refused(self.status, told)


def refused(status: int, told: Any) -> Refused:
    """The error for an answer, from the one error shape of the API or from OTLP's status."""
    error = told.get("error", told) if isinstance(told, dict) else {}
    message = error.get("message") if isinstance(error, dict) else None
    return Refused(str(message or f"the server answered {status}"), status=status, details=error if isinstance(error, dict) else None)


class Connection(Protocol):
    """Sends requests to the product. Thread-safe."""

    def request(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, sink: Sink | None = None
    ) -> Answer:
        """One request. The body of a 2xx answer goes into ``sink`` piece by piece when there is one."""

    def close(self) -> None:
        """Ends it; what was sent is stored."""


@dataclass
class Running:
    """A server at an address."""

    url: str

    def request(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, sink: Sink | None = None
    ) -> Answer:
        """One request over a connection of its own."""
        address = urlsplit(self.url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = kind(address.hostname or "127.0.0.1", address.port, timeout=TIMEOUT_S)
        try:
            try:
                connection.request(method, path, body=body or None, headers=dict(headers or {}))
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(f"no server answers at {self.url} ({error or type(error).__name__}); is 'clew serve' running?") from error
            told = {name.lower(): value for name, value in answer.getheaders()}
            pieces = self._pieces(answer)
            if sink is None or not 200 <= answer.status < 300:
                return Answer(answer.status, told, b"".join(pieces))
            for piece in pieces:
                sink(piece)
            return Answer(answer.status, told, b"")
        finally:
            connection.close()

    def _pieces(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while piece := answer.read1(1 << 16):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.url} broke off in the middle of its answer ({error or type(error).__name__})") from error

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass
class InProcess:
    """The same application without a socket, on the store of this process."""

    app: App
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        threading.Thread(target=self._loop.run_forever, name="clew-in-process", daemon=True).start()

    def request(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, sink: Sink | None = None
    ) -> Answer:
        """One request, answered by the application on a loop in the background."""
        return asyncio.run_coroutine_threadsafe(self._call(method, path, body, headers or {}, sink), self._loop).result()

    async def _call(self, method: str, path: str, body: bytes, headers: Mapping[str, str], sink: Sink | None) -> Answer:
        address = urlsplit(path)
        told = {"host": f"127.0.0.1:{self.app.settings.port}", "content-length": str(len(body)), **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": address.path,
            "raw_path": address.path.encode(),
            "query_string": address.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in told.items()],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", self.app.settings.port),
        }
        exchange = _Exchange(body, sink)
        await self.app.asgi(scope, exchange.receive, exchange.send)
        return Answer(exchange.status, exchange.headers, b"".join(exchange.pieces))

    def close(self) -> None:
        """Stores what is queued and gives the data directory free."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.app.close()


@dataclass
class _Exchange:
    """The two callables of ASGI for one request whose body is at hand."""

    body: bytes
    sink: Sink | None
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=list)
    _sent: bool = False

    async def receive(self) -> dict[str, Any]:
        """The body, then nothing more: this client never hangs up."""
        if self._sent:
            await asyncio.Event().wait()
        self._sent = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Any) -> None:
        """Takes the answer apart."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif piece := message.get("body", b""):
            if self.sink is not None and 200 <= self.status < 300:
                self.sink(piece)
            else:
                self.pieces.append(piece)


def announce(settings: Settings) -> None:
    """Leaves the server's address in its data directory, for commands on the same directory."""
    text = dumps({"url": settings.url, "pid": os.getpid()})
    (settings.data / ANNOUNCEMENT).write_text(text, encoding="utf-8")


def withdraw(settings: Settings) -> None:
    """Takes the address back when the server ends; another process's stays."""
    told = _announcement(settings.data)
    if told is not None and told[1] == os.getpid():
        (settings.data / ANNOUNCEMENT).unlink(missing_ok=True)


def announced(data: Path) -> str | None:
    """The address of the server that holds the directory, where it still lives and answers."""
    told = _announcement(data)
    if told is None or not _lives(told[1]):
        return None
    try:
        Running(told[0]).request("GET", "/api/v1/ingest")
    except Unreachable:
        return None
    return told[0]


def _announcement(data: Path) -> tuple[str, int] | None:
    try:
        told = json.loads((data / ANNOUNCEMENT).read_text(encoding="utf-8"))
        return str(told["url"]), int(told["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # another user's process
        return True
    except OSError:
        return False
    return True


@contextmanager
def connect(settings: Settings, url: str | None = None) -> Iterator[Connection]:
    """The way to the product: the address that was told, else the server on the data directory, else the store itself."""
    address = url or announced(settings.data)
    connection: Connection = Running(address) if address else _open(settings)
    try:
        yield connection
    finally:
        connection.close()


def _open(settings: Settings) -> InProcess:
    from clew.server import build  # a second of imports, spared where a server runs

    return InProcess(build(at_home(settings)))


def at_home(settings: Settings) -> Settings:
    """Makes the data directory this process's working directory: the engine leaves a cache of schemas in whichever that is."""
    data = settings.data.absolute()
    with suppress(OSError):  # what is wrong with the directory is told by the store, which opens it next
        data.mkdir(parents=True, exist_ok=True)
        os.chdir(data)
    return replace(settings, data=data)


def query(path: str, **params: Any) -> str:
    """A path with its parameters; those that are None are left out."""
    given = {key: value for key, value in params.items() if value is not None}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path
