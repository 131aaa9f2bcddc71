"""The API does what its description says: schemathesis sends what fits the description and what does not, over real data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import served

EXAMPLES = os.environ.get("CLEW_SCHEMA_EXAMPLES", "15")  # an operation
ERRORS = {"400", "403", "404", "413", "422", "500", "503", "507"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[served.Clew]:
    """A server with the demo in it."""
    with served.served(tmp_path_factory.mktemp("demo"), "--demo") as client:
        yield client


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_is_described_and_tells_of_its_errors_in_the_one_form(clew: served.Clew) -> None:
    schema = clew.api("/openapi.json")
    found = list(operations(schema))
    assert len(found) >= 25
    for name, operation in found:
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["responses"]) >= ERRORS, name
        for status in ERRORS:
            form = operation["responses"][status]["content"]["application/json"]["schema"]
            assert form == {"$ref": "#/components/schemas/ErrorAnswer"}, name
    assert "HTTPValidationError" not in schema["components"]["schemas"]


CONFIG = """
[parameters]
"path.project" = "{project}"
"path.trace_id" = "{trace_id}"
"path.span_id" = "{span_id}"
"path.session_id" = "{session_id}"
"query.filter" = "{filter}"

[checks.positive_data_acceptance]
# Cursors, windows, rates and moments at the end of int64 have rules that a schema cannot tell.
expected-statuses = [200, 201, 204, 400, 404, 422]
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("project", "filter_text"), [("shop-assistant", "kind = LLM"), ("~2", "errors > 0 or latency > 1s")])
def test_the_api_conforms_to_its_description(
    demo: served.Clew, tmp_path: Path, project: str, filter_text: str, record_property: Callable[[str, object], None]
) -> None:
    root = demo.of_segment(project, "/traces", limit=1)["items"][0]["root"]
    names = {name: root[name] for name in ("trace_id", "span_id", "session_id")}
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(project=project, filter=filter_text, **names), encoding="utf-8")
    tool = Path(sys.executable).with_name("schemathesis")
    command = [
        *(str(tool), "--config-file", str(config), "run", f"{demo.server.url}/api/v1/openapi.json", "--no-color"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--request-timeout", "60"),
    ]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=850, check=False)
    record_property("schemathesis", report.stdout[-600:])
    assert report.returncode == 0, report.stdout[-6000:] + report.stderr[-2000:]
    assert demo.api("/health") == {"status": "ok"}
