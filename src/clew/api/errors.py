"""The one error form: ``{"error": {"code", "message", "position"?, "expected"?}}`` and the one table from our errors to HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match

from clew.core.errors import ClewError, FilterError, InputError, NotFound, Overloaded, StoreError, StoreFull, TooLarge

log = structlog.get_logger(__name__)

STATUS: tuple[tuple[type[ClewError], int, str], ...] = (
    (NotFound, 404, "not_found"),
    (FilterError, 400, "bad_filter"),
    (TooLarge, 413, "too_large"),
    (InputError, 400, "bad_input"),
    (Overloaded, 503, "overloaded"),
    (StoreFull, 507, "disk_full"),
    (StoreError, 503, "store_failed"),
    (ClewError, 500, "failed"),
)
HTTP_CODES = {400: "bad_input", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
OUR_FAULT = "the fault is ours and is in the server's log; nothing that was stored is harmed"


class ErrorBody(BaseModel):
    """What went wrong: a code for programs, a sentence for people, and for filters the character and what could stand there."""

    code: str
    message: str
    position: int | None = None
    expected: list[str] | None = None


class ErrorAnswer(BaseModel):
    """Every answer that is not a success."""

    error: ErrorBody


_WORDS = {
    400: "The input cannot be used: a filter, a cursor, a window",
    403: "Another host name or another origin",
    404: "Not here",
    413: "The body is too long",
    422: "A parameter or a field does not have the form that is described",
    500: "A fault of the server",
    503: "Try again after Retry-After seconds",
    507: "The disk is full",
}
ANSWERS: dict[int | str, dict[str, Any]] = {status: {"model": ErrorAnswer, "description": text} for status, text in _WORDS.items()}


def answer(status: int, body: ErrorBody, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The error form as a response."""
    return JSONResponse({"error": body.model_dump(exclude_none=True)}, status, dict(headers or {}))


def from_error(error: ClewError) -> JSONResponse:
    """The response for one of our errors."""
    status, code = next((status, code) for kind, status, code in STATUS if isinstance(error, kind))
    body = ErrorBody(code=code, message=writable(str(error)))
    if isinstance(error, FilterError):
        body.position, body.expected = error.position, list(error.expected)
    return answer(status, body, {"Retry-After": str(getattr(error, "retry_after_s", 1))} if status == 503 else None)


def from_invalid(error: RequestValidationError) -> JSONResponse:
    """The response for a parameter or a body that does not fit its description: the first place, and what is wrong there."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return answer(422, ErrorBody(code="invalid", message=writable(f"{where}: {first['msg']}")))


def writable(text: str) -> str:
    """The text with what UTF-8 cannot hold replaced."""
    return text.encode("utf-8", "replace").decode()


def allowed(asgi: FastAPI, request: Request) -> list[str]:
    """The methods of this path over all of its routes; the router knows only those of the first."""
    asked = ({**request.scope, "method": method} for method in METHODS)
    return [scope["method"] for scope in asked if any(route.matches(scope)[0] == Match.FULL for route in asgi.routes)]


def install(asgi: FastAPI) -> None:
    """Answers errors under ``/api`` in the one form. Pages put their own answers over these."""

    async def clew_error(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, ClewError):
            raise error
        return from_error(error)

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        return from_invalid(error)

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        code = HTTP_CODES.get(error.status_code, "http")
        headers = {"Allow": ", ".join(allowed(asgi, request))} if error.status_code == 405 else error.headers
        return answer(error.status_code, ErrorBody(code=code, message=str(error.detail)), headers)

    async def failed(request: Request, error: Exception) -> JSONResponse:
        # The words of a fault of ours may hold anything, so they stay in the log's traceback and out of the answer.
        log.error("api.failed", route=str(getattr(request.scope.get("route"), "path", "")), error=type(error).__name__)
        return answer(500, ErrorBody(code="failed", message=OUR_FAULT))

    asgi.add_exception_handler(ClewError, clew_error)
    asgi.add_exception_handler(RequestValidationError, invalid)
    asgi.add_exception_handler(HTTPException, http_error)
    asgi.add_exception_handler(Exception, failed)
