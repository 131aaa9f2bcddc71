"""Puts the commands together and turns errors into one line and an exit code."""

from __future__ import annotations

import logging
import sys

import typer

from clew.cli import importing, prices
from clew.cli.demo import demo
from clew.cli.exporting import export
from clew.cli.lists import projects, search, sessions, traces
from clew.cli.opened import session, trace
from clew.cli.output import stderr
from clew.cli.serve import log_to_stderr, serve
from clew.core.errors import ClewError

app = typer.Typer(
    name="clew",
    help="One thread of evidence from what customers say to what shipped AI did for the business.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve)
app.command()(demo)
app.add_typer(importing.app, name="import")
app.command()(projects)
app.command()(traces)
app.command()(trace)
app.command()(sessions)
app.command()(session)
app.command()(search)
app.command()(export)
app.add_typer(prices.app, name="prices")
app.command()(prices.recompute)


def main() -> None:
    """Runs one command. Exit codes: 0 done, 1 it could not be done (the reason is on stderr), 2 the command line is wrong."""
    log_to_stderr(logging.WARNING)
    try:
        app()
    except ClewError as error:
        stderr.print(f"clew: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
