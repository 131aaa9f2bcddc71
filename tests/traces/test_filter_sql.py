"""The SQL of some filters, to be read as a diff when the compiler changes: ``CLEW_GOLDEN=write pytest tests/traces/test_filter_sql.py``."""

from __future__ import annotations

import os
from pathlib import Path

from clew.core.jsontext import dumps
from clew.traces.filter import Scope, compile_filter, parse

GOLDEN = Path(__file__).parent.parent / "golden" / "filter_sql.txt"
HEADER = "Filters and their SQL. Made by tests/traces/test_filter_sql.py with CLEW_GOLDEN=write; their meaning is tested against a store.\n"
FILTERS: tuple[tuple[Scope, str], ...] = (
    ("span", ""),
    ("span", 'kind = LLM and latency > 2s and model in ("gpt-4o", "gpt-4o-mini")'),
    ("span", 'refund or input !~ "a refund policy"'),
    ("span", "cost != $0.01 and not tokens > 4k"),
    ("span", "score.task_success < 0.5 and score.tone.label exists and trace.score.csat > 3"),
    ("span", 'attr.retries in (3, "3", true) and attr.temperature >= 0.7 and metadata.tier = "gold"'),
    ("span", "tag = beta and tag !~ internal and since = 24h and status = error and parent missing"),
    ("trace", "name = chat and root.kind = AGENT and kind = LLM"),
    ("trace", "cost > $0.05 and any(kind = TOOL and status = error) and count(kind = TOOL) < 3"),
    ("trace", "latency > 10s and cost > $0.05 and errors = 0"),
    ("trace", "score.task_success < 0.5 and model != gpt-4o"),
    ("session", "traces > 3 and user = u1 and score.csat < 3"),
)


def snapshot() -> str:
    parts = [HEADER]
    for scope, text in FILTERS:
        sql = compile_filter(parse(text, scope), scope, now_ns=1_000_000_000_000_000_000)
        parts.append(f"{scope}: {text}\n    {sql.where}\n    {dumps(sql.params)}\n")
    return "\n".join(parts)


def test_the_sql_of_filters_is_the_one_that_was_reviewed() -> None:
    if os.environ.get("CLEW_GOLDEN") == "write":
        GOLDEN.write_text(snapshot(), encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == snapshot()
