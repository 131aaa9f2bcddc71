"""Whatever attributes a span has, it is stored: what was acknowledged must not be set aside because some keys came without others."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from clew.core.clock import now_ns
from clew.ingest.check import check_traces
from clew.store import Store, open_store
from clew.traces.dialects import known_keys
from clew.traces.scores import ScoreWriter
from clew.traces.write import SpanWriter

JSON_TEXTS = (
    '"quoted"',
    "[]",
    "{}",
    "[1,2]",
    '[{"role":"user","content":"hi"}]',
    '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
    '{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}',
    '{"usage":{"prompt_tokens":3,"completion_tokens":"x"}}',
    '{"input":1e400,"output":-5,"total":null}',
    "[[[[[[[[[[",
    '{"a":' * 200,
    "null",
    "NaN",
    '"\\ud800"',
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("store"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def writer(store: Store) -> SpanWriter:
    return SpanWriter(store, ScoreWriter(store))


def value(dice: random.Random, depth: int = 0) -> AnyValue:
    match dice.randrange(9 if depth < 2 else 7):
        case 0:
            return AnyValue(string_value=dice.choice(JSON_TEXTS))
        case 1:
            return AnyValue(
                string_value=dice.choice(
                    [
                        "",
                        "gpt-4o",
                        "LLM",
                        "12",
                        "0.5",
                        "2026-01-02T03:04:05Z",
                        "9999-12-31T23:59:59Z",
                        "1500-01-01",
                        "1e400",
                        "-inf",
                        "99999999999999999999",
                        "é日本🧵",
                        "x" * 70_000,
                    ]
                )
            )
        case 2:
            return AnyValue(int_value=dice.choice([0, 1, -1, 7, 2**53, 2**63 - 1, -(2**63)]))
        case 3:
            return AnyValue(double_value=dice.choice([0.0, 0.001, -1.0, 1e300, float("nan"), float("inf"), float("-inf")]))
        case 4:
            return AnyValue(bool_value=dice.random() < 0.5)
        case 5:
            return AnyValue(bytes_value=dice.randbytes(dice.randrange(9)))
        case 6:
            return AnyValue()
        case 7:
            return AnyValue(array_value=ArrayValue(values=[value(dice, depth + 1) for _ in range(dice.randrange(4))]))
    pairs = [KeyValue(key=dice.choice(["role", "content", "parts", "usage", "input"]), value=value(dice, depth + 1)) for _ in range(3)]
    return AnyValue(kvlist_value=KeyValueList(values=pairs))


def group(dice: random.Random, keys: list[str]) -> ExportTraceServiceRequest:
    """A few spans with some of the keys."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    trace = os.urandom(16)
    for _ in range(dice.randrange(1, 4)):
        own = [key for key in keys if dice.random() < 0.8] or keys
        start = now_ns()
        spans.add(
            trace_id=trace,
            span_id=os.urandom(8),
            name="any",
            start_time_unix_nano=start,
            end_time_unix_nano=start + dice.randrange(10**9),
            attributes=[KeyValue(key=key, value=value(dice)) for key in own],
        )
    return request


def stored(writer: SpanWriter, request: ExportTraceServiceRequest) -> None:
    checked = check_traces(request.SerializeToString(), "fuzz", lambda _: 1, now_ns())
    keys = {pair.key: str(pair.value)[:200] for span in request.resource_spans[0].scope_spans[0].spans for pair in span.attributes}
    try:
        outcome = writer.commit(checked.frames)
    except Exception as error:
        pytest.fail(f"the group was not stored ({error}); its keys: {keys}")
    assert outcome.stored == checked.records


def test_groups_with_any_few_keys_are_stored(writer: SpanWriter) -> None:
    seed = random.randrange(10**9)
    dice, known = random.Random(seed), sorted(known_keys())
    until, rounds = time.monotonic() + 6, 0
    while rounds < 12 or time.monotonic() < until:
        stored(writer, group(dice, dice.sample(known, dice.randrange(1, 5))))
        rounds += 1


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_key_alone_and_many_together_are_stored(writer: SpanWriter) -> None:
    dice, known = random.Random(5), sorted(known_keys())
    for key in known:
        stored(writer, group(dice, [key]))
    until = time.monotonic() + 60
    while time.monotonic() < until:
        stored(writer, group(dice, dice.sample(known, dice.randrange(1, 30))))
