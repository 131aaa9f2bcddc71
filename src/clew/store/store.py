"""One data directory: its lock, its two databases, its migrations."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clew.core.clock import iso, now_ns
from clew.core.errors import StoreLocked, StoreReadOnly
from clew.store.facts import EmbeddedFacts
from clew.store.migrate import Migration, apply
from clew.store.records import Records, sqlite_url
from clew.store.sql import Statement

DEFAULT_MEMORY_BYTES = 2 << 30  # the engine's ceiling; measured: 900 MB suffice at full ingest, pages over 10M spans need the rest


@dataclass
class Store:
    """The two doors and the directory behind them."""

    folder: Path
    facts: EmbeddedFacts
    records: Records
    _lock: Any

    def close(self) -> None:
        """Closes both databases and gives the directory free."""
        self.facts.close()
        self.records.close()
        self._lock.close()


def open_store(folder: Path, *, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> Store:
    """Opens (or makes) a data directory and brings it to this version's schema.

    Raises StoreLocked when another process holds it, StoreReadOnly when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _take_lock(folder)
    except PermissionError as error:
        raise StoreReadOnly(
            f"the data directory {folder.name!r} cannot be written; make it writable or choose another with --data"
        ) from error
    except OSError as error:
        if error.errno == 30:  # EROFS
            raise StoreReadOnly(f"the data directory {folder.name!r} is on a read-only file system; choose another with --data") from error
        raise
    records = Records(sqlite_url(folder))
    facts = EmbeddedFacts(folder / "facts", memory_bytes)
    facts.open()
    store = Store(folder, facts, records, lock)
    _migrate(store)
    return store


def _take_lock(folder: Path) -> Any:
    handle = open(folder / "lock", "a+", encoding="utf-8")  # noqa: SIM115 - held for the life of the process
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.seek(0)
        holder = handle.read().strip() or "another process"
        handle.close()
        raise StoreLocked(
            f"the data directory {folder.name!r} is held by {holder}; stop it, or use another directory with --data"
        ) from error
    handle.seek(0)
    handle.truncate()
    handle.write(f"process {os.getpid()}, since {iso(now_ns())}")
    handle.flush()
    return handle


def _migrate(store: Store) -> None:
    records, facts = store.records, store.facts
    records.rows(
        Statement(
            "make_migrations",
            "CREATE TABLE IF NOT EXISTS migrations (store TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,"
            " summary TEXT NOT NULL, checksum TEXT NOT NULL, applied_ns BIGINT NOT NULL, PRIMARY KEY (store, number))",
        )
    )

    def applied(which: str) -> list[dict[str, Any]]:
        return records.rows(
            Statement("applied", "SELECT number, checksum FROM migrations WHERE store = :store ORDER BY number"), store=which
        )

    def record(which: str, migration: Migration) -> None:
        records.rows(
            Statement("record_migration", "INSERT INTO migrations VALUES (:store, :number, :name, :summary, :checksum, :applied_ns)"),
            store=which,
            number=migration.number,
            name=migration.name,
            summary=migration.summary,
            checksum=migration.checksum,
            applied_ns=now_ns(),
        )

    apply("records", applied("records"), lambda statement: _discard(records.rows(statement)), lambda m: record("records", m))
    apply("facts", applied("facts"), facts.execute, lambda m: record("facts", m))


def _discard(_rows: Any) -> None:
    return None
