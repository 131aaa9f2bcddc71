"""Groups that are decoded side by side and stored one after another: the same span in both is one span, counted once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.store import Statement, open_store
from clew.traces.scores import ScoreWriter
from clew.traces.wire import Frame
from clew.traces.write import LANES, SpanWriter

T0 = 1_762_000_000 * 10**9
SPANS, GROUPS, EACH = 80, 12, 30


def frame(numbers: list[int]) -> Frame:
    """A request of chat calls, some of them not ended yet: an ended copy of the same span is fuller."""
    message = ExportTraceServiceRequest()
    scope = message.resource_spans.add().scope_spans.add()
    for number in numbers:
        span = scope.spans.add(trace_id=(number // 4 + 1).to_bytes(16), span_id=(number + 1).to_bytes(8), name="chat")
        span.start_time_unix_nano = T0 + number
        span.end_time_unix_nano = T0 + number + 5 if random.Random(f"{numbers}{number}").random() < 0.5 else 0
        for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "gpt-4o")):
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 10
    return Frame(message.SerializeToString(), 1, "", "", T0)


def test_groups_stored_from_two_threads_are_what_one_would_have_stored(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    writer = SpanWriter(store, ScoreWriter(store))
    rng = random.Random(3)
    groups = [[frame(rng.sample(range(SPANS), EACH))] for _ in range(GROUPS)]
    with ThreadPoolExecutor(LANES) as threads:
        outcomes = list(threads.map(writer.commit, groups))
    sums = "SELECT count() AS spans, uniqExact(span_id) AS apart, countIf(end_ns = 0) AS open, sumIf(input_tokens, counted) AS tokens FROM spans"
    (row,) = store.facts.rows(Statement("sums", sums))
    ended = {
        (span.span_id, span.end_time_unix_nano)
        for (one,) in groups
        for span in ExportTraceServiceRequest.FromString(one.body).resource_spans[0].scope_spans[0].spans
    }
    sent = {span for span, _ in ended}
    assert row["spans"] == row["apart"] == len(sent)
    assert row["open"] == len(sent - {span for span, end in ended if end}), "the fuller copy stays"
    assert row["tokens"] == 10 * len(sent)
    assert sum(outcome.stored for outcome in outcomes) == len(sent)
    assert sum(outcome.stored + outcome.duplicates for outcome in outcomes) == GROUPS * EACH
    store.close()
