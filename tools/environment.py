"""Makes ``.venv`` and installs a locked set into it: ``python3 tools/environment.py server|dev``.

The standard library only, on any Python from 3.11: this is the first thing that runs on a fresh machine.
Nothing is done when the set is already there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)
# Brought in only where Python has no pip of its own (Debian keeps it in python3-venv) and apt may not be used.
PIP_WHEEL, PIP_SHA256 = "pip-25.3-py3-none-any.whl", "9655943313a94722b7774661c21049070f6bbb0a1516bf02f7c8d5d9201514cd"

NO_PIP = """pip is missing and could not be fetched ({}).
On Debian or Ubuntu run:  sudo apt-get install -y python3-venv
then run make again."""


class Missing(Exception):
    """Something this machine lacks, with the line that brings it."""


def main(arguments: list[str]) -> int:
    """Makes the environment for the set that is asked for; returns the exit code."""
    kind = arguments[0] if arguments else "server"
    lock = ROOT / "requirements" / f"{kind}.lock"
    if not lock.is_file():
        print(f"no set {kind!r}; there are: {', '.join(sorted(p.stem for p in lock.parent.glob('*.lock')))}", file=sys.stderr)
        return 2
    try:
        prepare(lock)
    except Missing as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"\nfailed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 1
    return 0


def prepare(lock: Path) -> None:
    """Brings ``.venv`` to the state of ``lock``."""
    if sys.version_info < OLDEST:
        found = sys.version.split()[0]
        raise Missing(f"Clew needs Python 3.11 or newer; {sys.executable} is {found}. Name another: make PYTHON=python3.12 up")
    if is_current(lock):
        return
    if not (VENV / "bin" / "python").exists() or not has_pip():
        make_venv()
    print(f"installing the locked set {lock.stem!r} into .venv (the first time takes a minute or two)", flush=True)
    pip("install", "--require-hashes", "-r", str(lock))
    pip("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    stamp(lock).write_text(digest(lock), encoding="utf-8")


def digest(lock: Path) -> str:
    """What the stamp of an installed set says: the lock and the project's own metadata."""
    return hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def stamp(lock: Path) -> Path:
    """The file that says which state of a set is installed."""
    return VENV / f".clew-{lock.stem}"


def is_current(lock: Path) -> bool:
    """Whether ``.venv`` holds this set as it is locked now; the dev set holds the server set."""
    sets = {lock, lock.with_name("dev.lock")}
    return any(stamp(item).is_file() and stamp(item).read_text(encoding="utf-8") == digest(item) for item in sets if item.is_file())


def has_pip() -> bool:
    """Whether the environment can install."""
    probe = [VENV / "bin" / "python", "-c", "import pip"]
    return subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0


def pip(*arguments: str) -> None:
    """Runs the environment's pip, quietly but for what goes wrong."""
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([VENV / "bin" / "python", "-m", "pip", *arguments, *options], check=True)


def make_venv() -> None:
    """Makes ``.venv`` with pip in it, with or without Debian's python3-venv."""
    if importlib.util.find_spec("ensurepip") is None:
        print("this Python has no ensurepip (Debian: package python3-venv)", flush=True)
        if not (install_with_apt("python3-venv") and ensurepip_now()):
            make_venv_without_ensurepip()
            return
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def ensurepip_now() -> bool:
    """Whether a new interpreter finds ensurepip; this one may have remembered that it is not there."""
    return subprocess.run([sys.executable, "-c", "import ensurepip"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def install_with_apt(*packages: str) -> bool:
    """Installs Debian packages where that is possible without asking; says so. False where it is not."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    print(f"installing {' '.join(packages)} with apt", flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"env": environ, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "check": False}
    subprocess.run(["apt-get", "update", "-q"], **quiet)  # type: ignore[call-overload]
    return subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], **quiet).returncode == 0  # type: ignore[call-overload,no-any-return]


def make_venv_without_ensurepip() -> None:
    """Makes ``.venv`` and puts pip into it from its wheel, which must have the pinned checksum."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", VENV], check=True)
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / PIP_WHEEL
        try:
            wheel.write_bytes(fetch_pip())
        except (OSError, LookupError) as error:
            raise Missing(NO_PIP.format(error)) from error
        # A wheel is a zip file that Python can run from: this is pip installing itself.
        subprocess.run([VENV / "bin" / "python", wheel / "pip", "install", "--quiet", "--no-index", wheel], check=True)


def fetch_pip() -> bytes:
    """The wheel of pip from the package index that pip itself would use."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    with urllib.request.urlopen(index, timeout=30) as answer:
        page = answer.read().decode("utf-8", "replace")
    link = re.search(rf'href="([^"]*{re.escape(PIP_WHEEL)}[^"]*)"', page)
    if link is None:
        raise LookupError(f"{PIP_WHEEL} is not at the package index")
    with urllib.request.urlopen(urllib.parse.urljoin(index, link[1]), timeout=60) as answer:
        wheel: bytes = answer.read()
    if hashlib.sha256(wheel).hexdigest() != PIP_SHA256:
        raise LookupError(f"{PIP_WHEEL} does not have the checksum that was pinned")
    return wheel


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
