"""Prices stored spans again, by today's price book and the project's own prices. What a sender said a call cost is never touched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clew.core.errors import StoreError
from clew.core.ids import new_id
from clew.store import Statement, Store, load_statements
from clew.traces.cost.cards import NO_SENDER, CardCache, cost_sql

POLL_S = 0.1
Progress = Callable[[int, int], None]  # parts done, parts in all


@dataclass(frozen=True)
class CostSum:
    """Spans of one cost source, and what those that count sum up to in nano-dollars."""

    source: str
    spans: int
    nanos: int


@dataclass(frozen=True)
class Recomputed:
    """How many spans got another cost, source or price version, and the sums before and after."""

    changed: int
    before: tuple[CostSum, ...]
    after: tuple[CostSum, ...]


def recompute(store: Store, project_id: int, *, since_ns: int, until_ns: int, progress: Progress | None = None) -> Recomputed:
    """Prices the spans of a project that started in [since_ns, until_ns) again, from their token counts.

    The engine rewrites the three cost columns in the background, in bounded memory, while spans arrive; this returns when that is done.
    An interrupted run is finished by the engine at the next start.
    """
    named, facts = load_statements("clew.traces.cost"), store.facts
    where = {"project_id": project_id, "since_ns": since_ns, "until_ns": until_ns}
    before = _sums(store, where)
    cards = CardCache(store).parameters(facts.rows(named["priced_models"], **where))
    new = cost_sql(NO_SENDER)
    changed = named["count_changed"].fill(nanos=new["cost_nanos"], source=new["cost_source"], version=new["price_version"])
    count = int(facts.rows(changed, **where, **cards)[0]["spans"])
    if count:
        assignments = ", ".join(f"{name} = {sql}" for name, sql in cost_sql(NO_SENDER, apart=True).items())
        _update(store, named["update_costs"].fill(assignments=assignments), where | cards, progress)
    return Recomputed(count, before, _sums(store, where))


def _sums(store: Store, where: dict[str, Any]) -> tuple[CostSum, ...]:
    rows = store.facts.rows(load_statements("clew.traces.cost")["cost_sums"], **where)
    return tuple(CostSum(row["source"], int(row["spans"]), int(row["nanos"])) for row in rows)


def _update(store: Store, statement: Statement, params: dict[str, Any], progress: Progress | None) -> None:
    named, run = load_statements("clew.traces.cost"), new_id()
    store.facts.execute(statement, run=run, **params)
    parts = 0
    while True:
        state = store.facts.rows(named["update_state"], run=run)[0]
        left = int(state["parts_to_do"])
        parts = max(parts, left)
        if progress is not None:
            progress(parts - left, parts)
        if state["is_done"]:
            return
        if state["latest_fail_reason"]:
            store.facts.execute(named["stop_update"], mutation_id=state["mutation_id"])
            raise StoreError("the facts store could not rewrite the costs; nothing was changed for the parts that were left, run it again")
        time.sleep(POLL_S)
