"""Projects."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

router = APIRouter(tags=["projects"])


class ProjectAnswer(BaseModel):
    """One AI product that is being looked after."""

    id: int
    name: str
    created_ns: int


@router.get("/projects", summary="Every project")
def projects(request: Request) -> list[ProjectAnswer]:
    """Oldest first."""
    return [ProjectAnswer(id=item.id, name=item.name, created_ns=item.created_ns) for item in request.app.state.projects.all()]
