"""Fuzzes one decoder guided by coverage: ``python coverage_guided.py TARGET -max_total_time=60``. A finding ends the process with its input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

with atheris.instrument_imports(include=["clew", "json"]):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from clew.core.errors import ClewError
    from clew.core.jsontext import loads_or_none
    from clew.ingest.check import check_logs, check_traces
    from clew.ingest.inflate import inflate
    from clew.ingest.repair import repair_text
    from clew.traces.canonical import canonical
    from clew.traces.cursor import decode_cursor
    from clew.traces.filter import compile_filter, complete, format_filter, parse, sentence
    from clew.traces.otlp import json_to_logs, json_to_traces, traces_to_json
    from clew.traces.record import span_record

NOW = 1_790_000_000_000_000_000
LIMIT = 1 << 16


def otlp_json(data: bytes) -> None:
    """The decoders of OTLP/JSON."""
    request, _ = json_to_traces(data)
    again, _ = json_to_traces(traces_to_json(request).encode())
    assert again.SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)
    json_to_logs(data)


def otlp_protobuf(data: bytes) -> None:
    """The check of protobuf, with its mending of text, and the meaning of what came through."""
    checked = check_traces(data, "", lambda _: 1, NOW)
    for frame in checked.frames:
        for group in ExportTraceServiceRequest.FromString(frame.body).resource_spans:
            for inner in group.scope_spans:
                for span in inner.spans:
                    canonical(span_record(span, inner.scope, group.resource))
    check_logs(data, "", lambda _: 1, NOW)


def mending(data: bytes) -> None:
    """The walk along the wire form alone."""
    repair_text(data, ExportTraceServiceRequest.DESCRIPTOR)


def inflating(data: bytes) -> None:
    """Bodies, by the coding that the first byte picks."""
    coding = ("gzip", "deflate", "zstd", "")[data[0] % 4] if data else ""
    assert len(inflate(data[1:], coding, LIMIT)) <= LIMIT


def filters(data: bytes) -> None:
    """The filter language."""
    text = data.decode("utf-8", "replace")[:4000]
    for proposal in complete(text, min(len(text), len(data) % 50), "trace"):
        assert 0 <= proposal.start <= proposal.end
    tree = parse(text, "span")
    assert parse(format_filter(tree), "span") == tree
    sentence(tree, "span")
    compile_filter(tree, "span", now_ns=NOW)


def cursors(data: bytes) -> None:
    """Cursors."""
    decode_cursor(data.decode("latin-1"), "trace start DESC")


def json_text(data: bytes) -> None:
    """JSON inside attributes."""
    loads_or_none(data.decode("utf-8", "replace"))


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function for function in (otlp_json, otlp_protobuf, mending, inflating, filters, cursors, json_text)
}


def main() -> None:
    """Runs one target until libFuzzer's own limits."""
    target = TARGETS[sys.argv.pop(1)]

    def once(data: bytes) -> None:
        try:
            target(data)
        except ClewError as error:
            assert str(error)  # noqa: PT017

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
