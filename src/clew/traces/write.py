"""Stores spans: the only writer of the table ``spans``. One commit is one group of requests, decoded by the engine.

A span that is sent again (a retry, or its start and later its end) stays one span: the fuller copy is kept, and a copy that replaces
another is stored before the older one is dropped, so that no moment has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from clew.store import Encoded, Row, Store
from clew.traces.cost import CardCache
from clew.traces.dialects import counted
from clew.traces.outcome import Outcome
from clew.traces.scores import ScoreWriter
from clew.traces.staging import SpanStatements, keys_that_matter, span_statements, stage_statement
from clew.traces.wire import TRACES_SCHEMA, TRACES_STRUCTURE, Frame


class SpanWriter:
    """Decodes, checks against what is stored, and stores groups of requests. Used by one thread."""

    def __init__(self, store: Store, scores: ScoreWriter) -> None:
        self._facts = store.facts
        self._cards = CardCache(store)
        self._scores = scores
        self._sql: SpanStatements = span_statements()
        self._facts.execute(self._sql.make)
        self._facts.execute(self._sql.make_decoded)
        self._commit_id = int(self._facts.written(self._sql.last_commit)[0]["commit_id"])
        self._mend()

    def commit(self, frames: Sequence[Frame]) -> Outcome:
        """Stores the spans of ``frames``; returns after they are synced to disk. On an error nothing is stored or all of it is."""
        sql, facts = self._sql, self._facts
        self._stage(frames)
        known = facts.written(sql.facts)[0]
        relatives = facts.written(sql.relatives)
        again = [row for row in relatives if row["again"]]
        skip, replaced = self._choose(again)
        uncounted = self._uncounted(known, relatives)
        self._commit_id += 1
        cards = self._cards.parameters(known["priced"])
        store = sql.store if known["spans"] == known["distinct_spans"] else sql.store_deduplicated
        facts.execute(store, skip=skip, uncounted=uncounted, commit_id=self._commit_id, **cards)
        if replaced:
            self._drop(replaced, {row["project_id"] for row in again}, self._commit_id)
        stored = int(known["distinct_spans"]) - len(again)
        scores = self._scores.from_staging() if known["carriers"] else None
        return Outcome(
            stored,
            int(known["spans"]) - stored,
            len(replaced),
            scores.stored if scores else 0,
            scores.refused if scores else {},
        )

    def _stage(self, frames: Sequence[Frame]) -> None:
        sql, facts = self._sql, self._facts
        facts.execute(sql.clear)
        facts.execute(sql.clear_decoded)
        facts.load(sql.decode, Encoded([frame.encoded() for frame in frames], "Protobuf", TRACES_STRUCTURE, TRACES_SCHEMA, "Frame"))
        present = keys_that_matter(row["key"] for row in facts.written(sql.keys))
        facts.execute(stage_statement(present))
        facts.execute(sql.clear_decoded)

    def _choose(self, again: list[Row]) -> tuple[list[str], list[str]]:
        """Which of the spans that are stored already are left out (the stored copy is as full) and which replace the stored copy."""
        if not again:
            return [], []
        stored = {(row["trace"] + row["span"]): int(row["fullness"]) for row in again}
        incoming = self._fullness(list(stored))
        skip = [key for key, fullness in stored.items() if incoming.get(key, 0) <= fullness]
        left = set(stored).difference(skip)
        return skip, sorted(left)

    def _fullness(self, keys: list[str]) -> dict[str, int]:
        rows = self._facts.written(self._sql.fullness, ids=keys)
        return {row["id"]: int(row["fullness"]) for row in rows}

    def _uncounted(self, known: Row, relatives: list[Row]) -> list[str]:
        """The group's spans whose tokens another span of the same call already tells, or will when this group is stored."""
        related = [row for row in relatives if row["counts"]]
        if not (known["rollups"] or known["nested"] or known["same_response"] or related):
            return []
        staged = self._facts.written(self._sql.usage)
        traces: dict[str, list[Row]] = {}
        for row in staged:
            traces.setdefault(row["trace"], []).append(row)
        for row in related:
            if row["trace"] in traces and not row["again"]:
                traces[row["trace"]].append({**row, "has_usage": True, "stored": True})
        return [key for trace, rows in traces.items() for key in _not_counted(trace, rows)]

    def _drop(self, ids: list[str], projects: Iterable[int], commit_id: int) -> None:
        self._facts.execute(self._sql.drop_replaced, ids=ids, projects=sorted(projects), commit_id=commit_id)

    def _mend(self) -> None:
        """After a crash between a commit and the dropping of what it replaced, drops it now."""
        if self._commit_id == 0:
            return
        doubled = self._facts.written(self._sql.doubled, commit_id=self._commit_id)
        if doubled:
            self._drop([row["id"] for row in doubled], {row["project_id"] for row in doubled}, self._commit_id)


def _not_counted(trace: str, rows: list[dict[str, Any]]) -> list[str]:
    counts = counted(rows)
    return [trace + row["span"] for row in rows if row["has_usage"] and not row.get("stored") and row["span"] not in counts]
