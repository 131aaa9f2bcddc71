"""Looks at a request before it is queued: counts, refuses what has no identity, and routes each resource to its project.

No loop over attributes: upb parses the request (which also proves that it is well-formed, so that one broken request cannot fail the
others of its commit), and only ids and times are looked at. Everything else about a span is kept, flagged where it is odd.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from clew.core.errors import InputError
from clew.ingest.repair import repair_text
from clew.traces import Frame
from clew.traces.wire import BLOCK_BYTES

PROJECT_HEADER = "x-clew-project"
PROJECT_ATTRIBUTES = ("clew.project.name", "openinference.project.name", "service.name")
DEFAULT_PROJECT = "default"
MAX_PROJECT_NAME = 200  # characters; it stands in URLs and rails
ENVIRONMENT_ATTRIBUTES = ("deployment.environment.name", "deployment.environment")
NO_TRACE = bytes(16)
NO_SPAN = bytes(8)
LAST_NS = (1 << 63) - 1  # times are int64; a later one is not a time


@dataclass(frozen=True)
class Checked:
    """A request that may be queued: its frames, how many records they hold, and what was refused and why."""

    frames: tuple[Frame, ...]
    records: int
    refused: Mapping[str, int] = field(default_factory=dict)
    mended: int = 0  # texts that were not UTF-8; their bad bytes are U+FFFD now

    @property
    def received(self) -> int:
        """Every record that the request held."""
        return self.records + sum(self.refused.values())


@dataclass(frozen=True)
class Origin:
    """What a resource says of where its records come from."""

    project: str
    service: str
    environment: str


def origin(resource: Resource, header: str) -> Origin:
    """The project (header, then attributes, in the order of PROJECT_ATTRIBUTES), service and environment of a resource."""
    texts = {item.key: item.value.string_value for item in resource.attributes if item.value.HasField("string_value")}
    named = [header, *(texts.get(key, "") for key in PROJECT_ATTRIBUTES)]
    project = next((name.strip() for name in named if name.strip()), DEFAULT_PROJECT)
    environment = next((texts[key] for key in ENVIRONMENT_ATTRIBUTES if texts.get(key)), "")
    return Origin(project[:MAX_PROJECT_NAME], texts.get("service.name", ""), environment)


def span_defect(span: Any) -> str | None:
    """Why a span cannot be kept, None when it can: without its two ids it could be neither found nor told from its copies."""
    if len(span.trace_id) != 16 or span.trace_id == NO_TRACE:
        return "trace id is not 16 bytes, or all zero"
    if len(span.span_id) != 8 or span.span_id == NO_SPAN:
        return "span id is not 8 bytes, or all zero"
    if span.start_time_unix_nano > LAST_NS or span.end_time_unix_nano > LAST_NS:
        return "time is beyond the year 2262"
    return None


def log_defect(log: Any) -> str | None:
    """Why a log record cannot be kept. Log records need no ids; wrong ones are refused as OTLP asks."""
    if log.trace_id and len(log.trace_id) != 16:
        return "trace id is not 16 bytes"
    if log.span_id and len(log.span_id) != 8:
        return "span id is not 8 bytes"
    if log.time_unix_nano > LAST_NS or log.observed_time_unix_nano > LAST_NS:
        return "time is beyond the year 2262"
    return None


def check_traces(body: bytes | ExportTraceServiceRequest, header: str, project_id: Callable[[str], int], received_ns: int) -> Checked:
    """Checks one ExportTraceServiceRequest. Raises InputError when the bytes are not one."""
    message, mended = _parse(ExportTraceServiceRequest, body)
    checked = _check(message, message.resource_spans, "scope_spans", "spans", span_defect, header, project_id, received_ns)
    return replace(checked, mended=mended)


def check_logs(body: bytes | ExportLogsServiceRequest, header: str, project_id: Callable[[str], int], received_ns: int) -> Checked:
    """Checks one ExportLogsServiceRequest. Raises InputError when the bytes are not one."""
    message, mended = _parse(ExportLogsServiceRequest, body)
    checked = _check(message, message.resource_logs, "scope_logs", "log_records", log_defect, header, project_id, received_ns)
    return replace(checked, mended=mended)


def _parse(kind: Any, body: Any) -> tuple[Any, int]:
    if not isinstance(body, bytes):
        return body, 0
    try:
        return kind.FromString(body), 0
    except DecodeError:
        try:
            mended, count = repair_text(body, kind.DESCRIPTOR)
            return kind.FromString(mended), count
        except (DecodeError, InputError) as error:
            raise InputError(f"the body is not a protobuf {kind.DESCRIPTOR.name}; send OTLP, or check the Content-Type") from error


def _check(
    message: Any,
    groups: Iterable[Any],
    scopes: str,
    items: str,
    defect: Callable[[Any], str | None],
    header: str,
    project_id: Callable[[str], int],
    received_ns: int,
) -> Checked:
    frames: list[Frame] = []
    refused: Counter[str] = Counter()
    records = 0
    for group in groups:
        kept = 0
        for scope in getattr(group, scopes):
            records_here = getattr(scope, items)
            bad = [(index, reason) for index, record in enumerate(records_here) if (reason := defect(record)) is not None]
            for index, reason in reversed(bad):
                refused[reason] += 1
                del records_here[index]
            kept += len(records_here)
        if kept:
            records += kept
            frames += _frames(type(message), group, scopes, items, header, project_id, received_ns)
    return Checked(tuple(frames), records, dict(refused))


def _frames(kind: Any, group: Any, scopes: str, items: str, header: str, project_id: Callable[[str], int], received_ns: int) -> list[Frame]:
    """One frame, or several of about BLOCK_BYTES of a large group: the engine decodes whole frames, and holds some ten times one's size."""
    whole = _frame(kind, group, header, project_id, received_ns)
    if len(whole.body) <= 2 * BLOCK_BYTES:
        return [whole]
    return [_frame(kind, part, header, project_id, received_ns) for part in _parts(group, scopes, items)]


def _parts(group: Any, scopes: str, items: str) -> Iterator[Any]:
    part, size = type(group)(resource=group.resource, schema_url=group.schema_url), 0
    for scope in getattr(group, scopes):
        target = None
        for record in getattr(scope, items):
            if size >= BLOCK_BYTES:
                yield part
                part, size, target = type(group)(resource=group.resource, schema_url=group.schema_url), 0, None
            if target is None:
                target = getattr(part, scopes).add(scope=scope.scope, schema_url=scope.schema_url)
            getattr(target, items).append(record)
            size += record.ByteSize()
    yield part


def _frame(kind: Any, group: Any, header: str, project_id: Callable[[str], int], received_ns: int) -> Frame:
    found = origin(group.resource, header)
    field_name = kind.DESCRIPTOR.fields[0].name
    body = kind(**{field_name: [group]}).SerializeToString()
    return Frame(body, project_id(found.project), found.service, found.environment, received_ns)
