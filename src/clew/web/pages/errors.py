"""When a page cannot be shown: what was found, what was wanted, what to do, in the page's own frame. Never a path of the machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from clew.core.errors import ClewError, InputError, NotFound, Overloaded, StoreError, StoreFull
from clew.web.contexts import ErrorPage
from clew.web.render import page, shell
from clew.web.verdicts import Verdict

log = structlog.get_logger(__name__)

Handler = Callable[[Request, Exception], Awaitable[Response]]

HEADS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotFound, 404, "This is not here."),
    (InputError, 400, "This cannot be read."),
    (Overloaded, 503, "Too much at once; try again in a moment."),
    (StoreFull, 507, "The disk is full."),
    (StoreError, 503, "The store cannot answer."),
    (ClewError, 500, "This did not work."),
    (RequestValidationError, 400, "This cannot be read."),
)
MACHINE_PATHS = ("/api/", "/v1/", "/metrics")  # answered by other rooms, in their own form


def is_page(request: Request) -> bool:
    """Whether a person asked for a page, not a program for data."""
    return not request.url.path.startswith(MACHINE_PATHS)


def install(asgi: FastAPI) -> None:
    """Answers errors of pages with a page; those of other paths stay with whoever answered them before."""
    for kind in (ClewError, RequestValidationError, HTTPException, Exception):
        asgi.add_exception_handler(kind, _over(asgi.exception_handlers.get(kind)))  # type: ignore[arg-type]


def _over(before: Handler | None) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        if is_page(request):
            return error_page(request, error)
        if before is not None:
            return await before(request, error)
        raise error

    return handle


def error_page(request: Request, error: Exception) -> Response:
    """The page for one error."""
    if isinstance(error, HTTPException):
        status, head = error.status_code, "This is not here." if error.status_code == 404 else "This did not work."
        message = f"There is no page at {request.url.path[:120]!r}." if status == 404 else str(error.detail)
    elif isinstance(error, RequestValidationError):
        first = error.errors()[0]
        status, head, message = 400, "This cannot be read.", f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
    elif isinstance(error, ClewError):
        status, head = next((status, head) for kind, status, head in HEADS if isinstance(error, kind))
        message = str(error)
        message = message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")
    else:
        # The words of a fault of ours may hold anything, so they stay in the log's traceback and off the page.
        log.exception("page.failed", route=str(getattr(request.scope.get("route"), "path", "")), exc_info=error)
        status, head, message = (
            500,
            "This did not work.",
            "The fault is ours and is in the server's log; nothing that was stored is harmed.",
        )
    return page("error.html", shell(request, "error"), ErrorPage(Verdict(head), message, status, "/"), status=status)
