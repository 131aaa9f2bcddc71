"""The one error form: ``{"error": {"code", "message", "position"?, "expected"?}}`` and the one table from our errors to HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from clew.core.errors import ClewError, FilterError, InputError, NotFound, Overloaded, StoreError, StoreFull, TooLarge

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


class ErrorBody(BaseModel):
    """What went wrong: a code for programs, a sentence for people, and for filters the character and what could stand there."""

    code: str
    message: str
    position: int | None = None
    expected: list[str] | None = None


class ErrorAnswer(BaseModel):
    """Every answer that is not a success."""

    error: ErrorBody


ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in ((400, "The input cannot be used"), (404, "Not here"), (422, "The input does not fit"), (503, "Try again"))
}


def answer(status: int, body: ErrorBody) -> JSONResponse:
    """The error form as a response."""
    headers = {"Retry-After": "1"} if status == 503 else None
    return JSONResponse({"error": body.model_dump(exclude_none=True)}, status, headers)


def from_error(error: ClewError) -> JSONResponse:
    """The response for one of our errors."""
    status, code = next((status, code) for kind, status, code in STATUS if isinstance(error, kind))
    body = ErrorBody(code=code, message=str(error))
    if isinstance(error, FilterError):
        body.position, body.expected = error.position, list(error.expected)
    return answer(status, body)


def wants_json(request: Request) -> bool:
    """Whether the request is for the API; pages have an error page of their own."""
    return request.url.path.startswith("/api/")


def install(asgi: FastAPI) -> None:
    """Answers errors under ``/api`` in the one form."""

    async def clew_error(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, ClewError):
            raise error
        return from_error(error)

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return answer(422, ErrorBody(code="invalid", message=f"{where}: {first['msg']}"))

    async def http_error(_request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        return answer(error.status_code, ErrorBody(code="http", message=str(error.detail)))

    asgi.add_exception_handler(ClewError, clew_error)
    asgi.add_exception_handler(RequestValidationError, invalid)
    asgi.add_exception_handler(HTTPException, http_error)
