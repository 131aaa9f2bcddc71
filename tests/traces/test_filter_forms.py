"""Every written form of the filter language is read, or refused, as the file of forms says."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from clew.traces.filter import FilterError, Node, Scope, compile_filter, format_filter, parse, sentence

FORMS = tomllib.loads((Path(__file__).parent.parent / "golden" / "filter_forms.toml").read_text(encoding="utf-8"))


def scope_of(form: dict[str, Any]) -> Scope:
    scope: Scope = form.get("scope", "span")
    return scope


@pytest.mark.parametrize("form", FORMS["accepted"], ids=lambda form: f"{scope_of(form)}: {form['text']}")
def test_an_accepted_form_is_read_and_said_as_promised(form: dict[str, Any]) -> None:
    scope = scope_of(form)
    tree = parse(form["text"], scope)
    assert format_filter(tree) == form.get("canonical", form["text"])
    assert parse(format_filter(tree), scope) == tree
    assert sentence(tree, scope) == form["sentence"]
    assert compile_filter(tree, scope).sentence == form["sentence"]


@pytest.mark.parametrize("form", FORMS["refused"], ids=lambda form: f"{scope_of(form)}: {form['text']}")
def test_a_refused_form_says_where_and_what_could_stand_there(form: dict[str, Any]) -> None:
    error = refusal(form["text"], scope_of(form))
    assert error.position == form["at"]
    assert form["says"] in str(error)
    assert set(form.get("expected", ())) <= set(error.expected)


def test_every_form_gives_its_reason() -> None:
    assert all(form["why"] for kind in ("accepted", "refused") for form in FORMS[kind])


def refusal(text: str, scope: Scope = "span") -> FilterError:
    tree: Node
    try:
        tree = parse(text, scope)
    except FilterError as error:
        return error
    raise AssertionError(f"{text!r} was read as {format_filter(tree)!r}")
