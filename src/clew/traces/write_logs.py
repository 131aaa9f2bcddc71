"""Stores log records: the only writer of the table ``logs``. The same record sent again is recognised by a digest of its content."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from clew.store import Store, load_statements
from clew.traces.evaluations import evaluations
from clew.traces.otlp import LOG_COLUMNS, row_to_log
from clew.traces.outcome import Outcome
from clew.traces.scores import ScoreWriter, as_score
from clew.traces.wire import LOGS_SCHEMA, LOGS_STRUCTURE, Frame, encoded


class LogWriter:
    """Decodes and stores groups of requests, one after another."""

    def __init__(self, store: Store, scores: ScoreWriter) -> None:
        self._facts = store.facts.session()
        self._turn = threading.Lock()
        self._scores = scores
        self._sql = load_statements("clew.traces", "logs.sql")
        self._facts.execute(self._sql["make_staging"])
        self._commit_id = int(self._facts.rows(self._sql["last_commit"])[0]["commit_id"])

    def commit(self, frames: Sequence[Frame]) -> Outcome:
        """Stores the records of ``frames``; returns after they are synced to disk. On an error nothing is stored or all of it is."""
        with self._turn:
            return self._commit(frames)

    def _commit(self, frames: Sequence[Frame]) -> Outcome:
        facts, sql = self._facts, self._sql
        facts.execute(sql["clear_staging"])
        facts.load(sql["stage_logs"], encoded(frames, LOGS_STRUCTURE, LOGS_SCHEMA))
        known = facts.rows(sql["staged_facts"])[0]
        again = int(facts.rows(sql["stored_again"])[0]["again"])
        self._commit_id += 1
        facts.execute(sql["store_logs"], commit_id=self._commit_id)
        stored = int(known["distinct_records"]) - again
        outcome = Outcome(stored, int(known["records"]) - stored)
        return self._with_scores(outcome) if known["carriers"] else outcome

    def _with_scores(self, outcome: Outcome) -> Outcome:
        rows = self._facts.rows(self._sql["staged_carriers"].fill(columns=LOG_COLUMNS))
        found = [as_score(result, row["project_id"]) for row in rows for result in evaluations(row_to_log(row))]
        kept = self._scores.store(found)
        return Outcome(outcome.stored, outcome.duplicates, 0, kept.stored, kept.refused)
