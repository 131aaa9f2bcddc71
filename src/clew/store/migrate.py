"""Numbered migrations: each ``schema/<store>/NNNN_name.sql`` runs once and is recorded with its checksum and what it did."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from clew.core.errors import StoreError
from clew.store.sql import Statement


@dataclass(frozen=True)
class Migration:
    """One numbered file: its number, name, statements and the first comment, which says what it does."""

    number: int
    name: str
    summary: str
    checksum: str
    statements: tuple[str, ...]


def read_migrations(store: str) -> list[Migration]:
    """The migrations of ``facts`` or ``records``, in order. Raises StoreError when numbers have a gap."""
    folder = resources.files("clew.store").joinpath("schema", store)
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    found = [_parse(item.name, item.read_text(encoding="utf-8")) for item in files]
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise StoreError(f"migrations of {store!r} are not numbered 1, 2, 3 …: {[m.number for m in found]!r}")
    return found


def _parse(file: str, text: str) -> Migration:
    number, _, name = file.removesuffix(".sql").partition("_")
    lines = text.splitlines()
    summary = lines[0].removeprefix("--").strip() if lines and lines[0].startswith("--") else name
    body = "\n".join(line for line in lines if not line.lstrip().startswith("--"))
    statements = tuple(part.strip() for part in body.split(";\n") if part.strip().rstrip(";"))
    return Migration(int(number), name, summary, hashlib.sha256(text.encode()).hexdigest(), tuple(s.rstrip(";") for s in statements))


def apply(
    store: str, applied: list[dict[str, Any]], run: Callable[[Statement], None], record: Callable[[Migration], None]
) -> list[Migration]:
    """Runs what is not applied yet. Refuses a store that is newer than this program or whose past was rewritten."""
    wanted = read_migrations(store)
    known = {row["number"]: row["checksum"] for row in applied}
    if known and max(known) > len(wanted):
        raise StoreError(
            f"this data directory was written by a newer Clew ({store} migration {max(known)}, known here: {len(wanted)}); upgrade Clew"
        )
    for migration in wanted:
        if migration.number in known and known[migration.number] != migration.checksum:
            raise StoreError(
                f"{store} migration {migration.number} ({migration.name!r}) differs from the one this data directory was made with"
            )
    pending = [migration for migration in wanted if migration.number not in known]
    for migration in pending:
        for position, sql in enumerate(migration.statements):
            run(Statement(f"migrate_{store}_{migration.number:04d}_{position}", sql))
        record(migration)
    return pending
