"""What is recorded arrives over the wire; when Clew is slow, full, wrong or away, the host goes on and the counters tell."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace as otel_trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

import clew
from clew.client.post import Poster
from otlp_receiver import Receiver, Reply, Taken, attributes

Init = Callable[..., None]


def make_spans(count: int, text: str = "hello") -> None:
    for number in range(count):
        with clew.span(f"s{number}", input=text):
            pass


def nobody() -> str:
    """An address of this machine where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_spans_arrive_with_project_and_service(init: Init, receiver: Receiver) -> None:
    init("shop", headers={"Authorization": "Bearer key"})
    make_spans(3)
    assert clew.flush()
    assert [span.name for span in receiver.spans()] == ["s0", "s1", "s2"]
    taken = receiver.taken[0]
    assert taken.headers["content-type"] == "application/x-protobuf"
    assert taken.headers["x-clew-project"] == "shop"
    assert taken.headers["authorization"] == "Bearer key"
    resource = attributes(receiver.requests()[0].resource_spans[0].resource)
    assert resource["clew.project.name"] in ("shop", "test")
    assert clew.delivery() == clew.Delivery(spans_sent=3)


def test_spans_go_out_by_themselves_within_the_interval(init: Init, receiver: Receiver) -> None:
    init(interval_s=0.05)
    make_spans(1)
    deadline = time.monotonic() + 5
    while not receiver.taken and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(receiver.spans()) == 1


def test_spans_of_any_instrumentation_are_sent_and_carry_the_session(init: Init, receiver: Receiver) -> None:
    init()
    with clew.session("s-9"), otel_trace.get_tracer("somebody").start_as_current_span("theirs"), clew.span("ours"):
        pass
    clew.flush()
    ours, theirs = receiver.spans()
    assert ours.parent_span_id == theirs.span_id
    assert attributes(theirs)["session.id"] == "s-9"


def test_more_attributes_than_opentelemetry_allows_by_default_arrive(init: Init, receiver: Receiver) -> None:
    init()
    with clew.span("chat") as s:
        s.set({f"llm.input_messages.{number}.message.content": "x" for number in range(500)})
    clew.flush()
    assert receiver.spans()[-1].dropped_attributes_count == 0
    assert len(receiver.spans()[-1].attributes) > 500


def test_scores_arrive_with_their_target(init: Init, receiver: Receiver) -> None:
    init("shop")
    with clew.span("s") as s:
        clew.score("helpful", value=True, source="person", author="ann", reason="said thanks")
    clew.score("tone", label="kind", trace_id=s.trace_id)
    clew.score("solved", value=0.5, session_id="s-1", source="judge", version="v2", identifier="second reader", metadata={"a": 1})
    assert clew.flush()
    here, tone, solved = receiver.scores()
    assert (here["trace_id"], here["span_id"], here["value"]) == (s.trace_id, s.span_id, 1.0)
    assert (here["source"], here["author"], here["reason"]) == ("person", "ann", "said thanks")
    assert tone["label"] == "kind"
    assert "span_id" not in tone
    assert (solved["session_id"], solved["version"], solved["identifier"], solved["metadata"]) == ("s-1", "v2", "second reader", {"a": 1})
    assert here["project"] == "shop"
    assert clew.delivery().scores_sent == 3


def test_scores_that_must_wait_are_sent_later_and_a_refused_one_holds_no_other_up(init: Init, receiver: Receiver) -> None:
    replies = iter([Reply(201), Reply(422), Reply(503)])
    receiver.answer = lambda taken: next(replies, Reply(201))
    init()
    for number in range(5):
        clew.score("s", value=number, session_id="a")
    assert not clew.flush()
    assert clew.flush()
    assert [score["value"] for score in receiver.scores()] == [0, 2, 3, 4]
    assert (clew.delivery().scores_sent, clew.delivery().scores_dropped) == (4, 1)


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        ({"value": 1}, "no current span"),
        ({"session_id": "s"}, "a value or a label"),
        ({"value": float("nan"), "session_id": "s"}, "finite"),
        ({"value": 1, "trace_id": "xyz"}, "32 hex digits"),
        ({"value": 1, "trace_id": "a" * 32, "span_id": "0" * 16}, "16 hex digits"),
        ({"value": 1, "span_id": "a" * 16}, "no trace_id"),
        ({"value": 1, "session_id": "s", "span_id": "a" * 16}, "needs its trace_id"),
        ({"value": 1, "session_id": "s", "source": "me"}, "person, judge, code, user, business"),
        ({"label": "x" * 201, "session_id": "s"}, "label is longer than 200"),
    ],
)
def test_a_score_that_cannot_be_meant_is_counted_and_told_once(
    init: Init, caplog: pytest.LogCaptureFixture, score: dict[str, Any], reason: str
) -> None:
    init()
    for _ in range(3):
        clew.score("s", **score)
    assert clew.delivery().scores_dropped == 3
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert reason in warnings[0]


def test_a_server_that_is_away_costs_one_warning_and_bounded_memory(init: Init, caplog: pytest.LogCaptureFixture) -> None:
    init(endpoint=nobody(), buffered_spans=100, batch_spans=10)
    make_spans(1_000)
    assert not clew.flush(1.0)
    make_spans(1_000)
    told = clew.delivery()
    assert (told.spans_sent, told.spans_waiting, told.spans_dropped) == (0, 100, 1_900)
    assert told.dropped == {"buffer full": 1_900}
    assert "ConnectionRefusedError" in told.problem
    assert [record.levelno for record in caplog.records if record.name == "clew"] == [logging.WARNING]


