"""Projects: found by name, made on first sight. The only writer of the table ``projects``."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from clew.core.clock import now_ns
from clew.core.errors import NotFound
from clew.store import Store, load_statements


@dataclass(frozen=True)
class Project:
    """One AI product that is being looked after."""

    id: int
    name: str
    created_ns: int


class Projects:
    """The projects of one store, with a cache of names; thread-safe."""

    def __init__(self, store: Store) -> None:
        self._records = store.records
        self._sql = load_statements("clew.traces", "records.sql")
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {}

    def id(self, name: str) -> int:
        """The project's id; makes the project when the name is new."""
        known = self._ids.get(name)
        if known is not None:
            return known
        with self._lock:
            with self._records.transaction() as transaction:
                transaction.run(self._sql["make_project"], name=name, created_ns=now_ns())
                found = int(transaction.run(self._sql["project_by_name"], name=name)[0]["id"])
            self._ids[name] = found
            return found

    def find(self, name: str) -> Project:
        """The project of that name. Raises NotFound with the names there are."""
        rows = self._records.rows(self._sql["project_by_name"], name=name)
        if not rows:
            names = ", ".join(repr(project.name) for project in self.all()[:10]) or "none yet"
            raise NotFound(f"there is no project {name!r}; there are: {names}")
        return Project(**rows[0])

    def all(self) -> list[Project]:
        """Every project, oldest first."""
        return [Project(**row) for row in self._records.rows(self._sql["projects"])]
