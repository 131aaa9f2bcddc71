"""What a traced call costs the application: ``python -m bench.client``.

Prints nanoseconds a call, best of several rounds, and the ratio to the first: a span of the bare OpenTelemetry SDK (batch processor, an
exporter that throws away), the same with OpenTelemetry's own OTLP exporter, the same under ``clew.init``, ``clew.span``, ``@clew.trace``;
then again with the server away and the buffer full, and what the end of the process costs then.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry import trace as otel_trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import clew
from clew.client.state import Client, current, replace

NOBODY = "http://127.0.0.1:9"  # the discard port: connections are refused
QUESTION = "Where is my parcel, and when will it be here? " * 4
ROUNDS = 7


@dataclass(frozen=True)
class Measured:
    """One way of making a span: the best round's ns a call, and how many times the bare span's cost that is."""

    what: str
    ns: float
    ratio: float


class ThrowAway(SpanExporter):
    """Takes spans and keeps nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _Accept(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        return


def best_ns(call: Callable[[], object], calls: int) -> float:
    """Nanoseconds a call in the best of several rounds; between rounds, what waits is sent."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter_ns()
        for _ in range(calls):
            call()
        rounds.append((time.perf_counter_ns() - started) / calls)
        clew.flush(2)
    return min(rounds)


def ways(tracer: otel_trace.Tracer) -> dict[str, Callable[[], object]]:
    """The calls that are measured under ``clew.init``."""

    @clew.trace
    def traced(question: str) -> str:
        return question

    @clew.trace(capture_input=False, capture_output=False)
    def traced_bare(question: str) -> str:
        return question

    def own_span() -> None:
        with clew.span("answer", input=QUESTION) as s:
            s.output = QUESTION

    return {
        "OpenTelemetry span under clew.init": sdk_span(tracer),
        "with clew.span(...), input and output": own_span,
        "@clew.trace, no content": lambda: traced_bare(QUESTION),
        "@clew.trace, input and output": lambda: traced(QUESTION),
    }


def sdk_ns(exporter: SpanExporter, calls: int) -> float:
    """The SDK's span with the same two attributes, under its own batch processor."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=1_000_000, max_export_batch_size=512))
    best = best_ns(sdk_span(provider.get_tracer("bare")), calls)
    provider.shutdown()
    return best


def sdk_span(tracer: otel_trace.Tracer) -> Callable[[], None]:
    """A span as OpenTelemetry's documentation writes it."""

    def call() -> None:
        with tracer.start_as_current_span("answer", attributes={"input.value": QUESTION}) as span:
            span.set_attribute("output.value", QUESTION)

    return call


def untraced_ns(calls: int) -> float:
    """A decorated function before ``clew.init``, less the undecorated one."""
    before: Client | None = replace(None)

    def plain(question: str) -> str:
        return question

    traced = clew.trace(plain)
    cost = best_ns(lambda: traced(QUESTION), calls) - best_ns(lambda: plain(QUESTION), calls)
    replace(before)
    return cost


def exit_seconds() -> float:
    """How long a program takes to end with 2,000 spans waiting and the server away, less the same program without clew's spans."""
    program = "import clew, sys; clew.init('bench')\nfor _ in range(int(sys.argv[1])):\n  with clew.span('s'): pass"
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": NOBODY}

    def run(count: int) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program, str(count)], env=environ, stderr=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started

    return min(run(2_000) for _ in range(3)) - min(run(0) for _ in range(3))


def measure(calls: int) -> list[Measured]:
    """Every line of the table."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Accept)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    bare = sdk_ns(ThrowAway(), calls)
    found = [
        Measured("bare OpenTelemetry SDK span", bare, 1.0),
        _line("with OpenTelemetry's OTLP exporter", sdk_ns(OTLPSpanExporter(f"{url}/v1/traces"), calls), bare),
        _line("@clew.trace before clew.init, added", untraced_ns(calls), bare),
    ]
    for where, endpoint in (("", url), (", server away, buffer full", NOBODY)):
        clew.init("bench", endpoint=endpoint, limits=clew.Limits(buffered_spans=10_000 if not where else calls // 10, interval_s=60))
        tracer = otel_trace.get_tracer("bench")
        found += [_line(what + where, best_ns(call, calls), bare) for what, call in ways(tracer).items()]
    server.shutdown()
    return found


def _line(what: str, ns: float, bare: float) -> Measured:
    return Measured(what, ns, ns / bare)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="calls a round")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    found = measure(asked.calls)
    end_s = exit_seconds()
    assert current() is not None
    if asked.json:
        print(json.dumps({"calls": [asdict(line) for line in found], "exit_s": end_s}))
        return
    print("| call | ns | × bare span |\n|---|---:|---:|")
    for line in found:
        print(f"| {line.what} | {line.ns:,.0f} | {line.ratio:.2f} |")
    print(f"\nThe end of a process with 2,000 spans waiting and the server away, beside one with none: {end_s:+.2f} s")


if __name__ == "__main__":
    main()
