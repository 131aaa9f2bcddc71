"""The SQL of a filter selects what the filter means: a real store and a plain interpreter agree on every tree and every world."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from clew.store import Statement, Store, open_store
from clew.traces.filter import FieldRef, Node, Scope, Search, Sql, Test, Value, compile_filter, compile_grouped, format_filter, parse
from clew.traces.filter.fields import OPS, type_of
from reference.filter_reference import World, select
from reference.filter_worlds import NEEDLES, NOW_NS, SPANS, TRACES, field_refs, keep, plain_span, trees, value_lists, worlds

EXAMPLES = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

_SPANS = (
    "SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span FROM spans WHERE project_id = {project_id:UInt32} AND /*slot:where*/"
)
_HEADS = (
    "SELECT lower(hex(trace_id)) AS trace FROM (SELECT * FROM spans WHERE project_id = {project_id:UInt32}"
    " ORDER BY NOT is_root, start_ns, span_id LIMIT 1 BY trace_id) AS spans WHERE /*slot:where*/"
)
_ANY_ROWS = "SELECT DISTINCT lower(hex(trace_id)) AS trace FROM spans WHERE project_id = {project_id:UInt32} AND /*slot:where*/"
_GROUPS = (
    "SELECT lower(hex(trace_id)) AS trace FROM spans WHERE project_id = {project_id:UInt32} AND /*slot:where*/"
    " GROUP BY trace_id HAVING /*slot:having*/"
)
_SESSIONS = "SELECT DISTINCT session_id FROM spans WHERE project_id = {project_id:UInt32} AND session_id != '' AND /*slot:where*/"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("filter"))
    store.facts.execute(Statement("stop", "SYSTEM STOP MERGES scores"))  # what came twice stays twice, so that reads must tell them apart
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
    return answer(store, project, compile_filter(tree, scope, now_ns=NOW_NS, heads=heads), scope, heads=heads)


def answer(store: Store, project: int, sql: Sql, scope: Scope, *, heads: bool = True) -> set[Any]:
    query = {"span": _SPANS, "trace": _HEADS if heads else _ANY_ROWS, "session": _SESSIONS}[scope]
    rows = store.facts.rows(Statement("chosen", query).fill(where=sql.where), project_id=project, **sql.params)
    return {tuple(row.values()) if scope == "span" else next(iter(row.values())) for row in rows}


def agree(store: Store, project: int, world: World, tree: Node, scope: Scope) -> None:
    """The store and the interpreter select the same."""
    note(format_filter(tree))
    meant = select(tree, scope, world, NOW_NS)
    assert chosen(store, project, tree, scope) == meant
    if scope == "trace":
        assert grouped(store, project, tree) == meant


def grouped(store: Store, project: int, tree: Node) -> set[str]:
    """The traces that the SQL over grouped spans selects."""
    sql = compile_grouped(tree, now_ns=NOW_NS)
    rows = store.facts.rows(Statement("grouped", _GROUPS).fill(where=sql.where, having=sql.having), project_id=project, **sql.params)
    return {row["trace"] for row in rows}


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


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scope", ["span", "trace", "session"])
def test_many_filters_mean_the_same_in_the_store(store: Store, put: Callable[[World], int], scope: Scope) -> None:
    @settings(EXAMPLES, max_examples=250)
    @given(worlds(most=16), st.lists(trees(scope), min_size=4, max_size=4))
    def any_tree(world: World, filters: list[Node]) -> None:
        project = put(world)
        for tree in filters:
            agree(store, project, world, tree, scope)

    any_tree()


def test_a_trace_filter_over_any_row_selects_the_traces_that_it_selects_over_heads(store: Store, put: Callable[[World], int]) -> None:
    @settings(EXAMPLES, max_examples=30)
    @given(worlds(), st.lists(trees("trace"), min_size=3, max_size=3))
    def any_tree(world: World, filters: list[Node]) -> None:
        project = put(world)
        for tree in filters:
            note(format_filter(tree))
            assert chosen(store, project, tree, "trace", heads=False) == chosen(store, project, tree, "trace")

    any_tree()


UNKNOWN = {
    "cost > $1": False,
    "cost <= $1": False,
    "cost != $1": False,
    "cost not in ($1, $2)": False,
    "not cost > $1": True,
    "not cost != $1": True,
    "cost missing": True,
    "cost exists": False,
    "not cost exists": True,
    "cost > $1 or cost <= $1": False,
    "cost > $1 or not cost > $1": True,
    "model != x": False,
    "model !~ x": False,
    "not model ~ x": True,
    "tag != x": False,
    "tokens < 1": False,
    "ttft != 1s": False,
    "attr.k != 1": False,
    "attr.k missing": True,
    "metadata.k != a": False,
    "score.k != 1": False,
    "score missing": True,
    "parent != 00000000000000ff": False,
}


@pytest.mark.parametrize("scope", ["span", "trace"])
def test_what_is_not_known_compares_with_nothing_and_not_turns_the_answer(store: Store, put: Callable[[World], int], scope: Scope) -> None:
    world = World([plain_span()])
    project = put(world)
    for text, expected in UNKNOWN.items():
        tree = parse(text, scope)
        assert bool(select(tree, scope, world)) is expected, text
        assert bool(chosen(store, project, tree, scope)) is expected, text


def test_a_sum_is_of_what_is_known_and_counted_and_unknown_where_nothing_is(store: Store, put: Callable[[World], int]) -> None:
    one, two = SPANS[:2]
    told = plain_span(span_id=one, cost_nanos=2_000_000_000, input_tokens=7)
    world = World([told, plain_span(span_id=two), plain_span(span_id=SPANS[2], cost_nanos=9_000_000_000, counted=False)])
    project = put(world)
    expected = {"cost = $2": True, "cost > $2": False, "tokens = 7": True, "output_tokens exists": False, "output_tokens != 1": False}
    for text, holds in expected.items():
        assert bool(chosen(store, project, parse(text, "trace"), "trace")) is holds, text


def test_bounds_of_time_hold_their_first_moment_and_not_their_last(store: Store, put: Callable[[World], int]) -> None:
    project = put(World([plain_span(start_ns=NOW_NS - 1_000_000_000, session_id="s1")]))
    expected = {"since = 1s": True, "until = 1s": False, "since = 999ms": False, "until = 999ms": True}
    at = "1970-01-01T00:16:39"
    expected |= {f"since = {at}": True, f"until = {at}": False, f"start >= {at}": True, f"start > {at}": False, f"start <= {at}": True}
    scopes: tuple[Scope, ...] = ("span", "trace", "session")
    for scope in scopes:
        for text, holds in expected.items():
            assert bool(chosen(store, project, parse(text, scope), scope)) is holds, f"{scope}: {text}"


def test_the_text_indexes_change_no_answer(store: Store, put: Callable[[World], int]) -> None:
    scopes: tuple[Scope, ...] = ("span", "trace", "session")
    needles = [Search(needle) for needle in NEEDLES]
    sides = [Test(FieldRef(name), op, (Value("text", needle),)) for name in ("input", "output") for op in ("~", "!~") for needle in NEEDLES]

    @settings(EXAMPLES, max_examples=2)
    @given(worlds(least=12, most=16))
    def any_world(world: World) -> None:
        project = put(world)
        for scope in scopes:
            for tree in (*needles, *(sides if scope == "span" else ())):
                sql = compile_filter(tree, scope, now_ns=NOW_NS, indexed=True)
                assert answer(store, project, sql, scope) == select(tree, scope, world, NOW_NS), (scope, format_filter(tree))

    any_world()


def test_any_asks_one_span_and_separate_conditions_may_be_met_by_two(store: Store, put: Callable[[World], int]) -> None:
    world = World([plain_span(span_id=SPANS[0], kind="TOOL"), plain_span(span_id=SPANS[1], kind="LLM", model="x")])
    project = put(world)
    assert chosen(store, project, parse("kind = TOOL and model = x", "trace"), "trace") == {TRACES[0]}
    assert chosen(store, project, parse("any(kind = TOOL and model = x)", "trace"), "trace") == set()
    assert chosen(store, project, parse("count(kind = TOOL) = 1 and count(status = error) = 0", "trace"), "trace") == {TRACES[0]}


def test_a_filter_at_its_limits_is_answered(store: Store, put: Callable[[World], int]) -> None:
    project = put(World([plain_span(session_id="s1", tags=["a"])]))
    heavy = {
        "span": (" or ".join(["score.a=1"] * 199), f"attr.k in ({','.join(['1'] * 199)}) or tag = a", "not " * 50 + "tag = a"),
        "trace": (
            " or ".join(["tokens>1"] * 199),
            " and ".join(["count(tag=a)=1"] * 99),
            "count(" * 1 + "(" * 49 + "tag=a" + ")" * 50 + " = 1",
        ),
        "session": (" or ".join(["tokens>1"] * 199), " and ".join(["count(tag=a)=1"] * 99), " or ".join(["score.a!=1"] * 199)),
    }
    for scope, texts in heavy.items():
        for text in texts:
            agreeing = chosen(store, project, parse(text, scope), scope)  # the engine takes it
            assert scope != "trace" or grouped(store, project, parse(text, scope)) == agreeing


def score(scope: str, **changes: Any) -> dict[str, Any]:
    none = {"trace_id": "0" * 32, "span_id": "0" * 16, "session_id": ""}
    return {"scope": scope, **none, "name": "q", "identifier": "", "value": 1.0, "label": "", "source": "code", "received_ns": 1, **changes}


def test_of_a_score_given_twice_the_later_counts(store: Store, put: Callable[[World], int]) -> None:
    given = {"trace_id": TRACES[0], "span_id": SPANS[0]}
    project = put(World([plain_span()], [score("span", **given), score("span", **given, value=0.0, received_ns=2)]))
    assert chosen(store, project, parse("score.q = 0"), "span")
    assert not chosen(store, project, parse("score.q = 1"), "span")


def test_a_score_is_about_what_its_scope_says_whatever_else_it_names(store: Store, put: Callable[[World], int]) -> None:
    everything = {"trace_id": TRACES[0], "span_id": SPANS[0], "session_id": "s1"}
    about = {"span": {"span", "trace", "session"}, "trace": {"trace", "session"}, "session": {"session"}}
    scopes: tuple[Scope, ...] = ("span", "trace", "session")
    for of, met in about.items():
        project = put(World([plain_span(session_id="s1")], [score(of, **everything)]))
        assert {scope for scope in scopes if chosen(store, project, parse("score.q = 1", scope), scope)} == met, of


def test_a_span_that_ends_before_it_starts_ends_where_it_starts(store: Store, put: Callable[[World], int]) -> None:
    project = put(World([plain_span(end_ns=NOW_NS - 5, duration_ns=-5)]))
    assert chosen(store, project, parse("latency = 0", "trace"), "trace")
    assert not chosen(store, project, parse("end < 1970-01-01T00:16:40", "trace"), "trace")


def test_whole_numbers_compare_exactly_where_doubles_would_not(store: Store, put: Callable[[World], int]) -> None:
    whole, double = 9_007_199_254_740_993, 9_007_199_254_740_992.0
    project = put(World([plain_span(attributes=[("whole", "i", whole), ("double", "d", double)])]))
    expected = {
        f"attr.whole = {whole}": True,
        f"attr.whole = {whole - 1}": False,
        "attr.whole > 9.007199254740992e15": True,
        f"attr.double = {whole}": False,
        f"attr.double = {whole - 1}": True,
        f"attr.double < {whole}": True,
        f"attr.double in (1, {whole})": False,
    }
    for text, holds in expected.items():
        assert bool(chosen(store, project, parse(text), "span")) is holds, text


def test_two_projects_do_not_see_each_other(store: Store, put: Callable[[World], int]) -> None:
    first = put(World([plain_span(session_id="s1")]))
    put(World([plain_span(session_id="s1", model="x", cost_nanos=1)], [score("trace", trace_id=TRACES[0])]))
    for scope in ("trace", "session"):
        for text in ("model = x", "score.q = 1", "cost exists", "any(model = x)", "spans > 1"):
            assert chosen(store, first, parse(text, scope), scope) == set()
