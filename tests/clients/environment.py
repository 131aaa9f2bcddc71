"""Makes the environment of the real clients, once for each requirements file: ``python tests/clients/environment.py`` prints its Python."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = HERE / "requirements.txt"
NO_NETWORK = ("Temporary failure in name resolution", "Connection", "Network is unreachable", "ProxyError")  # in pip's words


class NoIndex(Exception):
    """The packages cannot be had here and now."""


def python_of_the_clients() -> Path:
    """The Python of an environment that holds the clients and this project. Raises NoIndex when the package index cannot be reached."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = ROOT / ".make" / f"clients-{digest}"
    python = folder / "bin" / "python"
    stamp = folder / "complete"
    if not stamp.exists():
        venv.create(folder, with_pip=True, clear=True)
        install(python, "-r", str(REQUIREMENTS))
        install(python, "--no-deps", "-e", str(ROOT))
        stamp.touch()
    return python


def install(python: Path, *what: str) -> None:
    """Runs pip; tells a missing network from a wrong requirement."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if any(
            sign in done.stderr for sign in ("Temporary failure in name resolution", "Connection", "Network is unreachable", "ProxyError")
        ):
            raise NoIndex("the package index cannot be reached")
        raise RuntimeError(done.stderr)


if __name__ == "__main__":
    print(python_of_the_clients())
