"""Full text over inputs and outputs: any words and any part of a word, in any script, in either case; and what can be completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from clew.core.errors import InputError
from clew.store import Store
from clew.traces.cursor import Cursor, decode_cursor
from clew.traces.question import question
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
    condition, bound = "1", dict(asked.params)
    if cursor:
        place = decode_cursor(cursor, f"search {asked.order}")
        bound |= {"after_value": place.value, "after_trace": place.ids[0], "after_span": place.ids[1]}
        condition = (
            "(start_ns <= {after_value:Int64} AND (start_ns, trace_id, span_id) <"
            " ({after_value:Int64}, unhex({after_trace:String}), unhex({after_span:String})))"
        )
    sql = statement("span_places").fill(key="start_ns", after=condition, where=asked.where, direction="DESC")
    found = store.facts.rows(sql, **bound, limit=limit + 1)
    places = found[:limit]
    following = (
        Cursor(f"search {asked.order}", places[-1]["start_ns"], (places[-1]["trace"], places[-1]["span"])).encode()
        if len(found) > limit
        else None
    )
    snippets = _snippets(store, project_id, needle, places)
    spans = span_rows(store, project_id, places)
    return Page(tuple(Hit(span, snippets.get((span.trace_id, span.span_id), ())) for span in spans), following, asked.sentence)


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
