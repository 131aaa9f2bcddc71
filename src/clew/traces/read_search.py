"""Full text over inputs and outputs: any words and any part of a word, in any script, in either case; and what can be completed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from clew.core.errors import InputError
from clew.store import Row, Store
from clew.traces.cursor import Cursor, decode_cursor
from clew.traces.question import Question, question
from clew.traces.read_list import span_rows
from clew.traces.rows import id_bytes, statement
from clew.traces.views import Hit, Page, Snippet

BEFORE, AROUND = 60, 240  # characters shown before a match, and in all besides it
MAX_NEEDLE = 1_000
KEYS_FROM = 20_000  # newest spans whose attributes' keys are offered for completion


def search(
    store: Store,
    project_id: int,
    text: str,
    *,
    filter_text: str = "",
    since_ns: int | None = None,
    until_ns: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Hit]:
    """Spans whose input or output holds the text, the newest first, each with the words around its first match on either side."""
    needle = text.strip()
    if not needle or len(needle) > MAX_NEEDLE:
        raise InputError(f"a text of {len(needle)} characters to search for; wanted 1 to {MAX_NEEDLE}")
    asked = question(project_id, "span", filter_text, since_ns, until_ns, limit=limit, needle=needle)
    after = decode_cursor(cursor, f"search {asked.order}") if cursor else None
    looked = _Looked(store, asked, needle)
    places = looked.page(after)
    following = _place(asked, places[limit - 1]).encode() if len(places) > limit else None
    spans = span_rows(store, project_id, places[:limit])
    return Page(tuple(Hit(span, looked.snippets.get((span.trace_id, span.span_id), ())) for span in spans), following, asked.sentence)


@dataclass
class _Looked:
    """Places whose text holds the needle, in the order of the list.

    The indexes answer for a whole store in the time that reading the texts of a few thousand rows takes, but say only where the needle may
    be. So they are asked for as many places as are missing, and the words of just those are read, which the page shows anyway. Where many
    of them are false (words that are frequent apart and rare together), the engine reads the texts itself.
    """

    store: Store
    asked: Question
    needle: str
    snippets: dict[tuple[str, str], tuple[Snippet, ...]] = field(default_factory=dict)

    def page(self, after: Cursor | None) -> list[Row]:
        """One place more than the page has, where there are so many; ``snippets`` then has the words of each."""
        found: list[Row] = []
        by_index = bool(self.asked.maybe)
        while True:
            wanted = self.asked.limit + 1 - len(found)
            places = self._places(after, wanted, self.asked.maybe if by_index else self.asked.where)
            self.snippets |= _snippets(self.store, self.asked.project_id, self.needle, places)
            true = [place for place in places if self.snippets.get((place["trace"], place["span"]))] if by_index else places
            found += true
            if len(places) < wanted or len(found) > self.asked.limit:
                return found
            after = _place(self.asked, places[-1])
            by_index = by_index and 2 * len(true) > len(places)

    def _places(self, after: Cursor | None, limit: int, where: str) -> list[Row]:
        condition, bound = "1", dict(self.asked.params)
        if after is not None:
            bound |= {"after_value": after.value, "after_trace": after.ids[0], "after_span": after.ids[1]}
            condition = (
                "(start_ns <= {after_value:Int64} AND (start_ns, trace_id, span_id) <"
                " ({after_value:Int64}, unhex({after_trace:String}), unhex({after_span:String})))"
            )
        sql = statement("span_places").fill(key="start_ns", after=condition, where=where, direction="DESC")
        return self.store.facts.rows(sql, **bound, limit=limit)


def _place(asked: Question, row: Row) -> Cursor:
    return Cursor(f"search {asked.order}", row["start_ns"], (row["trace"], row["span"]))


def attribute_keys(store: Store, project_id: int, *, prefix: str = "", limit: int = 200) -> tuple[str, ...]:
    """Keys of attributes among the newest 20,000 spans, the most frequent first: for completion."""
    rows = store.facts.rows(statement("attribute_keys"), project_id=project_id, spans=KEYS_FROM, limit=10_000)
    return tuple(row["key"] for row in rows if row["key"].startswith(prefix))[:limit]


def _snippets(store: Store, project_id: int, needle: str, places: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Snippet, ...]]:
    if not places:
        return {}
    rows = store.facts.rows(
        statement("snippets_at"),
        project_id=project_id,
        needle=needle,
        before=BEFORE,
        around=len(needle) + AROUND + 1,
        starts=sorted({place["start_ns"] for place in places}),
        traces=id_bytes({place["trace"] for place in places}),
        spans=id_bytes({place["span"] for place in places}),
    )
    sides: tuple[Literal["input", "output"], ...] = ("input", "output")
    return {(row["trace"], row["span"]): tuple(_snippet(row, side, needle) for side in sides if row[f"{side}_at"]) for row in rows}


def _snippet(row: Mapping[str, Any], side: Literal["input", "output"], needle: str) -> Snippet:
    start = min(row[f"{side}_at"] - 1, BEFORE)
    part, room = row[f"{side}_part"], len(needle) + AROUND
    return Snippet(side, part[:room], start, start + len(needle), row[f"{side}_at"] - 1 > BEFORE, len(part) > room)
