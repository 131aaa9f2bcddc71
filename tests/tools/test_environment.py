"""The first thing that runs on a fresh machine: what it does where something is missing."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import environment
import pytest


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two locked sets and nothing installed."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "server.lock").write_text("a==1", encoding="utf-8")
    (tmp_path / "requirements" / "dev.lock").write_text("a==1\nb==2", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("", encoding="utf-8")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    return tmp_path


def test_a_set_is_current_until_its_lock_changes(project: Path) -> None:
    lock = project / "requirements" / "server.lock"
    assert not environment.is_current(lock)
    environment.stamp(lock).write_text(environment.digest(lock), encoding="utf-8")
    assert environment.is_current(lock)
    lock.write_text("a==2", encoding="utf-8")
    assert not environment.is_current(lock)


def test_the_dev_set_holds_the_server_set_but_not_the_other_way_round(project: Path) -> None:
    server, dev = (project / "requirements" / f"{name}.lock" for name in ("server", "dev"))
    environment.stamp(dev).write_text(environment.digest(dev), encoding="utf-8")
    assert environment.is_current(server)
    environment.stamp(dev).unlink()
    environment.stamp(server).write_text(environment.digest(server), encoding="utf-8")
    assert not environment.is_current(dev)


def test_a_set_that_does_not_exist_is_refused_with_those_that_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert environment.main(["production"]) == 2
    assert "there are: dev, server" in capsys.readouterr().err


def test_an_old_python_is_refused_with_the_way_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "OLDEST", (4, 0))
    assert environment.main(["server"]) == 1
    assert "make PYTHON=" in capsys.readouterr().err


class Index(http.server.BaseHTTPRequestHandler):
    """A package index that has one file."""

    def do_GET(self) -> None:
        wheel = self.path.endswith(".whl")
        body = b"a wheel" if wheel else f'<a href="../../files/{environment.PIP_WHEEL}#sha256=1">pip</a>'.encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """``PIP_INDEX_URL`` points at a local index."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("index")
def test_pip_is_fetched_from_the_index_that_pip_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PIP_SHA256", hashlib.sha256(b"a wheel").hexdigest())
    assert environment.fetch_pip() == b"a wheel"


@pytest.mark.usefixtures("index")
def test_a_pip_with_another_checksum_is_not_used() -> None:
    with pytest.raises(LookupError, match="checksum"):
        environment.fetch_pip()


def test_without_ensurepip_and_without_an_index_the_apt_line_is_told(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(environment, "install_with_apt", lambda *packages: False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert environment.main(["server"]) == 1
    assert "sudo apt-get install -y python3-venv" in capsys.readouterr().err


@pytest.mark.slow
def test_an_environment_is_made_without_ensurepip(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real pip wheel from the package index, as on a Debian without python3-venv and without root."""
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(environment, "install_with_apt", lambda *packages: False)
    try:
        environment.make_venv()
    except environment.Missing as error:
        pytest.skip(f"no package index can be reached: {error.__cause__}")
    assert environment.has_pip()
