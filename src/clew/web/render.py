"""From a page's context to its bytes: the one template environment and the frame of every page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cache
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse

from clew.core.clock import now_ns
from clew.store import Store
from clew.traces.projects import Project, Projects
from clew.web import figures
from clew.web.assets import bundle
from clew.web.tree import least_width, mark_name, mark_words, step_name
from clew.web.urls import url, with_params
from clew.web.verdicts import score_text, score_tone, telling

THEMES = ("light", "dark", "system")
YEAR_S = 31_536_000
THEME_COOKIE, ZONE_COOKIE = "clew_theme", "clew_zone"

StoreOf = Callable[[Request], Store]


@dataclass(frozen=True)
class Shell:
    """What the frame around every page needs."""

    room: str  # which entry of the rail is current
    project: str  # '' on pages that belong to none
    projects: tuple[str, ...]
    theme: str  # light, dark or system
    zone: tzinfo  # the reader's time zone
    zone_name: str  # '' while the browser has not told
    now_ns: int
    path: str  # this page with its state, to come back to
    keys_open: bool = False  # whether the overlay of keys stands open


def reader_zone(request: Request) -> tuple[tzinfo, str]:
    """The reader's time zone from the cookie that the page's script sets, and its name; UTC where it is not known."""
    name = request.cookies.get(ZONE_COOKIE, "")
    return _zone(name[:64]) if name else (UTC, "")


@cache
def _zone(name: str) -> tuple[tzinfo, str]:
    try:
        return ZoneInfo(name), name
    except (KeyError, ValueError, OSError):
        return UTC, ""


def path_of(request: Request) -> str:
    """The path of this page as the address had it: still quoted, so that it can stand in a link whatever the project is called."""
    raw: bytes = request.scope.get("raw_path") or quote(request.url.path).encode()
    return raw.decode("ascii", "replace").split("?")[0]


def shell(request: Request, room: str, project: str = "", projects: tuple[str, ...] = ()) -> Shell:
    """The frame for one request."""
    zone, name = reader_zone(request)
    theme = request.cookies.get(THEME_COOKIE, "system")
    path = path_of(request) + (f"?{request.url.query}" if request.url.query else "")
    return Shell(
        room=room,
        project=project,
        projects=projects,
        theme=theme if theme in THEMES else "system",
        zone=zone,
        zone_name=name,
        now_ns=now_ns(),
        path=path,
        keys_open="keys" in request.query_params,
    )


def project_shell(request: Request, store: Store, room: str, name: str) -> tuple[Shell, Project]:
    """The frame of a page in a project. Raises NotFound when there is no such project."""
    projects = Projects(store)
    project = projects.find(name)
    return shell(request, room, project.name, tuple(sorted(each.name for each in projects.all()))), project


def _zoned(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def apply(context: Context, ns: int) -> str:
        return function(ns, context["shell"].zone)

    return apply


@pass_context
def _when(context: Context, ns: int) -> str:
    frame: Shell = context["shell"]
    return figures.when(ns, frame.now_ns, frame.zone)


@cache
def environment() -> Environment:
    """The templates. Everything is escaped, whatever the file is called; a name that is not there is an error, not an empty text."""
    made = Environment(loader=PackageLoader("clew.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    for name in ("count", "short", "duration", "money", "share", "clip", "short_id", "size", "plural", "change", "points", "sentence_case"):
        made.filters[name] = getattr(figures, name)
    made.filters["clock"] = _zoned(figures.clock)
    made.filters["exact"] = _zoned(figures.exact)
    made.filters["when"] = _when
    made.globals.update(static=bundle().url, url=url, with_params=with_params, figures=figures)
    made.globals.update(
        score_tone=score_tone,
        telling=telling,
        score_text=score_text,
        least_width=least_width,
        mark_name=mark_name,
        mark_words=mark_words,
        step_name=step_name,
    )
    return made


def page(template: str, frame: Shell, context: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A whole page or a fragment of one. Pages are private to the reader and always asked for anew."""
    text = environment().get_template(template).render(shell=frame, page=context)
    return HTMLResponse(text, status, {"Cache-Control": "no-store", "Vary": "HX-Request, Cookie", **(headers or {})})


def wants_fragment(request: Request) -> bool:
    """Whether the page's own script asks for a part, not for the page (a restored history entry wants the page)."""
    return request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in request.headers


def state_of(request: Request, *names: str) -> dict[str, str]:
    """Those parameters of the URL that a page knows, so that nothing else is carried on."""
    query: Mapping[str, Any] = request.query_params
    return {name: query[name] for name in names if query.get(name)}
