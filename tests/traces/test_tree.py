"""A trace as a tree: order, depth, self time, critical path, sums; and what arrived broken."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clew.traces.tree import build_tree
from clew.traces.views import Cost, SpanRow, Status, Tokens, TreeNode

UNSET: Status = "unset"


def span(span_id: str, parent_id: str = "", start: int = 0, lasted: int = 10, **changes: Any) -> SpanRow:
    values: dict[str, Any] = {
        "trace_id": "t", "span_id": span_id, "parent_id": parent_id, "name": span_id, "kind": "SPAN", "status": UNSET, "status_message": "",
        "start_ns": start, "duration_ns": lasted, "service": "", "provider": "", "model": "", "agent_name": "", "tool_name": "",
        "session_id": "", "user_id": "", "tokens": Tokens(), "counted": False, "cost_micros": None, "cost_source": "", "ttft_ns": None,
        "finish_reason": "", "marks": (), "input_preview": "", "output_preview": "",
    }  # fmt: skip
    return SpanRow(**{**values, **changes})


def tree(*spans: SpanRow, nanos: dict[str, int] | None = None) -> dict[str, TreeNode]:
    nodes = build_tree(spans, [(nanos or {}).get(one.span_id) for one in spans])
    assert sorted(node.span.span_id for node in nodes) == sorted(one.span_id for one in spans)
    return {node.span.span_id: node for node in nodes}


def order(*spans: SpanRow) -> list[tuple[str, int]]:
    return [(node.span.span_id, node.depth) for node in build_tree(spans, [None] * len(spans))]


def test_parents_come_before_children_and_siblings_in_the_order_of_start() -> None:
    assert order(span("c", "a", 5), span("d", "b", 4), span("b", "a", 3), span("a")) == [("a", 0), ("b", 1), ("d", 2), ("c", 1)]


def test_a_trace_without_spans_is_an_empty_tree() -> None:
    assert build_tree([], []) == ()


def test_self_time_is_the_duration_without_the_union_of_the_childrens_intervals() -> None:
    nodes = tree(span("a", "", 0, 100), span("b", "a", 10, 30), span("c", "a", 20, 30), span("d", "a", 90, 50), span("e", "b", 10, 5))
    assert nodes["a"].self_ns == 100 - 40 - 10  # 10..50 and 90..100; what d does after a has ended is not a's time
    assert nodes["b"].self_ns == 25
    assert nodes["d"].self_ns == 50


def test_children_wholly_outside_their_parent_take_nothing_from_it() -> None:
    nodes = tree(span("a", "", 100, 10), span("before", "a", 0, 50), span("after", "a", 200, 50))
    assert nodes["a"].self_ns == 10
    assert nodes["before"].marks == ("before_parent",)
    assert nodes["after"].marks == ("after_parent",)


def test_the_critical_path_is_what_the_end_waited_for() -> None:
    nodes = tree(
        span("root", "", 0, 100),
        span("quick", "root", 0, 20), span("slow", "root", 0, 60), span("inside", "slow", 10, 50),
        span("last", "root", 60, 40), span("beside", "root", 65, 10),
    )  # fmt: skip
    assert {name for name, node in nodes.items() if node.critical} == {"root", "slow", "inside", "last"}


def test_a_child_that_runs_on_after_its_parent_is_on_the_path_up_to_the_parents_end() -> None:
    nodes = tree(span("root", "", 0, 100), span("background", "root", 50, 500), span("first", "root", 0, 50))
    assert all(node.critical for node in nodes.values())


def test_an_orphan_stands_at_the_top_and_leaves_the_path_to_the_root() -> None:
    nodes = tree(span("root", "", 0, 100), span("lost", "gone", 50, 200), span("below", "lost", 60, 10))
    assert nodes["lost"].depth == 0
    assert nodes["lost"].marks == ("orphan",)
    assert nodes["below"].depth == 1
    assert nodes["root"].critical
    assert not nodes["lost"].critical


def test_without_any_root_the_orphans_share_the_path() -> None:
    nodes = tree(span("a", "gone", 0, 10), span("b", "gone", 10, 10))
    assert nodes["a"].critical
    assert nodes["b"].critical


def test_a_ring_of_parents_is_opened_at_its_earliest_span() -> None:
    nodes = tree(span("a", "c", 30), span("b", "a", 10), span("c", "b", 20), span("below", "c", 40), span("self", "self", 5))
    assert nodes["b"].marks[0] == "cycle"
    assert nodes["b"].depth == 0
    assert (nodes["c"].depth, nodes["a"].depth, nodes["below"].depth) == (1, 2, 2)
    assert nodes["self"].marks == ("cycle",)


def test_a_second_span_with_the_same_id_stands_beside_the_first() -> None:
    nodes = build_tree([span("a"), span("b", "a", 1), span("b", "a", 2), span("c", "b", 3)], [None] * 4)
    assert [(node.span.span_id, node.span.start_ns, node.depth, node.marks) for node in nodes] == [
        ("a", 0, 0, ()), ("b", 1, 1, ("after_parent",)), ("c", 3, 2, ("after_parent",)), ("b", 2, 1, ("duplicate", "after_parent")),
    ]  # fmt: skip


def test_the_marks_of_the_span_itself_are_kept() -> None:
    assert tree(span("a", marks=("no_name",)), span("b", "a", -5, marks=("not_ended",)))["b"].marks == ("not_ended", "before_parent")


def test_tokens_and_cost_of_a_subtree_count_each_call_once() -> None:
    call = {"counted": True, "tokens": Tokens(input=10, output=2)}
    nodes = tree(
        span("root", tokens=Tokens(input=30), counted=False),
        span("one", "root", 1, **call), span("two", "one", 2, counted=True, tokens=Tokens(input=5, reasoning=1)), span("plain", "root", 3),
        nanos={"one": 1_400, "two": 200, "root": 5_000_000},
    )  # fmt: skip
    assert nodes["root"].subtree_tokens == Tokens(input=15, output=2, reasoning=1)
    assert nodes["root"].subtree_cost == Cost(2, 2, 0)  # 1,600 nano-dollars, rounded once
    assert nodes["two"].subtree_cost == Cost(0, 1, 0)
    assert nodes["plain"].subtree_cost == Cost(None, 0, 0)
    assert nodes["plain"].subtree_tokens == Tokens()


def test_a_call_without_a_price_makes_the_cost_a_lower_bound() -> None:
    nodes = tree(span("a", counted=True, tokens=Tokens(output=1)), span("b", "a", counted=True, tokens=Tokens(input=1)), nanos={"b": 3_000})
    assert nodes["a"].subtree_cost == Cost(3, 1, 1)


def test_a_hundred_thousand_spans_deep_and_wide_take_under_two_seconds() -> None:
    deep = [span(f"d{at}", f"d{at - 1}" if at else "", at, 200_000 - 2 * at) for at in range(50_000)]
    wide = [span(f"w{at}", "d0", at, 10) for at in range(50_000)]
    started = time.process_time()
    nodes = build_tree([*wide, *deep], [None] * 100_000)
    assert time.process_time() - started < 2
    assert max(node.depth for node in nodes) == 49_999


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(-1, 9), st.integers(0, 50), st.integers(0, 30)), max_size=12))
def test_whatever_arrives_every_span_is_shown_once_and_no_time_is_counted_twice(drawn: list[tuple[int, int, int, int]]) -> None:
    spans = [span(f"s{own}", "" if above < 0 else f"s{above}", start, lasted) for own, above, start, lasted in drawn]
    nodes = build_tree(spans, [1_000] * len(spans))
    assert sorted(id(node.span) for node in nodes) == sorted(id(one) for one in spans)
    assert all(0 <= node.self_ns <= node.span.duration_ns for node in nodes)
    assert not nodes or (nodes[0].depth == 0 and sum(node.children for node in nodes) == sum(node.depth > 0 for node in nodes))
    assert all(after.depth <= before.depth + 1 for before, after in pairwise(nodes))
