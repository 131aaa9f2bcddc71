"""Whatever a span is called and whatever it says, a page shows it as text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from tests.web import sample
from tests.web.inert import assert_inert

from clew.traces.views import TraceView
from clew.web.contexts import Attribute, Document, Happening, LinkTo, Part, StepDetail, Turn
from clew.web.pages.trace import trace_page
from clew.web.render import Shell, environment

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202e<svg onload=alert(1)>\u0000",
]


def frame() -> Shell:
    return Shell("traces", "p", ("p", HOSTILE[0]), "system", UTC, "", sample.T0, f"/p/x?q={HOSTILE[1]}")


def detail(text: str, view: TraceView, *, raw: bool) -> StepDetail:
    attribute = Attribute(text, text, text)
    return StepDetail(
        span=view.nodes[0].span, self_ns=1, raw=raw, read_href="?a", raw_href="?b", close_href="?c", facts=((text, text, text),),
        earlier=(Turn("system", (Part("text", text),), folded=True),),
        turns=tuple(Turn(text, (Part(kind, text, text, text),), who=text) for kind in ("text", "reasoning", "call", "result", "file")),
        arguments=text, result=text, documents=(Document(text, text, 0.5, text),), scores=(sample.score(text, label=text),),
        attributes=(attribute,), resource=(attribute,), scope=text, happenings=(Happening(text, 1, (attribute,)),),
        links=(LinkTo(text, text, "/x", (attribute,)),), json_href="/api/x", missing=text,
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("raw", [False, True])
def test_a_hostile_trace_is_shown_and_runs_nothing(text: str, raw: bool) -> None:
    row = replace(
        sample.span(1, text, status="error", message=text), session_id=text, user_id=text, service=text, error_type=text, kind=text
    )
    view = sample.trace(
        [sample.node(row, marks=(text,)), sample.node(replace(row, span_id=f"{2:016x}"), 1)], scores=(sample.score(text, text),)
    )
    context = trace_page(view, {"list": text, "span": text}, detail(text, view, raw=raw), neighbours=(text, None), list_words=text)
    shown = assert_inert(environment().get_template("trace.html").render(shell=frame(), page=context))
    assert text.replace("\u0000", "") in shown.replace("\ufffd", "").replace("\u0000", "")


def test_a_template_that_asks_for_what_is_not_there_fails_at_once() -> None:
    with pytest.raises(Exception, match="has no attribute"):
        environment().from_string("{{ shell.nothing }}").render(shell=frame())


def test_markup_is_escaped_whatever_the_template_is_called() -> None:
    assert environment().from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
