"""Projects."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from pydantic import BaseModel

from clew.api.errors import ANSWERS
from clew.traces.projects import reference

router = APIRouter(tags=["projects"], responses=ANSWERS)


class ProjectAnswer(BaseModel):
    """One AI product that is being looked after. ``segment`` stands for it in addresses, quoted as it has to be."""

    id: int
    name: str
    segment: str
    created_ns: int


@router.get("/projects", summary="Every project")
def projects(request: Request) -> list[ProjectAnswer]:
    """Oldest first."""
    return [
        ProjectAnswer(id=item.id, name=item.name, segment=quote(reference(item.name), safe=""), created_ns=item.created_ns)
        for item in request.app.state.projects.all()
    ]
