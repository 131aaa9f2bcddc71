"""Options that several commands share, each written down once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clew.core.config import Settings, load_settings

Data = Annotated[Path | None, typer.Option("--data", help="The data directory (CLEW_DATA).", show_default=False)]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="CLEW_URL", help="A running server. Default: the one that holds the data directory, else none is needed."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as the API gives it.")]
Project = Annotated[str | None, typer.Option("--project", "-p", help="The project. Default: the only one there is.", show_default=False)]
Filter = Annotated[
    str | None, typer.Option("--filter", "-f", help="A filter, e.g. 'kind = LLM and latency > 2s'. See docs/filter.md.", show_default=False)
]
Since = Annotated[str | None, typer.Option("--since", help="From when on: 24h, 7d, or 2026-11-22T08:00.", show_default=False)]
Until = Annotated[str | None, typer.Option("--until", help="Until when: 1h (ago), or 2026-11-22T09:00.", show_default=False)]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")]


def settings_for(data: Path | None) -> Settings:
    """The settings, with the data directory that the command line named."""
    return load_settings(data=data)
