"""One trace opened, one span with everything that is stored of it, the log records that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clew.core.errors import NotFound
from clew.store import Store
from clew.traces.locate import locate
from clew.traces.otlp import LOG_COLUMNS, SPAN_COLUMNS
from clew.traces.rows import SPAN_ROW_COLUMNS, micros, project_name, span_hex, span_views, statement, trace_hex, trace_scores
from clew.traces.tree import add_tokens, build_tree
from clew.traces.views import Cost, Score, SpanDetail, SpanRow, TraceRow, TraceView

MAX_MODELS = 20  # as many as a list shows
MAX_LOGS = 10_000  # log records of one span that are read at most

# What the row of OTLP columns does not hold: the canonical columns and when it came.
CANONICAL_COLUMNS = """toString(kind) AS kind, toString(dialect) AS dialect, toString(service) AS service, toString(environment) AS environment,
    toString(error_type) AS error_type, toString(provider) AS provider, toString(model_asked) AS model_asked,
    toString(model_answered) AS model_answered, toString(model) AS model, toString(agent_name) AS agent_name, toString(tool_name) AS tool_name,
    toString(prompt_name) AS prompt_name, toString(prompt_version) AS prompt_version, toString(finish_reason) AS finish_reason, response_id,
    session_id, user_id, arrayMap(tag -> toString(tag), tags) AS tags, metadata, duration_ns, is_root, input_tokens, uncached_tokens,
    cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, counted, cost_nanos,
    toString(cost_source) AS cost_source, toString(price_version) AS price_version, ttft_ns, arrayMap(mark -> toString(mark), marks) AS marks,
    input_preview, output_preview, input_text, output_text, received_ns, commit_id"""


def get_trace(store: Store, project_id: int, trace_id: str) -> TraceView:
    """One trace in tree order. Raises NotFound when the project has no span of it."""
    trace = trace_hex(trace_id)
    located = locate(store, project_id, [trace])
    if located.where is None:
        raise _no_trace(trace)
    sql = statement("spans_of_trace").fill(columns=SPAN_ROW_COLUMNS, located=located.where)
    table = store.facts.arrow(sql, project_id=project_id, trace_id=trace, **located.params)
    if not table.num_rows:
        raise _no_trace(trace)
    scores = trace_scores(store, project_id, [trace])
    spans, nanos = span_views(table, scores), table.column("cost_nanos").to_pylist()
    row = _trace_row(spans, nanos, scores.get(trace, ()))
    return TraceView(
        project=project_name(store, project_id),
        trace_id=trace,
        start_ns=spans[0].start_ns,
        end_ns=row.end_ns,
        nodes=build_tree(spans, nanos),
        row=row,
        scores=row.scores,
        root_missing=row.root_missing,
    )


def _trace_row(spans: Sequence[SpanRow], nanos: Sequence[int | None], scores: Sequence[Score]) -> TraceRow:
    """The row that a list shows of the trace, from its spans."""
    counted = [(span, cost) for span, cost in zip(spans, nanos, strict=True) if span.counted]
    told = [cost for _, cost in counted if cost is not None]
    unknown = sum(cost is None and (span.tokens.input is not None or span.tokens.output is not None) for span, cost in counted)
    return TraceRow(
        root=min(spans, key=lambda span: (span.parent_id != "", span.start_ns, span.span_id)),
        root_missing=all(span.parent_id for span in spans),
        spans=len(spans),
        errors=sum(span.status == "error" for span in spans),
        end_ns=max(span.start_ns + max(span.duration_ns, 0) for span in spans),
        tokens=add_tokens(span.tokens for span, _ in counted),
        cost=Cost(micros(sum(told)) if told else None, len(told), unknown),
        models=tuple(sorted({span.model for span in spans if span.model})[:MAX_MODELS]),
        scores=tuple(scores),
    )


def get_span(store: Store, project_id: int, trace_id: str, span_id: str) -> SpanDetail:
    """Everything that is stored of one span, its log records and scores. Raises NotFound."""
    trace, span = trace_hex(trace_id), span_hex(span_id)
    located = locate(store, project_id, [trace])
    found: list[dict[str, Any]] = []
    bound = {"project_id": project_id, "trace_id": trace, "span_id": span, **located.params}
    if located.where is not None:
        record = statement("span_record").fill(located=located.where)
        found = store.facts.rows(record.fill(columns=f"{SPAN_COLUMNS}, {CANONICAL_COLUMNS}"), **bound)
    if not found:
        raise NotFound(f"there is no span {span!r} in trace {trace!r} of this project")
    scores = trace_scores(store, project_id, [trace])
    (row,) = span_views(store.facts.arrow(record.fill(columns=SPAN_ROW_COLUMNS), **bound), scores)
    return SpanDetail(row=row, record=found[0], logs=span_logs(store, project_id, trace, span), scores=row.scores)


def span_logs(store: Store, project_id: int, trace_id: str, span_id: str) -> tuple[dict[str, Any], ...]:
    """The log records of a span in the order of time, as ``clew.traces.otlp`` reads them."""
    sql = statement("logs_of_span").fill(columns=LOG_COLUMNS)
    rows = store.facts.rows(sql, project_id=project_id, trace_id=trace_hex(trace_id), span_id=span_hex(span_id), limit=MAX_LOGS)
    return tuple(rows)


def _no_trace(trace: str) -> NotFound:
    return NotFound(f"there is no trace {trace!r} in this project; it may not have arrived yet")
