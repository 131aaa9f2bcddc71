"""Whole projects or parts of them, out as files."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from clew.api.common import ProjectIn, StoreIn, WindowIn
from clew.api.errors import ANSWERS
from clew.traces.export import json_lines, otlp_lines, write_parquet
from clew.traces.question import question

router = APIRouter(prefix="/projects/{project}", tags=["export"], responses=ANSWERS)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")  # in a file's name, and in a header
LINES = "application/x-ndjson"


@router.get(
    "/export", summary="Spans as a file", response_class=Response, responses={200: {"content": {LINES: {}, "application/octet-stream": {}}}}
)
def export(store: StoreIn, project: ProjectIn, window: WindowIn, form: Literal["otlp", "jsonl", "parquet"] = "otlp") -> Response:
    """``otlp``: one OTLP/JSON request a line, as sent. ``jsonl`` and ``parquet``: canonical rows with all attributes."""
    question(project.id, "span", window.filter, window.since_ns, window.until_ns)  # a bad filter is told before the first byte
    name = f"{_UNSAFE.sub('_', project.name)}.{'otlp.jsonl' if form == 'otlp' else form}"
    if form == "parquet":
        with tempfile.NamedTemporaryFile(prefix="clew-", suffix=".parquet", delete=False) as file:
            path = Path(file.name)
        write_parquet(store, project.id, path, **window.asked)
        return FileResponse(path, media_type="application/octet-stream", filename=name, background=BackgroundTask(path.unlink))
    lines = (otlp_lines if form == "otlp" else json_lines)(store, project.id, **window.asked)
    return LinesResponse(lines, media_type=LINES, headers={"Content-Disposition": f'attachment; filename="{name}"'})


class LinesResponse(StreamingResponse):
    """Lines as they are read. Closes their source when the reader hangs up too: it holds the connection for long reads."""

    def __init__(self, lines: Generator[str, None, None], **options: Any) -> None:
        super().__init__(lines, **options)
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._lines.close()
