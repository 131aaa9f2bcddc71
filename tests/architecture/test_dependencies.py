"""What is declared is used, and what is used is declared."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

# Found by another library at run time, or a command; never imported by our code.
NOT_IMPORTED = {
    "httptools": "uvicorn's parser of HTTP",
    "uvloop": "uvicorn's event loop",
    "python-multipart": "starlette's reader of forms",
    "opentelemetry-exporter-otlp-proto-grpc": "chosen by the setting of an application that traces with gRPC",
    "editables": "hatchling's editable installs",
    "hatchling": "builds the wheel",
    "import-linter": "a command",
    "mypy": "a command",
    "pytest-timeout": "a pytest plugin",
    "ruff": "a command",
    "types-protobuf": "types for mypy",
    "uv": "a command",
}


def declared(repository: Path, *groups: str) -> set[str]:
    """The distributions that pyproject.toml names, of the product (``""``), its extras and its groups."""
    told = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    everything = {"": told["project"]["dependencies"], **told["project"]["optional-dependencies"], **told["dependency-groups"]}
    return {re.split(r"[<>=;\[ ]", line)[0].lower() for group in groups for line in everything[group]}


def imported(folders: Iterable[Path]) -> dict[str, str]:
    """The foreign top-level modules that files import, each with one place where."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            for name in _modules(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(name, str(path))
    return found


def _modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def distributions(module: str) -> set[str]:
    """The installed distributions that a dotted module may come from. Namespaces such as ``opentelemetry`` have many."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in installed().get(module.split(".")[0], [])}


@cache
def installed() -> Mapping[str, list[str]]:
    """Which distributions bring which top-level modules here."""
    return importlib.metadata.packages_distributions()


def test_the_product_imports_only_what_it_declares(repository: Path) -> None:
    known = declared(repository, "", "server")
    for module, place in imported([repository / "src"]).items():
        if module.split(".")[0] in sys.stdlib_module_names | {"clew"}:
            continue
        assert distributions(module) & known, f"{place} imports {module}, which pyproject.toml does not declare"


def test_every_dependency_is_used(repository: Path) -> None:
    used = {name for module in imported([repository / "src"]) for name in distributions(module)}
    unused = declared(repository, "", "server") - used - set(NOT_IMPORTED)
    assert not unused, f"declared but not imported: {sorted(unused)}"


@pytest.mark.parametrize("name", ["numpy", "pandas", "pydantic", "protobuf"])
def test_no_neighbour_is_held_below_a_version(repository: Path, name: str) -> None:
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")
    assert not re.search(rf'"{name}[^"]*<', text)
