"""Named statements in ``.sql`` files.

A file holds blocks that start with ``-- name: trace_by_id`` and may go on with ``--`` comment lines. The only part of a
statement that changes is a slot, ``/*slot:where*/``, and only a piece of SQL made by a filter or another compiler of ours fills it;
values are always bound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from clew.core.errors import StoreError

_NAME = re.compile(r"^-- name: ([a-z0-9_]+)\s*$", re.MULTILINE)
_SLOT = re.compile(r"/\*slot:([a-z_]+)\*/")


@dataclass(frozen=True)
class Statement:
    """One statement with the name it carries in the slow-query log."""

    name: str
    sql: str

    def fill(self, **slots: str) -> Statement:
        """The statement with its slots filled. Raises StoreError for a slot that is not there."""
        known = set(_SLOT.findall(self.sql))
        if unknown := set(slots) - known:
            raise StoreError(f"statement {self.name!r} has no slot {sorted(unknown)!r}; it has {sorted(known)!r}")
        return replace(self, sql=_SLOT.sub(lambda match: slots.get(match[1], match[0]), self.sql))


def parse_statements(text: str) -> dict[str, Statement]:
    """The statements of one file's text, by name."""
    parts = _NAME.split(text)[1:]
    return {name: Statement(name, body.strip()) for name, body in zip(parts[::2], parts[1::2], strict=True)}


@cache
def load_statements(package: str, file: str = "queries.sql") -> Mapping[str, Statement]:
    """The named statements of ``file`` in ``package``; read once."""
    return parse_statements(resources.files(package).joinpath(file).read_text(encoding="utf-8"))


def quote_identifier(name: str) -> str:
    """An identifier in backticks, with what could end it escaped."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
