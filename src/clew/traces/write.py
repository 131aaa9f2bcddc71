"""Stores spans: the only writer of the table ``spans``. One commit is one group of requests, decoded by the engine.

A span that is sent again (a retry, or its start and later its end) stays one span: the fuller copy is kept, and a copy that replaces
another is stored before the older one is dropped, so that no moment has none.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from clew.store import Row, Session, Store
from clew.traces.cost import CardCache
from clew.traces.dialects import counted
from clew.traces.outcome import Outcome
from clew.traces.scores import ScoresStored, ScoreWriter
from clew.traces.staging import SpanStatements, keys_that_matter, span_statements, stage_statement
from clew.traces.wire import TRACES_SCHEMA, TRACES_STRUCTURE, Frame, encoded

LANES = 2  # groups in work at a time: the second is decoded while the first is stored


class SpanWriter:
    """Decodes, checks against what is stored, and stores groups of requests. Used by LANES threads at most: while one group is stored the
    next is decoded, each in a session of its own.
    """

    def __init__(self, store: Store, scores: ScoreWriter, *, mend: bool = True) -> None:
        """``mend``: whether the last process may have ended in the middle of a commit; looking for what it left takes time in a large store."""
        self._cards = CardCache(store)
        self._scores = scores
        self._sql: SpanStatements = span_statements()
        self._lanes: queue.SimpleQueue[Session] = queue.SimpleQueue()
        for _ in range(LANES):
            session: Session = store.facts.session()
            session.execute(self._sql.make)
            session.execute(self._sql.make_decoded)
            self._lanes.put(session)
        self._turn = threading.Lock()  # what is stored is looked up and added to by one group at a time
        with self._lane() as session:
            self._commit_id = int(session.rows(self._sql.last_commit)[0]["commit_id"])
            if mend:
                self._mend(session)

    def commit(self, frames: Sequence[Frame]) -> Outcome:
        """Stores the spans of ``frames``; returns after they are synced to disk. On an error nothing is stored or all of it is."""
        with self._lane() as session:
            self._stage(session, frames)
            with self._turn:
                return self._store(session)

    @contextmanager
    def _lane(self) -> Iterator[Session]:
        session = self._lanes.get()
        try:
            yield session
        finally:
            self._lanes.put(session)

    def _stage(self, session: Session, frames: Sequence[Frame]) -> None:
        sql = self._sql
        session.execute(sql.clear)
        session.execute(sql.clear_decoded)
        session.load(sql.decode, encoded(frames, TRACES_STRUCTURE, TRACES_SCHEMA))
        present = keys_that_matter(row["key"] for row in session.rows(sql.keys))
        session.execute(stage_statement(present))
        session.execute(sql.clear_decoded)

    def _store(self, session: Session) -> Outcome:
        sql = self._sql
        known = session.rows(sql.facts)[0]
        stored = self._stored(session)
        again = [row for row in stored if row["again"]]
        skip, replaced = self._choose(session, again)
        uncounted = self._uncounted(session, known, stored)
        self._commit_id += 1
        cards = self._cards.parameters(known["priced"])
        store = sql.store if known["spans"] == known["distinct_spans"] else sql.store_deduplicated
        session.execute(store, skip=skip, uncounted=uncounted, commit_id=self._commit_id, **cards)
        self._drop(session, replaced)
        new = int(known["distinct_spans"]) - len({_id(row) for row in again})
        scores = self._scores.from_staging(session) if known["carriers"] else ScoresStored(0)
        return Outcome(new, int(known["spans"]) - new, len({_id(row) for row in replaced}), scores.stored, scores.refused)

    def _stored(self, session: Session) -> list[Row]:
        """Stored spans that the group touches: the same spans, and those of traces in which it tells of tokens."""
        keys = session.rows(self._sql.stored_keys)[0]
        if not keys["starts"]:
            return []
        # A key may be there without its span (a crash between the two), so the spans themselves are asked.
        touched = [bytes.fromhex(trace) for trace in keys["traces"]]
        return session.rows(self._sql.stored_spans, traces=touched, starts=keys["starts"])

    def _choose(self, session: Session, again: list[Row]) -> tuple[list[bytes], list[Row]]:
        """Which of the spans that are stored already are left out (the stored copy is as full), and which stored copies are replaced."""
        if not again:
            return [], []
        stored: dict[bytes, int] = {}
        for row in again:
            stored[_id(row)] = max(int(row["fullness"]), stored.get(_id(row), 0))
        incoming = {bytes.fromhex(row["id"]): int(row["fullness"]) for row in session.rows(self._sql.fullness, ids=list(stored))}
        skip = [key for key, fullness in stored.items() if incoming.get(key, 0) <= fullness]
        kept = set(skip)
        return skip, [row for row in again if _id(row) not in kept]

    def _uncounted(self, session: Session, known: Row, stored: list[Row]) -> list[bytes]:
        """The group's spans whose tokens another span of the same call already tells, or will when this group is stored."""
        if not (known["rollups"] or known["nested"] or known["same_response"] or any(row["has_usage"] for row in stored)):
            return []
        # By project, not by trace: an SDK may tell a call in a trace of its own, known by the provider's response id.
        projects: dict[int, list[dict[str, Any]]] = {}
        for row in session.rows(self._sql.usage):
            projects.setdefault(row["project_id"], []).append(row)
        for row in stored:
            if row["project_id"] in projects and not row["again"]:
                # A stored span that does not count still shows who is whose ancestor.
                tells = row["has_usage"] and row["counted"]
                projects[row["project_id"]].append({**row, "has_usage": tells, "usage_rollup": False, "stored": True})
        return [key for rows in projects.values() for key in _not_counted(rows)]

    def _drop(self, session: Session, replaced: Sequence[Row]) -> None:
        if not replaced:
            return
        session.execute(
            self._sql.drop_replaced,
            ids=sorted({_id(row) for row in replaced}),
            traces=sorted({bytes.fromhex(row["trace"]) for row in replaced}),
            starts=sorted({row["start_ns"] for row in replaced}),
            projects=sorted({row["project_id"] for row in replaced}),
            commit_id=self._commit_id,
        )

    def _mend(self, session: Session) -> None:
        """After a crash in the middle of a commit: the keys of its spans, and the copies that it was about to drop."""
        if self._commit_id == 0:
            return
        session.execute(self._sql.mend_keys, commit_id=self._commit_id)
        doubled = session.rows(self._sql.doubled, commit_id=self._commit_id)
        self._drop(session, [{**row, "start_ns": start} for row in doubled for start in row["starts"]])


def _id(row: Mapping[str, Any]) -> bytes:
    return bytes.fromhex(row["trace"] + row["span"])


def _not_counted(rows: list[dict[str, Any]]) -> list[bytes]:
    counts = counted(rows)
    return [_id(row) for row in rows if row["has_usage"] and not row.get("stored") and row["span"] not in counts]
