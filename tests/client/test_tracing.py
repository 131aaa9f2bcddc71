"""``@clew.trace`` and ``clew.span``: what a call leaves behind, and that the call itself does not notice."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

import clew
from clew.client import state
from clew.client.testing import START_NS, TICK_NS, CapturedSpan, capture


@pytest.fixture
def spans() -> Iterator[list[CapturedSpan]]:
    with capture() as captured:
        yield captured


def test_a_bare_decorator_records_arguments_and_result(spans: list[CapturedSpan]) -> None:
    @clew.trace
    def answer(question: str, *rest: int, tone: str = "kind", **more: Any) -> dict[str, str]:
        """Answers."""
        return {"text": question.upper()}

    assert answer("hi", 1, 2, tone="dry", extra=3) == {"text": "HI"}
    (span,) = spans
    assert (span.name, span.kind, span.failed) == ("answer", "CHAIN", False)
    assert json.loads(span.input or "") == {"question": "hi", "rest": [1, 2], "tone": "dry", "extra": 3}
    assert span.output == '{"text":"HI"}'
    assert span.attributes["output.mime_type"] == "application/json"
    assert answer.__doc__ == "Answers."


def test_a_decorator_with_arguments_names_kind_and_what_to_keep(spans: list[CapturedSpan]) -> None:
    @clew.trace("look up", kind="retriever", capture_input=["query"], capture_output=False, attributes={"team": "a"})
    def find(query: str, api_key: str) -> str:
        return "secret"

    find("tea", "k-123")
    (span,) = spans
    assert (span.name, span.kind) == ("look up", "RETRIEVER")
    assert span.input == '{"query":"tea"}'
    assert span.output is None
    assert span.attributes["team"] == "a"
    assert "k-123" not in str(span)


def test_spans_nest_in_sync_and_async_code(spans: list[CapturedSpan]) -> None:
    @clew.trace
    async def inner(number: int) -> int:
        await asyncio.sleep(0)
        return number

    @clew.trace
    async def outer() -> list[int]:
        return await asyncio.gather(inner(1), inner(2))

    assert asyncio.run(outer()) == [1, 2]
    parent = spans[-1]
    assert [span.name for span in spans] == ["inner", "inner", "outer"]
    assert {span.parent_id for span in spans[:2]} == {parent.span_id}
    assert parent.parent_id is None
    assert inspect.iscoroutinefunction(inner)


def test_an_exception_is_recorded_and_raised_unchanged(spans: list[CapturedSpan]) -> None:
    problem = ValueError("no such order")

    @clew.trace
    def fail() -> None:
        raise problem

    with pytest.raises(ValueError, match="no such order") as raised:
        fail()
    assert raised.value is problem
    assert spans[0].failed


def test_methods_of_every_kind_are_recorded_without_self(spans: list[CapturedSpan]) -> None:
    class Shop:
        @clew.trace
        def method(self, a: int) -> int:
            return a

        @clew.trace
        @classmethod
        def of_class(cls, a: int) -> int:
            return a

        @classmethod
        @clew.trace
        def of_class_inside(cls, a: int) -> int:
            return a

        @staticmethod
        @clew.trace
        def static(a: int) -> int:
            return a

        @clew.trace
        @staticmethod
        def static_outside(a: int) -> int:
            return a

    shop = Shop()
    calls = (shop.method, Shop.of_class, shop.of_class_inside, shop.static, Shop.static_outside)
    assert [call(1) for call in calls] == [1] * 5
    assert [span.input for span in spans] == ['{"a":1}'] * 5
    assert [span.name for span in spans][:2] == ["Shop.method", "Shop.of_class"]


def test_a_class_has_its_public_methods_traced_once(spans: list[CapturedSpan]) -> None:
    @clew.trace(kind="AGENT")
    class Agent:
        def __init__(self, name: str) -> None:
            self.name = name

        @clew.trace(kind="TOOL")
        def tool(self) -> str:
            return self._private()

        def plain(self) -> str:
            return self.tool()

        def __call__(self) -> str:
            return self.plain()

        def _private(self) -> str:
            return self.name

    assert Agent("a")() == "a"
    assert [(span.name, span.kind) for span in spans] == [("Agent.tool", "TOOL"), ("Agent.plain", "AGENT"), ("Agent.__call__", "AGENT")]


def test_a_generator_is_one_span_and_its_text_is_joined(spans: list[CapturedSpan]) -> None:
    @clew.trace
    def stream(words: str) -> Iterator[str]:
        for word in words.split():
            with clew.span(word):
                pass
            yield word + " "

    with clew.span("caller"):
        generator = stream("to be")
        assert next(generator) == "to "
        with clew.span("between"):
            pass
        assert list(generator) == ["be "]
    by_name = {span.name: span for span in spans}
    assert by_name["stream"].output == "to be "
    assert by_name["to"].parent_id == by_name["be"].parent_id == by_name["stream"].span_id
    assert by_name["between"].parent_id == by_name["stream"].parent_id == by_name["caller"].span_id


def test_send_throw_close_and_return_reach_the_generator(spans: list[CapturedSpan]) -> None:
    heard: list[Any] = []

    @clew.trace
    def talk() -> Iterator[Any]:
        try:
            while True:
                try:
                    heard.append((yield len(heard)))
                except KeyError:
                    heard.append("key")
                if len(heard) == 3:
                    return "done"
        finally:
            heard.append("closed")

    generator: Any = talk()
    assert next(generator) == 0
    assert generator.send("a") == 1
    assert generator.throw(KeyError()) == 2
    with pytest.raises(StopIteration) as end:
        generator.send("c")
    assert end.value.value == "done"
    assert heard == ["a", "key", "c", "closed"]
    early: Any = talk()
    next(early)
    early.close()
    assert heard[-1] == "closed"
    assert [span.failed for span in spans] == [False, False]


def test_an_async_generator_is_one_span(spans: list[CapturedSpan]) -> None:
    closed: list[bool] = []

    @clew.trace(kind="LLM")
    async def stream(count: int) -> AsyncIterator[str]:
        try:
            for number in range(count):
                await asyncio.sleep(0)
                with clew.span("inside"):
                    yield str(number)
        finally:
            closed.append(True)

    async def use() -> list[str]:
        whole = [item async for item in stream(3)]
        partial = stream(9)
        await anext(partial)
        await partial.aclose()  # type: ignore[attr-defined]
        return whole

    assert asyncio.run(use()) == ["0", "1", "2"]
    streams = [span for span in spans if span.name == "stream"]
    assert [span.output for span in streams] == ["012", "0"]
    assert closed == [True, True]
    assert not any(span.failed for span in spans)
    assert {span.parent_id for span in spans if span.name == "inside"} == {span.span_id for span in streams}


def test_a_failing_generator_fails_its_span(spans: list[CapturedSpan]) -> None:
    @clew.trace
    def stream() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(stream())
    assert (spans[0].failed, spans[0].output) == (True, "[1]")


def test_a_long_generator_is_kept_up_to_a_bound(spans: list[CapturedSpan]) -> None:
    @clew.trace
    def count() -> Iterator[int]:
        yield from range(5_000)

    assert sum(count()) == sum(range(5_000))
    kept = json.loads(spans[0].output or "")
    assert len(kept) == 1_001
    assert kept[-1] == "… +4000 more"


def test_a_span_block_takes_input_output_attributes_and_errors(spans: list[CapturedSpan]) -> None:
    with clew.span("retrieve", kind="RETRIEVER", input="tea", attributes={"index": "v2"}) as s:
        s.output = [{"id": 1}]
        s.set(model="gpt-4o", input_tokens=12, tags=["a", "b"], cost_usd=0.5, nothing=None)
        s.set({"any.name": {"nested": [1]}})
        s.error("only half was found")
        assert s.trace_id == clew.current_trace_id()
        assert len(s.span_id or "") == 16
    (span,) = spans
    assert span.failed
    assert (span.input, span.output) == ("tea", '[{"id":1}]')
    expected = {
        "index": "v2",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 12,
        "tag.tags": ("a", "b"),
        "llm.cost.total": 0.5,
        "any.name": '{"nested":[1]}',
        "input.mime_type": "text/plain",
    }
    assert {key: span.attributes[key] for key in expected} == expected
    assert "nothing" not in span.attributes


def test_session_and_user_reach_every_span_that_starts_inside(spans: list[CapturedSpan]) -> None:
    with clew.session("s-1"), clew.user("u-1"):
        with clew.span("outer"), clew.session("s-2"), clew.span("inner"):
            pass
        with clew.span("explicit") as s:
            s.set(session="s-3")
    with clew.span("outside"):
        pass
    told = {span.name: (span.attributes.get("session.id"), span.attributes.get("user.id")) for span in spans}
    assert told == {"inner": ("s-2", "u-1"), "outer": ("s-1", "u-1"), "explicit": ("s-3", "u-1"), "outside": (None, None)}


def test_content_stays_at_home_when_told_so() -> None:
    with capture(capture_content=False) as spans:

        @clew.trace
        def answer(question: str) -> str:
            return "a secret"

        answer("my secret")
        with clew.span("s", input="secret") as s:
            s.output = "secret"
    assert "secret" not in str([span.attributes for span in spans])


def test_before_init_a_call_goes_straight_through() -> None:
    @clew.trace
    def answer(question: str) -> str:
        return question

    @clew.trace
    def stream() -> Iterator[int]:
        yield from (1, 2)

    @clew.trace
    async def astream() -> AsyncIterator[int]:
        yield 1

    async def collect() -> list[int]:
        return [item async for item in astream()]

    assert answer("a") == "a"
    assert list(stream()) == [1, 2]
    assert asyncio.run(collect()) == [1]
    with clew.span("s", input=1) as s:
        s.output = 2
        s.set(model="m")
        s.error("e")
    assert (s.trace_id, s.output) == (None, 2)
    assert clew.current_trace_id() is None
    assert clew.flush()
    clew.score("helpful", value=1)
    assert clew.delivery() == clew.Delivery()


def test_a_value_that_cannot_be_read_does_not_reach_the_caller(spans: list[CapturedSpan]) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    @clew.trace
    def keep(value: Any) -> Any:
        return value

    value = Hostile()
    assert keep(value) is value
    assert "Hostile" in (spans[0].input or "")


def test_a_broken_recorder_costs_the_host_nothing_but_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("broken")

    with capture() as spans, replaced_recorder(Broken()):

        @clew.trace
        def answer(number: int) -> int:
            return number

        assert [answer(number) for number in range(3)] == [0, 1, 2]
        assert clew.current_trace_id() is None
        clew.score("x", value=1)
    assert spans == []
    assert sum("opening a span failed" in record.getMessage() for record in caplog.records) == 1


def test_the_kit_counts_ids_and_ticks_time() -> None:
    def run() -> list[CapturedSpan]:
        with capture() as spans, clew.span("a"), clew.span("b"):
            pass
        return spans

    assert run() == run()
    inner, outer = run()
    assert (outer.trace_id, outer.span_id, inner.parent_id) == (f"{1:032x}", f"{1:016x}", f"{1:016x}")
    assert (outer.start_ns, outer.end_ns) == (START_NS + TICK_NS, START_NS + 4 * TICK_NS)


@contextmanager
def replaced_recorder(recorder: Any) -> Iterator[None]:
    """The current client with another recorder, for the time of a block."""
    client = state.current()
    assert client is not None
    state.replace(replace(client, recorder=recorder))
    try:
        yield
    finally:
        state.replace(client)
