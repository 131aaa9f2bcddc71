"""The edge's guards: who may speak to a server that has no log-in, what a page may do, and how long a request may be.

A browser on this machine can be made to send requests here by any page it visits. So the Host must be a name of this machine (against
DNS rebinding), a request that changes something must not come from another origin, and a page runs only our own scripts.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clew.core.config import Settings

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_LIMIT = "/v1/"  # OTLP bounds its bodies itself, by a setting
BODY_BYTES = 1 << 20  # of any other request: a form, a score, a price
TOO_LONG = f"the body is more than {BODY_BYTES:,} bytes; send less in one request"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:/@?#\s]+))(?::\d{1,5})?", re.IGNORECASE)


def guard(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application with the guards around everything, its own answers to failures included."""
    return Guard(app, LOCAL_NAMES | {settings.host.lower().strip("[]")})


def host_name(host: str) -> str:
    """The name in a Host header, without its port; empty when it is not a host."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]).lower() if match else ""


class Guard:
    """ASGI middleware: checks Host, Origin and length, adds the security headers."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 403 for a stranger and 413 for too long a body, otherwise passes on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["method"], headers)
        bounded = not scope["path"].startswith(OWN_LIMIT)
        if refusal is not None:
            await _refuse(403, "forbidden", refusal)(scope, receive, send)
        elif bounded and _told_length(headers) > BODY_BYTES:
            await _refuse(413, "too_large", TOO_LONG)(scope, receive, send)
        else:
            await self._app(scope, _bounded(receive) if bounded else receive, _with_headers(send))

    def _refusal(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            return "this host name is not served here; use http://127.0.0.1 or http://localhost"
        origin = headers.get("origin")
        if method in SAFE_METHODS or origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return None
        return "requests from pages of another origin are refused"


def _told_length(headers: Headers) -> int:
    told = headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else 0


def _refuse(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status, headers=HEADERS)


def _with_headers(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            out = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                out.setdefault(name, value)
        await send(message)

    return send_guarded


def _bounded(receive: Receive) -> Receive:
    """Counts what comes: a body that does not tell its length is bounded too."""
    size = 0

    async def receive_bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_BYTES:
            raise HTTPException(413, TOO_LONG)
        return message

    return receive_bounded
