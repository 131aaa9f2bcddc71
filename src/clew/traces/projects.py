"""Projects: found by name, made on first sight. The only writer of the table ``projects``."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from urllib.parse import quote, unquote

from clew.core.clock import now_ns
from clew.core.errors import NotFound
from clew.store import Store, load_statements

MARK = "~"  # begins a reference that is not the name itself
MAX_ID_DIGITS = 9


@dataclass(frozen=True)
class Project:
    """One AI product that is being looked after."""

    id: int
    name: str
    created_ns: int


def reference(name: str) -> str:
    """A project's name as one segment of an address, before the address quotes it.

    A slash, or a segment of dots, cannot stand in a path even when it is quoted: such a name becomes ``~`` and the name quoted once more.
    """
    plain = "/" not in name and not name.startswith(MARK) and name not in (".", "..")
    return name if plain else MARK + quote(name, safe="")


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

    def find(self, named: str) -> Project:
        """The project of that name, of that ``reference``, or of that id as ``~7``. Raises NotFound with the names there are."""
        rest = named[len(MARK) :]
        if not named.startswith(MARK):
            rows = self._records.rows(self._sql["project_by_name"], name=named)
        elif rest.isascii() and rest.isdigit():
            rows = self._records.rows(self._sql["project_by_id"], id=int(rest)) if len(rest) <= MAX_ID_DIGITS else []
        else:
            rows = self._records.rows(self._sql["project_by_name"], name=unquote(rest))
        if not rows:
            names = ", ".join(repr(project.name) for project in self.all()[:10]) or "none yet"
            raise NotFound(f"there is no project {named!r}; there are: {names}")
        return Project(**rows[0])

    def all(self) -> list[Project]:
        """Every project, oldest first."""
        return [Project(**row) for row in self._records.rows(self._sql["projects"])]
