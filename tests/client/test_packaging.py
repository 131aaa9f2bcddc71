"""The wheel, installed without extras into an environment of its own, is the light client and nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otlp_receiver import Receiver

pytestmark = pytest.mark.slow


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, timeout=280, **{"check": False, **options})  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment into which ``pip install clew-….whl`` was done."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, repository)
    if built.returncode != 0 and "No matching distribution" in built.stderr:
        pytest.skip("the build needs hatchling from the package index, which cannot be reached")
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("clew-*.whl")
    run(sys.executable, "-m", "venv", folder / "env", check=True)
    python = folder / "env" / "bin" / "python"
    done = run(python, "-m", "pip", "install", "--quiet", wheel)
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return python


def test_only_opentelemetry_and_what_it_needs_comes_along(installed: Path) -> None:
    listed = run(installed, "-m", "pip", "list", "--format=freeze", check=True).stdout.lower().splitlines()
    names = {line.partition("==")[0].replace("_", "-") for line in listed}
    assert {"clew", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"} <= names
    assert names.isdisjoint({"fastapi", "chdb", "numpy", "pydantic", "grpcio", "pyarrow", "typer", "sqlalchemy", "uvicorn"})


def test_import_is_fast_and_light(installed: Path) -> None:
    code = "import sys, time; t = time.perf_counter(); import clew; print(time.perf_counter() - t, 'opentelemetry' in sys.modules)"
    told = [run(installed, "-c", code, check=True).stdout.split() for _ in range(5)]
    assert min(float(seconds) for seconds, _ in told) < 0.3
    assert {loaded for _, loaded in told} == {"False"}


def test_clew_serve_says_what_to_install(installed: Path) -> None:
    for command in ([installed.parent / "clew", "serve"], [installed, "-m", "clew", "serve"]):
        done = run(*command)
        assert done.returncode == 1
        assert 'pip install "clew[server]"' in done.stderr
        assert "Traceback" not in done.stderr


def test_a_span_and_a_score_are_sent(installed: Path) -> None:
    code = """
import clew
clew.init("shop")
@clew.trace
def answer(question): return question.upper()
with clew.session("s"), clew.span("outer"):
    answer("hi")
    clew.score("ok", value=1)
"""
    with Receiver() as receiver:
        done = run(installed, "-c", code, env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
        assert (done.returncode, done.stderr) == (0, "")
        assert [span.name for span in receiver.spans()] == ["answer", "outer"]
        assert [score["name"] for score in receiver.scores()] == ["ok"]


def test_the_wheel_carries_the_pages_and_the_schema(installed: Path) -> None:
    listed = run(installed, "-m", "pip", "show", "-f", "clew", check=True).stdout
    for needed in ("clew/store/schema/facts/0001_spans.sql", "clew/web/static/", "clew/web/templates/", "clew/traces/queries.sql"):
        assert needed in listed
