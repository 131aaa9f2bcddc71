"""Writes ``requirements/*.lock`` from ``pyproject.toml``: every version and its hashes, for every platform and Python.

A lock names no index and no place on this machine, so it installs from whatever index ``pip`` is set up for.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make lock` from pyproject.toml; do not edit.\n"
# The dev set is solved under the server set, so that what is tested is what is installed.
SETS = {
    "server": ["--extra", "server", "--group", "build"],
    "dev": ["--extra", "server", "--group", "build", "--group", "dev", "--constraint", "requirements/server.lock"],
}
UNWANTED = re.compile(r"^(torch|triton|nvidia-[a-z0-9-]+|tensorflow)==", re.MULTILINE)  # gigabytes that a laptop need not fetch
PLACE = re.compile(r"^--|://|^[^#\n]*\s@\s|(?:^|\s)/\w", re.MULTILINE)


def clean(text: str) -> str:
    """The lock without comments and without options that name a place."""
    kept = [line for line in text.splitlines() if not line.lstrip().startswith(("#", "--find-links", "--extra-index-url", "--index-url"))]
    return HEADER + "\n".join(kept).strip() + "\n"


def complaints(text: str) -> list[str]:
    """Why a lock must not be kept."""
    found = [f"it would bring {match[1]}" for match in UNWANTED.finditer(text)]
    found += [f"it names a place: {match[0].strip()!r}" for match in PLACE.finditer(text)]
    bare = [block.split("==")[0] for block in re.split(r"\n(?=\S)", text) if "==" in block and "--hash=sha256:" not in block]
    return found + [f"{name.strip()} has no hash" for name in bare]


def solve(uv: str, options: list[str]) -> str:
    """The lock as uv solves it."""
    forms = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header"]
    command = [uv, "pip", "compile", "pyproject.toml", *options, *forms, "--upgrade", "--quiet"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> int:
    """Solves and writes both sets; returns the exit code."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        print("uv is not there; run: pip install uv", file=sys.stderr)
        return 1
    for name, options in SETS.items():
        text = clean(solve(uv, options))
        if found := complaints(text):
            print("\n".join(f"{name}.lock: {line}" for line in found), file=sys.stderr)
            return 1
        (ROOT / "requirements" / f"{name}.lock").write_text(text, encoding="utf-8")
        print(f"requirements/{name}.lock: {text.count('==')} versions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
