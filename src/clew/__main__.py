"""``clew`` and ``python -m clew``. The command line needs the server's parts; where they are missing, says how to install them."""

from __future__ import annotations

import sys
from importlib import import_module

from clew.core.errors import MissingExtra


def main() -> None:
    """Runs the command line."""
    try:
        run = import_module("clew.cli").main
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] == "clew":
            raise
        sys.exit(f"clew: {MissingExtra('the command line', 'server')}")
    run()


if __name__ == "__main__":
    main()
