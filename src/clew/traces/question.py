"""What a list, a search or an overview is asked: checked once, compiled once, the same words for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clew.core.clock import now_ns
from clew.core.errors import InputError
from clew.traces.filter import EVERYTHING, And, GroupedSql, Node, Scope, Search, compile_filter, compile_grouped, parse
from clew.traces.filter.text import SPAN_TEXT, index_condition

PAGE_LIMIT = 500
WITHIN = "start_ns >= {within_ns:Int64}"  # what the subqueries of a filter look at
FIRST_NS, LAST_NS = 0, (1 << 63) - 1
SKEW_NS = (
    3_600 * 1_000_000_000
)  # a span may start this much before the root of its trace (clocks of two machines) and still be seen by a filter


@dataclass(frozen=True)
class Question:
    """A filter, a window of time (since included, until not) and an order.

    ``where`` stands over the rows of the scope (of traces: their heads), ``anywhere`` over any row of the same trace or session; ``maybe``
    over the rows that may hold the needle, by what the indexes say. ``apart`` and ``having`` stand over the spans of each trace together:
    over rows before they are grouped, and over the groups, which are asked for their heads only where ``of_heads`` says so.
    """

    project_id: int
    since_ns: int
    until_ns: int
    sort: str
    descending: bool
    limit: int
    where: str
    anywhere: str
    sentence: str
    filtered: bool
    order: str
    filter_params: dict[str, Any]
    maybe: str = ""
    apart: str = "1"
    having: str = "1"
    of_heads: bool = False

    @property
    def direction(self) -> str:
        """The word for the order in SQL."""
        return "DESC" if self.descending else "ASC"

    @property
    def beyond(self) -> str:
        """The sign that a later row of the list has against an earlier one."""
        return "<" if self.descending else ">"

    @property
    def params(self) -> dict[str, Any]:
        """What the statements of lists bind. ``within_ns`` bounds the spans that the filter's subqueries look at."""
        within = max(self.since_ns - SKEW_NS, 0)
        return {
            "project_id": self.project_id,
            "since_ns": self.since_ns,
            "until_ns": self.until_ns,
            "within_ns": within,
            **self.filter_params,
        }


def question(
    project_id: int,
    scope: Scope,
    filter_text: str,
    since_ns: int | None,
    until_ns: int | None,
    *,
    limit: int = 50,
    sort: str = "start",
    sorts: Sequence[str] = ("start",),
    descending: bool = True,
    needle: str = "",
) -> Question:
    """``needle`` is a text that the input or output must hold besides.

    Raises FilterError for a filter that does not parse, InputError for a sort or a limit that there is not."""
    if sort not in sorts:
        raise InputError(f"sort {sort!r}; wanted one of {', '.join(sorts)}")
    if not 1 <= limit <= PAGE_LIMIT:
        raise InputError(f"limit {limit!r}; wanted 1 to {PAGE_LIMIT}")
    tree, now = parse(filter_text, scope), now_ns()
    alone = tree
    if needle:
        tree = Search(needle) if tree == EVERYTHING else And((tree, Search(needle)))
    sql = compile_filter(tree, scope, now_ns=now, within=WITHIN, indexed=True)
    any_row = compile_filter(tree, scope, now_ns=now, within=WITHIN, indexed=True, heads=False, prefix="any_f") if scope == "trace" else sql
    grouped = compile_grouped(tree, now_ns=now, within=WITHIN) if scope == "trace" else GroupedSql("1", "1", {})
    maybe, maybe_params = _maybe(alone, scope, needle, now) if needle else ("", {})
    return Question(
        project_id=project_id,
        since_ns=FIRST_NS if since_ns is None else since_ns,
        until_ns=LAST_NS if until_ns is None else until_ns,
        sort=sort,
        descending=descending,
        limit=limit,
        where=sql.where,
        anywhere=any_row.where,
        sentence=sql.sentence,
        filtered=tree != EVERYTHING,
        order=f"{scope} {sort} {'DESC' if descending else 'ASC'}",
        filter_params={**any_row.params, **sql.params, **grouped.params, **maybe_params},
        maybe=maybe,
        apart=grouped.where,
        having=grouped.having,
        of_heads=grouped.of_heads,
    )


def _maybe(tree: Node, scope: Scope, needle: str, now: int) -> tuple[str, dict[str, Any]]:
    """The filter without the needle, and what the indexes can say of that; '' where they can say nothing."""
    needed, params = index_condition(SPAN_TEXT, "needle", needle)
    if not needed:
        return "", {}
    sql = compile_filter(tree, scope, now_ns=now, within=WITHIN, indexed=True, prefix="maybe_f")
    return f"({needed} AND {sql.where})", {**params, **sql.params}