def test_large_spans_are_bounded_by_bytes(init: Init) -> None:
    init(endpoint=nobody(), buffered_bytes=1_000_000)
    make_spans(100, "x" * 50_000)
    told = clew.delivery()
    assert told.waiting_bytes <= 1_000_000
    assert 10 <= told.spans_waiting <= 20
    assert told.spans_waiting + told.spans_dropped == 100


def test_what_waited_arrives_when_the_server_is_back_in_order_and_once(init: Init, receiver: Receiver) -> None:
    away = True
    receiver.answer = lambda taken: Reply(503) if away else Reply()
    init(batch_spans=4)
    make_spans(10)
    assert not clew.flush()
    away = False
    assert clew.flush()
    assert [span.name for span in receiver.spans()] == [f"s{number}" for number in range(10)]
    assert clew.delivery().spans_sent == 10
    assert clew.delivery().spans_dropped == 0


def test_retry_after_is_kept(init: Init, receiver: Receiver) -> None:
    asked: list[float] = []

    def answer(taken: Taken) -> Reply:
        asked.append(time.monotonic())
        return Reply(429, {"Retry-After": "1"}) if len(asked) == 1 else Reply()

    receiver.answer = answer
    init(interval_s=0.02)
    make_spans(1)
    deadline = time.monotonic() + 5
    while len(asked) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert asked[1] - asked[0] >= 0.95
    assert len(receiver.spans()) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_refused_batch_is_dropped_and_counted_and_the_next_one_goes(init: Init, receiver: Receiver, status: int) -> None:
    replies = iter([Reply(status)])
    receiver.answer = lambda taken: next(replies, Reply())
    init(batch_spans=5)
    make_spans(5)
    clew.flush()
    make_spans(2)
    assert clew.flush()
    told = clew.delivery()
    assert (told.spans_sent, told.dropped) == (2, {"refused by the server": 5})
    assert told.problem == f"HTTP {status}"


def test_a_batch_that_is_too_large_is_sent_in_halves(init: Init, receiver: Receiver) -> None:
    receiver.answer = lambda taken: Reply(413) if len(taken.body) > 60_000 else Reply()
    init()
    make_spans(20, "x" * 10_000)
    make_spans(1, "y" * 80_000)
    assert clew.flush()
    assert len(receiver.spans()) == 20
    assert clew.delivery().dropped == {"too large": 1}


def test_spans_that_the_server_refused_alone_are_counted(init: Init, receiver: Receiver) -> None:
    partial = ExportTraceServiceResponse()
    partial.partial_success.rejected_spans = 2
    receiver.answer = lambda taken: Reply(body=partial.SerializeToString())
    init()
    make_spans(5)
    assert clew.flush()
    assert clew.delivery().spans_sent == 3
    assert clew.delivery().dropped == {"refused by the server": 2}


def test_a_server_that_hangs_does_not_hold_the_host(init: Init, receiver: Receiver) -> None:
    receiver.answer = lambda taken: Reply(after_s=1.5)
    init(batch_spans=1, request_timeout_s=5.0)
    make_spans(1)
    time.sleep(0.2)
    started = time.perf_counter()
    make_spans(200)
    assert time.perf_counter() - started < 0.5
    started = time.perf_counter()
    assert not clew.flush(0.3)
    assert not clew.shutdown(0.3)
    assert time.perf_counter() - started < 1.0


def test_after_shutdown_nothing_is_sent_and_nothing_raises(init: Init, receiver: Receiver) -> None:
    init()
    with clew.span("open") as s:
        clew.shutdown()
        s.output = 1
    make_spans(3)
    assert clew.flush()
    assert receiver.spans() == []


def test_a_second_init_moves_the_spans(init: Init, receiver: Receiver) -> None:
    init("first")
    make_spans(1)
    with Receiver() as other:
        init("second", endpoint=other.url)
        make_spans(2)
        assert clew.flush()
        assert [len(receiver.spans()), len(other.spans())] == [1, 2]
        assert other.taken[0].headers["x-clew-project"] == "second"


def test_the_senders_own_requests_are_not_traced(init: Init, receiver: Receiver) -> None:
    seen: list[bool] = []
    original = Poster.post

    def spy(self: Poster, body: bytes, content_type: str) -> Any:
        from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value

        seen.append(bool(get_value(_SUPPRESS_INSTRUMENTATION_KEY)))
        return original(self, body, content_type)

    init()
    Poster.post = spy  # type: ignore[method-assign]
    try:
        make_spans(1)
        clew.flush()
    finally:
        Poster.post = original  # type: ignore[method-assign]
    assert seen == [True]


def test_content_never_reaches_the_log(init: Init, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.answer = lambda taken: Reply(400, body=b"the secret was wrong")
    init(headers={"Authorization": "Bearer k-123"})
    make_spans(1, "my secret")
    clew.flush()
    clew.score("s", value=float("inf"), session_id="secret")
    assert caplog.records
    assert "secret" not in caplog.text
    assert "k-123" not in caplog.text
