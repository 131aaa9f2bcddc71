"""Reads and writes the projects' own prices (records table ``prices``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clew.core.clock import now_ns
from clew.core.errors import InputError, NotFound
from clew.core.ids import new_id
from clew.core.jsontext import dumps
from clew.store import Row, Store, load_statements
from clew.traces.cost.own import OwnPrice, read_name, read_rates, to_json


def own_prices(store: Store, project_id: int) -> list[OwnPrice]:
    """A project's own prices by model, provider and start."""
    sql = load_statements("clew.traces.cost")
    return [_read(row) for row in store.records.rows(sql["prices_of_project"], project_id=project_id)]


def all_own_prices(store: Store) -> dict[int, list[OwnPrice]]:
    """The own prices of every project that has some."""
    found: dict[int, list[OwnPrice]] = {}
    for row in store.records.rows(load_statements("clew.traces.cost")["all_prices"]):
        found.setdefault(row["project_id"], []).append(_read(row))
    return found


def set_price(store: Store, project_id: int, *, model: str, rates: Mapping[str, Any], provider: str = "", starts_ns: int = 0) -> OwnPrice:
    """Adds a price, or replaces the one for the same model, provider and start. ``rates``: see ``read_rates``.

    Arriving spans cost by it from the next second on; stored ones after ``recompute``. Raises InputError when it cannot be a price.
    """
    if not 0 <= starts_ns < 2**63:
        raise InputError(f"found {starts_ns!r} as the start; wanted nanoseconds since 1970")
    parts, tiers = read_rates(rates)
    price = OwnPrice(new_id(), read_name("provider", provider, empty=True), read_name("model", model, empty=False), starts_ns, parts, tiers)
    sql = load_statements("clew.traces.cost")
    same = {"project_id": project_id, "provider": price.provider, "model": price.model, "starts_ns": starts_ns}
    with store.records.transaction() as transaction:
        transaction.run(sql["remove_same_price"], **same)
        transaction.run(sql["add_price"], id=price.id, rates=dumps(to_json(parts, tiers)), created_ns=now_ns(), **same)
    return price


def remove_price(store: Store, project_id: int, price_id: str) -> None:
    """Removes a price. Raises NotFound when the project has none with this id."""
    if not store.records.rows(load_statements("clew.traces.cost")["remove_price"], project_id=project_id, id=price_id):
        raise NotFound(f"found no price {price_id!r} in this project; list its prices to see their ids")


def _read(row: Row) -> OwnPrice:
    rates, tiers = read_rates(json.loads(row["rates"]))
    return OwnPrice(row["id"], row["provider"], row["model"], row["starts_ns"], rates, tiers)
