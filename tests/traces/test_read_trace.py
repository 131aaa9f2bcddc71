"""One trace opened, one span with all that is stored of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from clew.core.errors import InputError, NotFound
from clew.store import Statement, Store, open_store
from clew.traces.otlp import row_to_span
from clew.traces.read import get_span, get_trace, list_traces, span_logs
from clew.traces.views import Cost
from stored_spans import BASE, S, call, keep, score, span, span_id, trace_id


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("traces"))
    store.records.rows(Statement("name", "INSERT INTO projects (id, name, created_ns) VALUES (1, 'shop', 0)"))
    yield store
    store.close()


def test_a_trace_is_a_tree_with_sums_scores_and_times(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, lasted=10, name="agent"), call(1, 2, 1, at=1, lasted=3, nanos=2_600), call(1, 3, 1, at=5, lasted=7, nanos=1_000),
        span(2, 9),
        scores=[score("trace", trace=1, value=0.5), score("span", trace=1, own=3, name="tone", label="warm", value=None)],
        project=1,
    )  # fmt: skip
    view = get_trace(store, project, trace_id(1).upper())
    assert (view.project, view.trace_id, view.start_ns, view.end_ns) == ("shop", trace_id(1), BASE, BASE + 12 * S)
    assert [(node.span.span_id, node.depth) for node in view.nodes] == [(span_id(1), 0), (span_id(2), 1), (span_id(3), 1)]
    assert view.nodes[0].self_ns == 2 * S
    assert view.nodes[0].subtree_cost == Cost(4, 2, 0)  # 3,600 nano-dollars, rounded once, not 3 + 1
    assert view.row.cost == Cost(4, 2, 0)
    assert [one.label for one in view.nodes[2].span.scores] == ["warm"]
    assert {one.name for one in view.scores} == {"quality", "tone"}
    assert not view.root_missing


def test_an_opened_trace_tells_the_same_as_its_row_in_the_list(store: Store) -> None:
    project = keep(
        store,
        call(1, 2, 1, at=2, lasted=3, model="b", cache_read_tokens=4), call(1, 3, 1, at=1, model="a", nanos=None), call(1, 4, 2, counted=False),
        span(1, 1, at=1.5, status=2), call(2, 2, 8, at=4, tokens=0), span(2, 1, 9, at=5, status=2),
        scores=[score("trace", trace=1), score("span", trace=1, own=1), score("span", trace=2, own=2)],
    )  # fmt: skip
    listed = list_traces(store, project).items
    assert len(listed) == 2
    for row in listed:
        assert get_trace(store, project, row.root.trace_id).row == row


def test_broken_traces_open_and_say_what_is_broken(store: Store) -> None:
    project = keep(store, span(1, 2, 7, at=2), span(1, 3, 2, at=1), span(1, 4, 5, at=8), span(1, 5, 4, at=9, marks=["no_name"]))
    view = get_trace(store, project, trace_id(1))
    assert view.root_missing
    assert {node.span.span_id: node.marks for node in view.nodes} == {
        span_id(2): ("orphan",),
        span_id(3): ("before_parent",),
        span_id(4): ("cycle",),
        span_id(5): ("no_name", "after_parent"),
    }


@pytest.mark.parametrize("wrong", ["", "12", "g" * 32, "0" * 31, "'; DROP TABLE spans --"])
def test_an_id_that_is_none_is_refused_and_a_missing_trace_is_not_found(store: Store, wrong: str) -> None:
    with pytest.raises(InputError, match="wanted 32 hex digits"):
        get_trace(store, 1, wrong)
    with pytest.raises(NotFound):
        get_trace(store, 999, trace_id(77))
    with pytest.raises(InputError, match="wanted 16 hex digits"):
        get_span(store, 1, trace_id(1), wrong)


def test_a_span_opens_with_every_column_and_its_attributes_in_order(store: Store) -> None:
    project = keep(
        store,
        span(1, 1),
        call(1, 2, 1, attributes={"gen_ai.request.model": "gpt-4o", "b": "", "a": "退款"}, input_text="hi", tags=["x"], session_id="s"),
        scores=[score("span", trace=1, own=2)],
    )
    opened = get_span(store, project, trace_id(1), span_id(2))
    assert opened.row.parent_id == span_id(1)
    assert opened.row.model == "gpt-4o"
    assert [one.name for one in opened.scores] == ["quality"]
    assert (opened.record["input_text"], opened.record["tags"], opened.record["kind"]) == ("hi", ["x"], "LLM")
    sent = row_to_span(opened.record)
    assert [(item.key, item.value.string_value) for item in sent.attributes] == [
        ("gen_ai.request.model", "gpt-4o"),
        ("b", ""),
        ("a", "退款"),
    ]
    assert sent.span_id == bytes.fromhex(span_id(2))
    with pytest.raises(NotFound):
        get_span(store, project, trace_id(1), span_id(3))


def test_the_logs_of_a_span_come_in_the_order_of_time(store: Store) -> None:
    sql = "INSERT INTO logs (project_id, time_ns, trace_id, span_id, event_name) VALUES"
    values = ", ".join(f"(7, {at}, unhex('{trace_id(1)}'), unhex('{span_id(own)}'), 'e{at}')" for at, own in ((3, 1), (1, 1), (2, 2)))
    store.facts.execute(Statement("logs", f"{sql} {values}"))
    assert [row["event_name"] for row in span_logs(store, 7, trace_id(1), span_id(1))] == ["e1", "e3"]


@pytest.mark.slow
def test_a_hundred_thousand_spans_in_one_trace_open_in_two_seconds(store: Store) -> None:
    chunk = 20_000
    project = keep(store, span(1, 1, lasted=1_000))
    for first in range(2, 100_001, chunk):
        keep(store, *(call(1, own, max(1, own - 3), at=own / 1_000) for own in range(first, min(first + chunk, 100_001))), project=project)
    get_trace(store, project, trace_id(1))
    started = time.process_time()
    view = get_trace(store, project, trace_id(1))
    assert len(view.nodes) == 100_000
    assert time.process_time() - started < 4  # of both processor cores together; two seconds of a clock on a quiet machine
