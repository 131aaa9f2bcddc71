"""A project's own prices, and costs worked out again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from clew.api.common import MAX_NS, ProjectIn, StoreIn
from clew.api.errors import ANSWERS
from clew.traces import cost

router = APIRouter(prefix="/projects/{project}", tags=["cost"], responses=ANSWERS)


class PriceIn(BaseModel):
    """US dollars per million tokens by part (input, output, cache_read, …), as decimal text; see docs/cost.md."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(min_length=1, max_length=200, description="a model's name, or its beginning and *")
    provider: str = Field("", max_length=200, description="empty: any provider")
    starts_ns: int = Field(0, ge=0, le=MAX_NS)
    rates: dict[str, Any]


class RecomputeIn(BaseModel):
    """The spans whose cost is worked out again, by start."""

    model_config = ConfigDict(extra="forbid", strict=True)

    since_ns: int = Field(0, ge=0, le=MAX_NS)
    until_ns: int = Field(MAX_NS, ge=0, le=MAX_NS)


@router.get("/prices", summary="The project's own prices")
def prices(store: StoreIn, project: ProjectIn) -> list[dict[str, Any]]:
    """They win over the price book."""
    return [price.as_json() for price in cost.own_prices(store, project.id)]


@router.post("/prices", status_code=201, summary="Set a price")
def post_price(store: StoreIn, project: ProjectIn, price: PriceIn) -> dict[str, Any]:
    """The same model, provider and start again replaces the older one. Spans that arrive from now on use it."""
    stored = cost.set_price(store, project.id, model=price.model, provider=price.provider, starts_ns=price.starts_ns, rates=price.rates)
    return stored.as_json()


@router.delete("/prices/{price_id}", status_code=204, summary="Remove a price")
def delete_price(store: StoreIn, project: ProjectIn, price_id: Annotated[str, Path(max_length=100)]) -> None:
    """Costs that were worked out with it stay until they are worked out again."""
    cost.remove_price(store, project.id, price_id)


@router.post("/recompute", summary="Work costs out again")
def recompute(request: Request, store: StoreIn, project: ProjectIn, window: RecomputeIn) -> dict[str, Any]:
    """With today's price book and own prices; a sender's own cost stays."""
    done = cost.recompute(store, project.id, since_ns=window.since_ns, until_ns=window.until_ns)
    return asdict(done)
