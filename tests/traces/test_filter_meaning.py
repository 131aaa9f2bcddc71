"""The SQL of a filter selects what the filter means: a real store and a plain interpreter agree on every tree and every world."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from clew.store import Statement, Store, open_store
from clew.traces.filter import Node, Scope, Test, compile_filter, format_filter
from clew.traces.filter.fields import OPS, type_of
from reference.filter_reference import World, select
from reference.filter_worlds import NOW_NS, field_refs, keep, trees, value_lists, worlds

EXAMPLES = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

_SPANS = (
    "SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span FROM spans WHERE project_id = {project_id:UInt32} AND /*slot:where*/"
)
_HEADS = (
    "SELECT lower(hex(trace_id)) AS trace FROM (SELECT * FROM spans WHERE project_id = {project_id:UInt32}"
    " ORDER BY NOT is_root, start_ns, span_id LIMIT 1 BY trace_id) AS spans WHERE /*slot:where*/"
)
_ANY_ROWS = "SELECT DISTINCT lower(hex(trace_id)) AS trace FROM spans WHERE project_id = {project_id:UInt32} AND /*slot:where*/"
_SESSIONS = "SELECT DISTINCT session_id FROM spans WHERE project_id = {project_id:UInt32} AND session_id != '' AND /*slot:where*/"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("filter"))
    yield store
    store.close()


@pytest.fixture(scope="module")
def put(store: Store) -> Callable[[World], int]:
    """Keeps a world in a project of its own and gives its number."""
    numbers = itertools.count(1)

    def put_world(world: World) -> int:
        project = next(numbers)
        keep(store, project, world)
        return project

    return put_world


def chosen(store: Store, project: int, tree: Node, scope: Scope, *, heads: bool = True) -> set[Any]:
    """The ids that the SQL of a tree selects."""
    sql = compile_filter(tree, scope, now_ns=NOW_NS, heads=heads)
    query = {"span": _SPANS, "trace": _HEADS if heads else _ANY_ROWS, "session": _SESSIONS}[scope]
    rows = store.facts.rows(Statement("chosen", query).fill(where=sql.where), project_id=project, **sql.params)
    return {tuple(row.values()) if scope == "span" else next(iter(row.values())) for row in rows}


def agree(store: Store, project: int, world: World, tree: Node, scope: Scope) -> None:
    """The store and the interpreter select the same."""
    note(format_filter(tree))
    assert chosen(store, project, tree, scope) == select(tree, scope, world, NOW_NS)


@pytest.mark.parametrize("scope", ["span", "trace", "session"])
def test_every_field_and_operator_means_the_same_in_the_store(store: Store, put: Callable[[World], int], scope: Scope) -> None:
    @settings(EXAMPLES, max_examples=1)
    @given(worlds(least=16, most=24), st.data())
    def every_field(world: World, data: st.DataObject) -> None:
        assume(len({span["input_text"] for span in world.spans}) > 3)  # not the simplest world, in which all is alike
        project = put(world)
        for ref in field_refs(scope):
            for op in OPS[type_of(ref)]:
                agree(store, project, world, Test(ref, op, data.draw(value_lists(ref, op))), scope)

    every_field()


@pytest.mark.parametrize("scope", ["span", "trace", "session"])
def test_any_filter_means_the_same_in_the_store(store: Store, put: Callable[[World], int], scope: Scope) -> None:
    @EXAMPLES
    @given(worlds(), st.lists(trees(scope), min_size=3, max_size=3))
    def any_tree(world: World, filters: list[Node]) -> None:
        project = put(world)
        for tree in filters:
            agree(store, project, world, tree, scope)

    any_tree()


def test_a_trace_filter_over_any_row_selects_the_traces_that_it_selects_over_heads(store: Store, put: Callable[[World], int]) -> None:
    @settings(EXAMPLES, max_examples=60)
    @given(worlds(), st.lists(trees("trace"), min_size=3, max_size=3))
    def any_tree(world: World, filters: list[Node]) -> None:
        project = put(world)
        for tree in filters:
            note(format_filter(tree))
            assert chosen(store, project, tree, "trace", heads=False) == chosen(store, project, tree, "trace")

    any_tree()
