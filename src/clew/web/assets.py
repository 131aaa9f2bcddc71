"""Style sheets, scripts and fonts: read once, served for ever under a name that changes with their content."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from starlette.responses import Response

from clew.core.errors import NotFound

FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {".woff2": "font/woff2", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}


@dataclass(frozen=True)
class Bundle:
    """All static files by path, and one hash over them: a sheet's relative ``url(fonts/…)`` then changes with the fonts too."""

    files: dict[str, bytes]
    digest: str

    def url(self, path: str) -> str:
        """Where a file is served. Raises KeyError for a file that is not there: a template's mistake, seen at once."""
        if path not in self.files:
            raise KeyError(path)
        return f"/static/{self.digest}/{path}"


@cache
def bundle() -> Bundle:
    """The files in ``static``; 0.6 MB, read at the first use."""
    files = dict(sorted(_walk(resources.files("clew.web").joinpath("static"), "")))
    digest = hashlib.sha256()
    for path, content in files.items():
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return Bundle(files, digest.hexdigest()[:12])


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        path = prefix + entry.name
        found += _walk(entry, path + "/") if entry.is_dir() else [(path, entry.read_bytes())]
    return found


routes = APIRouter()


@routes.get("/static/{digest}/{path:path}", include_in_schema=False)
def static_file(digest: str, path: str) -> Response:
    """One static file; a page of an older version still gets the file, but does not keep it."""
    files = bundle()
    content = files.files.get(path)
    if content is None:
        raise NotFound(f"there is no static file {path[:80]!r}")
    suffix = path[path.rfind(".") :]
    kind = TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return Response(content, media_type=kind, headers={"Cache-Control": FOR_EVER if digest == files.digest else "no-cache"})
