"""The size check counts as it says it counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import size


def module(folder: Path, *lengths: int) -> Path:
    path = folder / "module.py"
    path.write_text("\n".join(f"def f{i}():\n" + "    x = 1\n" * (n - 1) for i, n in enumerate(lengths)), encoding="utf-8")
    return path


@pytest.mark.parametrize(("lengths", "wanted"), [([1], 1), ([1, 2], 2), (list(range(1, 11)), 9), (list(range(1, 21)), 18), ([], 0)])
def test_nine_of_ten_are_within_the_percentile(lengths: list[int], wanted: int) -> None:
    assert size.percentile_90(lengths) == wanted


def test_a_function_of_sixty_lines_passes_and_one_of_sixty_one_does_not(tmp_path: Path) -> None:
    assert size.complaints([module(tmp_path, 60, *[2] * 20)]) == []
    (found,) = size.complaints([module(tmp_path, 61, *[2] * 20)])
    assert "f0: 61 lines; a function has at most 60" in found


def test_many_long_functions_are_told_with_the_longest(tmp_path: Path) -> None:
    (found,) = size.complaints([module(tmp_path, *[31] * 10)])
    assert found.startswith("nine of ten functions have at most 31 lines; wanted 30")


def test_a_long_module_is_told(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("x = 1\n" * 601, encoding="utf-8")
    (found,) = size.complaints([path])
    assert "601 lines; a module has at most 600" in found


def test_nested_functions_and_methods_count(tmp_path: Path) -> None:
    path = tmp_path / "nested.py"
    path.write_text("class A:\n    async def f(self):\n        def g():\n            pass\n        return g\n", encoding="utf-8")
    assert sorted(f.lines for f in size.functions(path)) == [2, 4]


def test_the_exit_code_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module(tmp_path, 61)
    assert size.main([str(tmp_path)]) == 1
    module(tmp_path, 5)
    assert size.main([str(tmp_path)]) == 0
    assert "1 modules, 1 functions" in capsys.readouterr().out
