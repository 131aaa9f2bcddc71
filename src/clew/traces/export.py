"""Spans out of the store: as they were sent (OTLP), or as canonical rows (JSON lines, Parquet), in bounded memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.core.errors import NotFound
from clew.core.jsontext import dumps
from clew.store import Store, load_statements
from clew.traces.locate import locate
from clew.traces.otlp import SPAN_COLUMNS, python_map, row_attributes, rows_to_traces, traces_to_json
from clew.traces.question import question

OTLP_SPANS = 500  # spans of one exported request: what an exporter sends at a time
PARQUET_ROWS = 10_000  # rows of one row group
_PLAIN = (
    "name, kind, dialect, service, environment, provider, model_asked, model_answered, model, agent_name, tool_name, prompt_name,"
    " prompt_version, finish_reason, response_id, session_id, user_id, tags, metadata, input_tokens, uncached_tokens, cache_read_tokens,"
    " cache_write_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, counted, cost_nanos, cost_source,"
    " price_version, ttft_ns, error_type, marks, input_text, output_text, received_ns, duration_ns"
)


def trace_message(store: Store, project_id: int, trace_id: str) -> ExportTraceServiceRequest:
    """One trace as one OTLP request. Raises NotFound."""
    located = locate(store, project_id, [trace_id])
    rows: list[Any] = []
    if located.where is not None:
        sql = load_statements("clew.traces", "export.sql")["trace_record"].fill(columns=SPAN_COLUMNS, located=located.where)
        rows = store.facts.rows(sql, project_id=project_id, trace_id=trace_id, **located.params)
    if not rows:
        raise NotFound(f"there is no trace {trace_id!r} in this project; it may not have arrived yet")
    return rows_to_traces(rows)


def _rows(store: Store, project_id: int, columns: str, filter_text: str, since_ns: int | None, until_ns: int | None) -> Iterator[Any]:
    asked = question(project_id, "span", filter_text, since_ns, until_ns)
    sql = load_statements("clew.traces", "export.sql")["spans_out"].fill(columns=columns, where=asked.where)
    return store.facts.long_rows(sql, **asked.params)


def otlp_lines(
    store: Store, project_id: int, *, filter_text: str = "", since_ns: int | None = None, until_ns: int | None = None
) -> Generator[str, None, None]:
    """OTLP/JSON, one export request a line: what ``clew import otlp`` reads back."""
    rows = _rows(store, project_id, SPAN_COLUMNS, filter_text, since_ns, until_ns)
    while group := list(islice(rows, OTLP_SPANS)):
        yield traces_to_json(rows_to_traces(group)) + "\n"


def json_lines(
    store: Store, project_id: int, *, filter_text: str = "", since_ns: int | None = None, until_ns: int | None = None
) -> Generator[str, None, None]:
    """Canonical rows with all attributes, one JSON object a line."""
    for row in _rows(store, project_id, f"{SPAN_COLUMNS}, {_PLAIN}", filter_text, since_ns, until_ns):
        yield dumps(_plain(row)) + "\n"


def write_parquet(
    store: Store, project_id: int, path: Path, *, filter_text: str = "", since_ns: int | None = None, until_ns: int | None = None
) -> int:
    """Canonical rows into a Parquet file (attributes as JSON text); returns how many."""
    rows = _rows(store, project_id, f"{SPAN_COLUMNS}, {_PLAIN}", filter_text, since_ns, until_ns)
    count = 0
    with pyarrow.parquet.ParquetWriter(path, _PARQUET, compression="zstd") as writer:
        while group := [_flat(row) for row in islice(rows, PARQUET_ROWS)]:
            writer.write_table(pyarrow.Table.from_pylist(group, _PARQUET))
            count += len(group)
    return count


_TEXTS = (
    *("trace_id", "span_id", "parent_id", "name", "kind", "dialect", "service", "environment", "provider", "model_asked", "model_answered"),
    *("model", "agent_name", "tool_name", "prompt_name", "prompt_version", "finish_reason", "response_id", "session_id", "user_id"),
    *("metadata", "cost_source", "price_version", "error_type", "input_text", "output_text", "status_message"),
)
_NUMBERS = (
    *("start_ns", "end_ns", "duration_ns", "status", "input_tokens", "uncached_tokens", "cache_read_tokens", "cache_write_tokens"),
    *("output_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "cost_nanos", "ttft_ns", "received_ns"),
)
_PARQUET = pyarrow.schema(
    [(name, pyarrow.string()) for name in _TEXTS]
    + [(name, pyarrow.int64()) for name in _NUMBERS]
    + [("counted", pyarrow.bool_()), ("tags", pyarrow.list_(pyarrow.string())), ("marks", pyarrow.list_(pyarrow.string()))]
    + [("attributes", pyarrow.string())]
)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    plain = {name: row[name] for name in (*_TEXTS, *_NUMBERS, "counted", "tags", "marks")}
    return {**plain, "attributes": _finite(python_map(row_attributes(row)))}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    plain = _plain(row)
    return {**plain, "attributes": dumps(plain["attributes"])}


def _finite(value: Any) -> Any:
    """JSON has no NaN, infinities or bytes: they become text."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
