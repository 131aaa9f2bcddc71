"""Stored spans priced again: by today's prices, nothing but the three cost columns, and never what a sender said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from clew.store import Statement, Store, open_store
from clew.traces.cost import CostSum, recompute, remove_price, set_price

T0 = 1_762_000_000 * 10**9
ALWAYS = {"since_ns": 0, "until_ns": 2**63 - 1}

# Spans of every kind: five models of which one is unknown, a sender's own costs, spans without tokens, a doubled call that does not count.
FILL = Statement(
    "fill",
    """
    INSERT INTO spans (
        project_id, start_ns, end_ns, trace_id, span_id, is_root, name, kind, provider, model_asked, model_answered, model,
        input_tokens, cache_read_tokens, output_tokens, counted, cost_nanos, cost_source, price_version, tags,
        input_text, output_text, `attr.key`, `attr.kind`, `attr.str`, `attr.int`, `attr.dbl`, events, resource
    )
    SELECT
        {project_id:UInt32}, {start_ns:Int64} + number * 1000000, 0,
        unhex(leftPad(hex(number), 32, '0')), unhex(leftPad(hex(number), 16, '0')), number % 2, 'chat', 'LLM',
        ['openai', 'anthropic', 'google', 'deepseek', 'nobody'][1 + number % 5],
        ['gpt-4o', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'deepseek-chat', 'nothing'][1 + number % 5] AS model,
        if(number % 3 = 0, '', model), model,
        if(number % 11 = 0, NULL, 1000 + number % 1000), if(number % 11 = 0, NULL, number % 50),
        if(number % 11 = 0, NULL, 10 + number % 100),
        number % 7 != 0, if(number % 10 = 0, 77, NULL), multiIf(number % 10 = 0, 'sender', number % 11 = 0, 'none', 'unknown'), '', ['tag'],
        repeat(toString(cityHash64(number)), 10), 'out', ['key'], ['s'], [toString(number)], [1], [0.5], ['event'], 'resource'
    FROM numbers({spans:UInt64})
    """,
)
ALL_BUT_COST = Statement(
    "all_but_cost",
    "SELECT count() AS spans, sum(cityHash64(toString(tuple(* EXCEPT (cost_nanos, cost_source, price_version))))) AS digest"
    " FROM spans WHERE project_id = {project_id:UInt32}",
)
COSTS = Statement(
    "costs",
    "SELECT cost_nanos, cost_source, price_version, model, start_ns FROM spans WHERE project_id = {project_id:UInt32} ORDER BY start_ns",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("recompute"))
    for number in range(1, 10):
        opened.records.rows(Statement("project", "INSERT INTO projects VALUES (:id, :name, 0)"), id=number, name=f"p{number}")
    yield opened
    opened.close()


def fill(store: Store, project_id: int, spans: int, start_ns: int = T0) -> list[dict[str, Any]]:
    store.facts.execute(FILL, project_id=project_id, spans=spans, start_ns=start_ns)
    return store.facts.rows(ALL_BUT_COST, project_id=project_id)


def sums(found: tuple[CostSum, ...]) -> dict[str, int]:
    return {item.source: item.spans for item in found}


def test_unknown_costs_become_known_and_nothing_else_changes(store: Store) -> None:
    before = fill(store, 1, 5000)
    other = fill(store, 2, 500)
    others_costs = store.facts.rows(COSTS, project_id=2)
    done = recompute(store, 1, **ALWAYS)
    assert sums(done.before) == {"sender": 500, "none": 409, "unknown": 4091}
    assert sums(done.after) == {"sender": 500, "none": 409, "unknown": sums(done.after)["unknown"], "price": done.changed}
    assert done.changed + sums(done.after)["unknown"] == 4091
    assert store.facts.rows(ALL_BUT_COST, project_id=1) == before
    assert store.facts.rows(ALL_BUT_COST, project_id=2) == other
    assert store.facts.rows(COSTS, project_id=2) == others_costs
    costs = store.facts.rows(COSTS, project_id=1)
    assert {(row["cost_nanos"], row["price_version"]) for row in costs if row["cost_source"] == "sender"} == {(77, "")}
    assert {row["model"] for row in costs if row["cost_source"] == "unknown"} == {"nothing"}
    assert all(row["cost_nanos"] is None for row in costs if row["cost_source"] in ("unknown", "none"))


def test_sums_are_over_the_spans_that_count(store: Store) -> None:
    fill(store, 3, 700)
    after = {item.source: item.nanos for item in recompute(store, 3, **ALWAYS).after}
    counted = Statement("counted", "SELECT sum(cost_nanos) AS nanos FROM spans WHERE project_id = 3 AND counted AND cost_source = 'price'")
    assert after["price"] == store.facts.rows(counted)[0]["nanos"]
    assert after["unknown"] == 0


def test_a_second_run_changes_nothing(store: Store) -> None:
    fill(store, 4, 1000)
    first = recompute(store, 4, **ALWAYS)
    second = recompute(store, 4, **ALWAYS)
    assert first.changed > 0
    assert second.changed == 0
    assert second.before == second.after == first.after


def test_only_the_stretch_of_time_that_is_asked_for_is_priced_again(store: Store) -> None:
    fill(store, 5, 1000)
    recompute(store, 5, since_ns=T0 + 100 * 10**6, until_ns=T0 + 200 * 10**6)
    priced = [row["start_ns"] for row in store.facts.rows(COSTS, project_id=5) if row["cost_source"] == "price"]
    assert min(priced) >= T0 + 100 * 10**6
    assert max(priced) < T0 + 200 * 10**6


def test_an_own_price_applies_to_stored_spans_and_goes_again_with_its_removal(store: Store) -> None:
    fill(store, 6, 1000)
    listed = recompute(store, 6, **ALWAYS)
    kept = set_price(store, 6, model="nothing", rates={"input": "1", "output": "1"})
    known = recompute(store, 6, **ALWAYS)
    assert sums(known.after)["own price"] == sums(listed.after)["unknown"]
    versions = {row["price_version"] for row in store.facts.rows(COSTS, project_id=6) if row["cost_source"] == "own price"}
    assert versions == {f"own {kept.id}"}
    remove_price(store, 6, kept.id)
    assert recompute(store, 6, **ALWAYS).after == listed.after


def test_a_project_without_spans_has_nothing_to_price(store: Store) -> None:
    done = recompute(store, 9, **ALWAYS)
    assert (done.changed, done.before, done.after) == (0, (), ())


def test_progress_is_told_until_all_is_done(store: Store) -> None:
    fill(store, 7, 2000)
    told: list[tuple[int, int]] = []
    recompute(store, 7, **ALWAYS, progress=lambda done, parts: told.append((done, parts)))
    assert told[-1][0] == told[-1][1]


@pytest.mark.slow
def test_a_million_spans_are_priced_again_in_bounded_memory(store: Store) -> None:
    for part in range(10):
        fill(store, 8, 100_000, start_ns=T0 + part * 10**12)
    process, most = psutil.Process(), 0
    start = process.memory_info().rss

    def watch(_done: int, _parts: int) -> None:
        nonlocal most
        most = max(most, process.memory_info().rss)

    done = recompute(store, 8, **ALWAYS, progress=watch)
    assert sums(done.after)["price"] > 600_000
    assert most - start < 400 << 20
