"""The records door: projects, scores' heads, saved views, settings and other small transactional rows, in SQLite by default.

SQLAlchemy carries it, so that PostgreSQL can stand behind the same named statements (``:name`` parameters).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from clew.core.errors import StoreError, StoreFull, StoreReadOnly
from clew.store.sql import Statement

BUSY_TIMEOUT_MS = 10_000  # how long a writer waits for another writer of the same file


def explain_records(error: OperationalError, name: str) -> StoreError:
    """Our error for one of the database's, without any path of this machine."""
    message = str(error.orig)
    if "full" in message:
        return StoreFull(f"the disk is full while running {name!r}; free some space and try again")
    if "readonly" in message or "unable to open" in message:
        return StoreReadOnly(f"the data directory cannot be written while running {name!r}; make it writable and restart")
    return StoreError(f"the records store refused {name!r}: {message}")


class Transaction:
    """One open transaction; everything in it is kept or nothing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, statement: Statement, /, **params: Any) -> list[dict[str, Any]]:
        """Runs one statement; returns its rows (none for a statement that returns nothing)."""
        try:
            result = self._connection.execute(text(statement.sql), params)
        except OperationalError as error:
            raise explain_records(error, statement.name) from error
        return [dict(row._mapping) for row in result] if result.returns_rows else []


class Records:
    """A pool of connections to the records database."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _pragmas)
            event.listen(self._engine, "begin", _begin_immediate)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commits at the end of the block, rolls back when it raises."""
        try:
            with self._engine.begin() as connection:
                yield Transaction(connection)
        except OperationalError as error:
            raise explain_records(error, "transaction") from error

    def rows(self, statement: Statement, /, **params: Any) -> list[dict[str, Any]]:
        """One statement in a transaction of its own."""
        with self.transaction() as transaction:
            return transaction.run(statement, **params)

    def close(self) -> None:
        """Closes the pool."""
        self._engine.dispose()


def _pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we open transactions ourselves, see _begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that turns into a write fails at once when another holds the lock; an immediate one waits.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def sqlite_url(folder: Path) -> str:
    """Where the embedded records live inside a data directory."""
    return f"sqlite:///{folder / 'records.db'}"
