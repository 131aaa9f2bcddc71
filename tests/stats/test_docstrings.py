"""Every statistic says what it claims, takes, returns, assumes and stands on, and its example holds."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import clew.stats

MODULES = [f"clew.stats.{module.name}" for module in pkgutil.iter_modules(clew.stats.__path__)]
STATISTICS = [name for name in clew.stats.__all__ if inspect.isfunction(getattr(clew.stats, name))]
PARTS = ("Claim:", "Inputs:", "Returns:", "Assumptions:", "Reference:", "Example:")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_is_documented_in_six_parts_in_their_order(name: str) -> None:
    text = inspect.getdoc(getattr(clew.stats, name)) or ""
    places = [text.find(f"\n{part}") for part in PARTS]
    assert -1 not in places, [part for part, place in zip(PARTS, places, strict=True) if place < 0]
    assert places == sorted(places)
