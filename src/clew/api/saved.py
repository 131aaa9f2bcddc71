"""Saved views: the state of a list under a name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from clew.api.common import ProjectIn, StoreIn
from clew.api.errors import ANSWERS
from clew.traces.saved_views import remove_view, save_view, views_of

router = APIRouter(prefix="/projects/{project}", tags=["views"], responses=ANSWERS)
ListPage = Literal["traces", "spans", "sessions", "overview", "search"]


class ViewIn(BaseModel):
    """A list's state: the part of its address behind the question mark."""

    model_config = ConfigDict(extra="forbid", strict=True)

    page: ListPage
    name: str = Field(min_length=1, max_length=60)
    query: str = Field(max_length=4000)


@router.get("/views", summary="Saved views of a page")
def views(store: StoreIn, project: ProjectIn, page: Annotated[ListPage, Query()] = "traces") -> list[dict[str, Any]]:
    """By name."""
    return views_of(store, project.id, page)


@router.post("/views", status_code=204, summary="Save a view")
def post_view(store: StoreIn, project: ProjectIn, view: ViewIn) -> None:
    """The same name again replaces it."""
    save_view(store, project.id, view.page, view.name, view.query)


@router.delete("/views/{view_id}", summary="Remove a view")
def delete_view(store: StoreIn, project: ProjectIn, view_id: Annotated[str, Path(max_length=100)]) -> dict[str, Any]:
    """Gives back what it was, so that it can be saved again."""
    return remove_view(store, project.id, view_id)
