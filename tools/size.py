"""Holds functions and modules to a size that can be read at a glance: ``python3 tools/size.py [folder …]``."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tools", "bench")
FUNCTION_MAX = 60
FUNCTION_P90 = 30
MODULE_MAX = 600


@dataclass(frozen=True)
class Function:
    """One function with the lines from its ``def`` to its end, signature and docstring counted."""

    where: str
    lines: int


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a module, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(f"{path}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)


def percentile_90(lengths: list[int]) -> int:
    """The smallest length that at least nine of ten do not pass."""
    return sorted(lengths)[-(-9 * len(lengths) // 10) - 1] if lengths else 0


def complaints(modules: list[Path]) -> list[str]:
    """What is too long, one line each."""
    found = []
    every: list[Function] = []
    for path in modules:
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > MODULE_MAX:
            found.append(f"{path}: {count} lines; a module has at most {MODULE_MAX}: split it by what its parts are about")
        every += functions(path)
    found += [f"{f.where}: {f.lines} lines; a function has at most {FUNCTION_MAX}" for f in every if f.lines > FUNCTION_MAX]
    nine_of_ten = percentile_90([f.lines for f in every])
    if nine_of_ten > FUNCTION_P90:
        longest = ", ".join(f.where for f in sorted(every, key=lambda f: -f.lines)[:5])
        found.append(f"nine of ten functions have at most {nine_of_ten} lines; wanted {FUNCTION_P90}. The longest: {longest}")
    return found


def main(arguments: list[str]) -> int:
    """Prints the complaints, or the figures when there is none."""
    folders = [Path(a) for a in arguments] or [ROOT / name for name in FOLDERS if (ROOT / name).is_dir()]
    modules = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    found = complaints(modules)
    for line in found:
        print(line.replace(f"{ROOT}/", ""))
    lengths = [f.lines for path in modules for f in functions(path)]
    nine_of_ten, longest = percentile_90(lengths), max(lengths, default=0)
    print(f"size: {len(modules)} modules, {len(lengths)} functions, nine of ten within {nine_of_ten} lines, longest {longest}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
