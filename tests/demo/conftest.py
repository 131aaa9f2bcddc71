"""One demo for all tests of this folder: making it takes seconds."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.demo import generate
from demo_end import UNTIL_NS


@pytest.fixture(scope="session")
def requests() -> list[ExportTraceServiceRequest]:
    return list(generate(1, UNTIL_NS))


@pytest.fixture(scope="session")
def spans(requests: list[ExportTraceServiceRequest]) -> list[tuple[str, Span]]:
    """Every span with the name of its project, in the order in which it is sent."""
    return [
        (resource.resource.attributes[0].value.string_value, span)
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
