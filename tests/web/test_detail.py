"""One step is shown as what it means, bounded whatever was sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.web import sample

from clew.traces import model
from clew.traces.canonical import canonical
from clew.traces.model import Canonical, Generic, Media, Message, Reasoning, SpanRecord, Text, ToolCall, ToolResult
from clew.traces.views import Tokens
from clew.web import detail

N = "\u00a0"


def meaning(incoming: tuple[Message, ...] = (), outgoing: tuple[Message, ...] = (), system: tuple[model.Part, ...] = ()) -> Canonical:
    empty = canonical(SpanRecord("0" * 32, "0" * 16, "", "chat", 0, 1))
    return replace(empty, messages_in=incoming, messages_out=outgoing, system=system)


def said(role: str, *parts: model.Part) -> Message:
    return Message(role, parts)


def test_what_was_answered_before_is_earlier_and_the_rest_is_now() -> None:
    asked = (said("system", Text("be kind")), said("user", Text("hi")), said("assistant", Text("hello")), said("user", Text("refund me")))
    earlier, now = detail.conversation(meaning(asked, (said("assistant", Text("done")),)))
    assert [(turn.role, turn.parts[0].text) for turn in earlier] == [("system", "be kind"), ("user", "hi"), ("assistant", "hello")]
    assert [(turn.role, turn.parts[0].text) for turn in now] == [("user", "refund me"), ("assistant", "done")]


def test_a_first_question_stands_whole_with_its_instructions_closed() -> None:
    asked = (said("user", Text("hi")),)
    earlier, now = detail.conversation(meaning(asked, (said("assistant", Text("hello")),), (Text("be kind"),)))
    assert earlier == ()
    assert [(turn.role, turn.folded) for turn in now] == [("system", True), ("user", False), ("assistant", False)]


def test_every_kind_of_part_is_shown() -> None:
    parts = (
        Reasoning(""),
        ToolCall("search", {"q": "x"}, "c1"),
        ToolResult('{"found": 1}', "c1"),
        Media("image", "image/png", "https://example.com/cat.png"),
        Media("audio", "audio/wav", data="A" * 4_000),
        Generic("odd", {"a": [1]}),
    )
    _, now = detail.conversation(meaning((), (said("assistant", *parts),)))
    assert [(part.kind, part.name, part.text) for part in now[0].parts] == [
        ("reasoning", "", "kept by the provider"),
        ("call", "search", '{\n  "q": "x"\n}'),
        ("result", "", '{\n  "found": 1\n}'),
        ("file", "image/png", "https://example.com/cat.png"),
        ("file", "audio/wav", f"3{N}kB in the span itself"),
        ("result", "odd", '{\n  "a": [\n    1\n  ]\n}'),
    ]


@pytest.mark.parametrize("value", ["{not json", "[" * 5_000, '"text"', "{}" * 3, "", None, {"a": float("inf")}, b"bytes"])
def test_any_value_has_a_text(value: object) -> None:
    assert isinstance(detail.pretty(value), str)


def test_long_text_says_how_much_is_missing() -> None:
    assert detail.bounded("a" * 30, 10) == "a" * 10 + "\n… 20 more characters; copy the JSON for all of it"
    assert len(detail.pretty("x" * 20_000_000)) < 21_000


def test_the_facts_of_a_call_say_where_numbers_come_from() -> None:
    span = replace(
        sample.span(1, tokens=Tokens(1_200, cache_read=1_000, uncached=200, output=40), cost=1_500), cost_source="price", counted=False
    )
    told = {label: (value, hover) for label, value, hover in detail.facts(span, meaning(), 500_000_000)}
    assert told["tokens"] == ("1,200 → 40", "200 uncached, 1,000 read from cache")
    assert told["cost"] == ("$0.0015", "from the list price of that day; told by another span too, which is the one that counts")
    assert told["own"][0] == f"500{N}ms"
    unknown = replace(span, cost_micros=None)
    assert {label: value for label, value, _ in detail.facts(unknown, meaning(), 0)}["cost"] == "–"
