"""What a stored span means: the canonical record, made when the span is opened."""

from __future__ import annotations

import base64

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from clew.traces.canonical import canonical
from clew.traces.model import Canonical
from clew.traces.otlp import row_to_log, row_to_span
from clew.traces.record import log_record, span_record
from clew.traces.views import SpanDetail


def meaning_of(opened: SpanDetail) -> Canonical:
    """The canonical record of a span that was read, with what its log records and its resource add."""
    record = opened.record
    resource = Resource.FromString(base64.b64decode(record["resource"]))
    scope = InstrumentationScope.FromString(base64.b64decode(record["scope"]))
    return canonical(span_record(row_to_span(record), scope, resource), [log_record(row_to_log(row)) for row in opened.logs])
