"""The rooms that must stay light import only what they are allowed to, and every room has a door."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

STDLIB = sys.stdlib_module_names
ALLOWED = {
    "core": {"clew.core"},
    "stats": {"numpy", "scipy", "clew.stats", "clew.core"},
    "client": {"opentelemetry", "clew.client", "clew.core"},
}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides which room it comes from"
            yield f"{node.module}.{node.names[0].name}" if node.module == "clew" else str(node.module)


def is_allowed(module: str, allowed: set[str]) -> bool:
    return module.split(".")[0] in STDLIB or any(module == name or module.startswith(f"{name}.") for name in allowed)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_light_room_imports_only_what_is_allowed(repository: Path, room: str) -> None:
    for path in sorted((repository / "src" / "clew" / room).rglob("*.py")):
        for module in imports(path):
            assert is_allowed(module, ALLOWED[room]), f"{path.name} imports {module}; allowed: {ALLOWED[room]}"


def test_every_room_has_a_door_that_says_what_it_owns(repository: Path) -> None:
    for door in sorted((repository / "src" / "clew").glob("*/__init__.py")):
        tree = ast.parse(door.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{door.parent.name} has no paragraph at its door"


def test_importing_clew_brings_no_part_of_the_server() -> None:
    heavy = ["chdb", "fastapi", "numpy", "pydantic", "pyarrow", "rich", "scipy", "sqlalchemy", "structlog", "typer"]
    code = f"import sys, clew; print([name for name in {heavy!r} if name in sys.modules])"
    report = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert report.stdout.strip() == "[]"
