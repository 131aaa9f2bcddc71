"""The SQL of one commit, put together from the wire form, the dialect tables and the price columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from clew.store import Statement, load_statements
from clew.traces.cost import cost_sql
from clew.traces.dialects import carries_scores_sql, known_keys, sql_columns, sql_select

# Defects that are kept and flagged: (mark, condition over the decoded span).
MARKS = (
    ("no_start", "sent_start_ns = 0"),
    ("not_ended", "sent_end_ns = 0"),
    ("negative_duration", "sent_end_ns != 0 AND sent_end_ns < sent_start_ns"),
    ("no_name", "name = ''"),
    ("bad_parent", "parent_span_id != '' AND (length(parent_span_id) != 8)"),
    ("own_parent", "parent_span_id = span_id"),
    ("not_finite", "has(av, 'd') AND arrayExists(d -> isNaN(d) OR isInfinite(d), ad)"),
)

NO_PARENT = "unhex('0000000000000000')"

# Columns that come from the wire form alone. A span without a start is placed at its end or its arrival, so that it is found.
WIRE_COLUMNS: dict[str, tuple[str, str]] = {
    "project_id": ("UInt32", "project_id"),
    "start_ns": ("Int64", "multiIf(sent_start_ns > 0, sent_start_ns, sent_end_ns > 0, sent_end_ns, toInt64(received_ns))"),
    "end_ns": ("Int64", "sent_end_ns"),
    "duration_ns": ("Int64", "if(sent_end_ns > 0 AND sent_start_ns > 0, greatest(sent_end_ns - sent_start_ns, 0), 0)"),
    "trace_id": ("FixedString(16)", "toFixedString(trace_id, 16)"),
    "span_id": ("FixedString(8)", "toFixedString(span_id, 8)"),
    "parent_id": ("FixedString(8)", f"toFixedString(if(length(parent_span_id) = 8, parent_span_id, {NO_PARENT}), 8)"),
    "is_root": ("Bool", f"length(parent_span_id) != 8 OR parent_span_id = {NO_PARENT}"),
    "name": ("LowCardinality(String)", "name"),
    "otel_kind": ("UInt8", "toUInt8(otel_kind)"),
    "status": ("UInt8", "if(status_code IN (1, 2), toUInt8(status_code), 0)"),
    "status_message": ("String", "status_message"),
    "service": ("LowCardinality(String)", "service"),
    "environment": ("LowCardinality(String)", "environment"),
    "marks": ("Array(LowCardinality(String))", "arrayFilter(x -> x != '', [" + ", ".join(f"if({c}, '{m}', '')" for m, c in MARKS) + "])"),
    "received_ns": ("Int64", "toInt64(received_ns)"),
    "trace_state": ("String", "trace_state"),
    "flags": ("UInt32", "flags"),
    "dropped_attributes": ("UInt32", "dropped_attributes"),
    "dropped_events": ("UInt32", "dropped_events"),
    "dropped_links": ("UInt32", "dropped_links"),
    "attr.key": ("Array(LowCardinality(String))", "ak"),
    "attr.kind": ("Array(Enum8('no' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'l' = 5, 'm' = 6, 'y' = 7))", "av"),
    "attr.str": ("Array(String)", "as_"),
    "attr.int": ("Array(Int64)", "ai"),
    "attr.dbl": ("Array(Float64)", "ad"),
    "events": ("Array(String)", "events"),
    "links": ("Array(String)", "links"),
    "resource": ("LowCardinality(String)", "resource"),
    "scope": ("LowCardinality(String)", "scope"),
    "resource_schema_url": ("LowCardinality(String)", "resource_schema_url"),
    "scope_schema_url": ("LowCardinality(String)", "scope_schema_url"),
}
FULLNESS = "if(sent_end_ns > 0, 1000000000, 0) + 1000 * (length(ak) + length(events) + length(links)) + if(status_code > 0, 1, 0)"
READ_BY_DIALECTS = "ak, av, as_, ai, ad, name, events, status_code, sent_start_ns"
_TOKENS = (
    "input_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
)
_NULLABLE = {*_TOKENS, "ttft_ns", "sender_cost_nanos"}
_PLAIN = {"response_id", "session_id", "user_id", "metadata", "input_preview", "output_preview", "input_text", "output_text"}


def _canonical_type(column: str) -> str:
    if column in _NULLABLE:
        return "Nullable(Int64)"
    if column == "tags":
        return "Array(LowCardinality(String))"
    if column == "usage_rollup":
        return "Bool"
    return "String" if column in _PLAIN else "LowCardinality(String)"


def _names(columns: list[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


@dataclass(frozen=True)
class SpanStatements:
    """The statements of a commit of spans that are the same for every group."""

    make: Statement
    clear: Statement
    make_decoded: Statement
    clear_decoded: Statement
    decode: Statement
    keys: Statement
    facts: Statement
    stored_keys: Statement
    stored_spans: Statement
    usage: Statement
    fullness: Statement
    store: Statement
    store_deduplicated: Statement
    drop_replaced: Statement
    last_commit: Statement
    mend_keys: Statement
    doubled: Statement


def _columns() -> tuple[list[str], dict[str, str]]:
    """The columns of the staging table that the table of spans has too, and the types of all."""
    canonical = sql_columns()
    stored = [*WIRE_COLUMNS, *(column for column in canonical if column not in ("sender_cost_nanos", "usage_rollup"))]
    types = {name: kind for name, (kind, _) in WIRE_COLUMNS.items()} | {name: _canonical_type(name) for name in canonical}
    return stored, types


def span_statements() -> SpanStatements:
    """Puts the statements together; a pure function of the dialect tables."""
    named = load_statements("clew.traces", "ingest.sql")
    stored, types = _columns()
    final = {name: f"`{name}`" for name in stored} | {
        "counted": "has_usage AND concat(trace_id, span_id) NOT IN {uncounted:Array(String)}",
        "commit_id": "{commit_id:UInt64}",
        **cost_sql(),
    }
    names, values = _names(list(final)), ", ".join(f"{sql} AS `new_{name}`" for name, sql in final.items())
    store = named["store_spans"]
    return SpanStatements(
        make=named["make_staging"].fill(columns=",\n    ".join(f"`{name}` {types[name]}" for name in stored) + ","),
        clear=named["clear_staging"],
        make_decoded=named["make_decoded"],
        clear_decoded=named["clear_decoded"],
        decode=named["decode_spans"],
        keys=named["decoded_keys"],
        facts=named["staged_facts"].fill(carries_scores=carries_scores_sql()),
        stored_keys=named["stored_keys"],
        stored_spans=named["stored_spans"],
        usage=named["staged_usage"],
        fullness=named["staged_fullness"],
        store=store.fill(names=names, expressions=values, dedupe=""),
        store_deduplicated=store.fill(
            names=names, expressions=values, dedupe="ORDER BY fullness DESC LIMIT 1 BY project_id, trace_id, span_id"
        ),
        drop_replaced=named["drop_replaced"],
        last_commit=named["last_commit"],
        mend_keys=named["mend_keys"],
        doubled=named["doubled_by_last_commit"],
    )


@lru_cache(maxsize=256)  # one for each mixture of instrumentations that sends together
def stage_statement(present: frozenset[str]) -> Statement:
    """The statement that works out the canonical columns of a group whose attributes have the keys ``present``."""
    select = sql_select(present)
    # What is only passed on goes through the layers as one tuple: planning costs by columns and layers.
    wire = ", ".join([sql for _, sql in WIRE_COLUMNS.values()] + [FULLNESS])
    source = f"SELECT {READ_BY_DIALECTS}, tuple({wire}) AS wire FROM decoded_spans"
    passed = [f"wire.{place} AS `staged_{name}`" for place, name in enumerate((*WIRE_COLUMNS, "fullness"), 1)]
    worked_out = [f"{sql} AS `{name}`" for name, sql in select.columns.items()]  # by their names, since some are made of others
    has_usage = "isNotNull(input_tokens) OR isNotNull(output_tokens) AS has_usage"
    return load_statements("clew.traces", "ingest.sql")["stage_spans"].fill(
        names=_names([*WIRE_COLUMNS, "fullness", *select.columns, "has_usage"]),
        expressions=",\n    ".join([*passed, *worked_out, has_usage]),
        layered=select.over(source),
    )


def keys_that_matter(present: Iterable[str]) -> frozenset[str]:
    """Of a group's attribute keys, those that some dialect reads."""
    return known_keys().intersection(present)
