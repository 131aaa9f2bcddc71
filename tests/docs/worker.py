"""Runs the Python blocks of one page in one namespace: reads JSON lines from stdin, answers each on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback

namespace: dict[str, object] = {"__name__": "__page__"}
for line in sys.stdin:
    block = json.loads(line)
    error = ""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            # Blank lines in front, so that a traceback tells the line of the page.
            exec(compile("\n" * block["line"] + block["text"], block["page"], "exec"), namespace)
        except BaseException:
            error = traceback.format_exc()
    print(json.dumps({"error": error}), flush=True)
