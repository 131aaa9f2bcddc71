"""Stores spans: the only writer of the table ``spans``. One commit is one group of requests, decoded by the engine.

A span that is sent again (a retry, or its start and later its end) stays one span: the fuller copy is kept, and a copy that replaces
another is stored before the older one is dropped, so that no moment has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clew.store import Encoded, Row, Store
from clew.traces.cost import CardCache
from clew.traces.dialects import counted
from clew.traces.outcome import Outcome
from clew.traces.scores import ScoresStored, ScoreWriter
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
        stored = self._stored()
        again = [row for row in stored if row["again"]]
        skip, replaced = self._choose(again)
        uncounted = self._uncounted(known, stored)
        self._commit_id += 1
        cards = self._cards.parameters(known["priced"])
        store = sql.store if known["spans"] == known["distinct_spans"] else sql.store_deduplicated
        facts.execute(store, skip=skip, uncounted=uncounted, commit_id=self._commit_id, **cards)
        self._drop(replaced)
        new = int(known["distinct_spans"]) - len({_id(row) for row in again})
        scores = self._scores.from_staging() if known["carriers"] else ScoresStored(0)
        return Outcome(new, int(known["spans"]) - new, len({_id(row) for row in replaced}), scores.stored, scores.refused)

    def _stage(self, frames: Sequence[Frame]) -> None:
        sql, facts = self._sql, self._facts
        facts.execute(sql.clear)
        facts.execute(sql.clear_decoded)
        facts.load(sql.decode, Encoded([frame.encoded() for frame in frames], "Protobuf", TRACES_STRUCTURE, TRACES_SCHEMA, "Frame"))
        present = keys_that_matter(row["key"] for row in facts.written(sql.keys))
        facts.execute(stage_statement(present))
        facts.execute(sql.clear_decoded)

    def _stored(self) -> list[Row]:
        """Stored spans that the group touches: the same spans, and those of traces in which it tells of tokens."""
        traces = [bytes.fromhex(row["trace"]) for row in self._facts.written(self._sql.traces)]
        keys = self._facts.written(self._sql.stored_keys, traces=traces)[0]
        if not keys["starts"]:
            return []
        # A key may be there without its span (a crash between the two), so the spans themselves are asked.
        touched = [bytes.fromhex(trace) for trace in keys["traces"]]
        return self._facts.written(self._sql.stored_spans, traces=touched, starts=keys["starts"])

    def _choose(self, again: list[Row]) -> tuple[list[bytes], list[Row]]:
        """Which of the spans that are stored already are left out (the stored copy is as full), and which stored copies are replaced."""
        if not again:
            return [], []
        stored: dict[bytes, int] = {}
        for row in again:
            stored[_id(row)] = max(int(row["fullness"]), stored.get(_id(row), 0))
        incoming = {bytes.fromhex(row["id"]): int(row["fullness"]) for row in self._facts.written(self._sql.fullness, ids=list(stored))}
        skip = [key for key, fullness in stored.items() if incoming.get(key, 0) <= fullness]
        kept = set(skip)
        return skip, [row for row in again if _id(row) not in kept]

    def _uncounted(self, known: Row, stored: list[Row]) -> list[bytes]:
        """The group's spans whose tokens another span of the same call already tells, or will when this group is stored."""
        if not (known["rollups"] or known["nested"] or known["same_response"] or any(row["has_usage"] for row in stored)):
            return []
        # By project, not by trace: an SDK may tell a call in a trace of its own, known by the provider's response id.
        projects: dict[int, list[dict[str, Any]]] = {}
        for row in self._facts.written(self._sql.usage):
            projects.setdefault(row["project_id"], []).append(row)
        for row in stored:
            if row["project_id"] in projects and not row["again"]:
                # A stored span that does not count still shows who is whose ancestor.
                tells = row["has_usage"] and row["counted"]
                projects[row["project_id"]].append({**row, "has_usage": tells, "usage_rollup": False, "stored": True})
        return [key for rows in projects.values() for key in _not_counted(rows)]

    def _drop(self, replaced: Sequence[Row]) -> None:
        if not replaced:
            return
        self._facts.execute(
            self._sql.drop_replaced,
            ids=sorted({_id(row) for row in replaced}),
            traces=sorted({bytes.fromhex(row["trace"]) for row in replaced}),
            starts=sorted({row["start_ns"] for row in replaced}),
            projects=sorted({row["project_id"] for row in replaced}),
            commit_id=self._commit_id,
        )

    def _mend(self) -> None:
        """After a crash in the middle of a commit: the keys of its spans, and the copies that it was about to drop."""
        if self._commit_id == 0:
            return
        self._facts.execute(self._sql.mend_keys, commit_id=self._commit_id)
        doubled = self._facts.written(self._sql.doubled, commit_id=self._commit_id)
        self._drop([{**row, "start_ns": start} for row in doubled for start in row["starts"]])


def _id(row: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(row["trace"] + row["span"])


def _not_counted(rows: list[dict[str, Any]]) -> list[bytes]:
    counts = counted(rows)
    return [_id(row) for row in rows if row["has_usage"] and not row.get("stored") and row["span"] not in counts]
