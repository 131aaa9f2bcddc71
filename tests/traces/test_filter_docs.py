"""The page about the filter language says what is so: every filter on it is read, said and refused as printed."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest

from clew.traces.filter import FilterError, Node, Scope, compile_filter, format_filter, parse, sentence
from clew.traces.filter.fields import OPS
from clew.traces.filter.parse import MAX_CHARACTERS, MAX_DEPTH, MAX_TERMS
from reference.filter_reference import World, select
from reference.filter_worlds import plain_span

PAGE = Path(__file__).parents[2] / "docs" / "filter.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = pages.blocks("docs/filter.md", TEXT)


def examples(what: str) -> list[tuple[str, str]]:
    """The filters of the blocks of one sort, each with the indented line below it."""
    found: list[tuple[str, str]] = []
    inside = False
    for line in TEXT.splitlines():
        if line.startswith("```"):
            inside = line == f"```text filter {what}"
        elif inside and line.startswith("    "):
            found[-1] = (found[-1][0], line.strip())
        elif inside:
            found.append((line, ""))
    return found


SAID: list[tuple[Scope, str, str]] = [(scope, *pair) for scope in ("span", "trace", "session") for pair in examples(scope)]


def test_the_page_has_examples_of_every_scope_and_of_mistakes() -> None:
    assert all(examples(what) for what in ("span", "trace", "session", "refused"))


@pytest.mark.parametrize(("scope", "text", "words"), SAID)
def test_every_filter_on_the_page_reads_as_the_sentence_below_it(scope: Scope, text: str, words: str) -> None:
    tree = parse(text, scope)
    assert sentence(tree, scope) == words
    assert parse(format_filter(tree), scope) == tree
    assert compile_filter(tree, scope).where


@pytest.mark.parametrize(("text", "words"), examples("refused"))
def test_every_mistake_on_the_page_says_what_the_page_says(text: str, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert str(caught.value).startswith(words)
    assert caught.value.expected


def rows(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading."""
    table = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_what_is_not_known_is_so() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("What is not known")}
    assert len(told) == 6
    world = World([plain_span(cost_nanos=None)])
    assert {text: "yes" if select(parse(text), "span", world) else "no" for text in told} == told


def test_the_table_of_operators_names_them_all() -> None:
    told = {part.replace(" (…)", "") for row in rows("Conditions") for part in row[0].strip("`").split("` `")}
    assert told == {op for ops in OPS.values() for op in ops}


@pytest.mark.parametrize(
    ("what", "field"), [("duration", "latency"), ("money", "cost"), ("count", "tokens"), ("number", "score.x"), ("time", "start")]
)
def test_every_value_in_the_table_of_values_is_read(what: str, field: str) -> None:
    cell = next(row[1] for row in rows("Values") if row[0] == what)
    trees: list[Node] = [parse(f"{field} > {value}") for value in cell.strip("`").split("` `")]
    assert len(trees) > 2


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    assert f"{MAX_CHARACTERS:,} characters, {MAX_TERMS} conditions and values, and {MAX_DEPTH} brackets" in TEXT
