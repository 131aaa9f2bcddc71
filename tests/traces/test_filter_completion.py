"""What the page proposes while one types a filter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.traces.filter import FIELDS, Completion, FilterError, Scope, complete, parse


def proposed(text: str, scope: Scope = "span") -> list[str]:
    """The texts proposed at ``|``."""
    cursor = text.index("|")
    return [completion.text for completion in complete(text.replace("|", ""), cursor, scope)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("|", "kind"),
        ("lat|", "latency"),
        ("LAT|", "latency"),
        ("kind |", "="),
        ("kind = |", "LLM"),
        ("kind = ll|", "LLM"),
        ("kind in (LLM, TO|", "TOOL"),
        ("kind in (LLM|)", "LLM"),
        ("kind in |", "("),
        ("kind in (LLM |", ","),
        ("status != |", "unset"),
        ("kind = LLM |", "and"),
        ("kind = LLM o|", "or"),
        ("kind = LLM and |", "kind"),
        ("not (mod|", "model"),
        ("latency |", "<"),
        ("latency > |", "2s"),
        ("cost > |", "$0.01"),
        ("root = t|", "true"),
        ("score.quality.source = p|", "person"),
        ("sco|", "score."),
        ("has sc|", "score."),
        ("refund |", "and"),
        ('"refund" |', "and"),
        ("since = |", "24h"),
        ("model no|", "not in"),
        ("lat| and kind = LLM", "latency"),
    ],
)
def test_the_first_proposal_goes_on_from_what_stands_there(text: str, first: str) -> None:
    assert proposed(text)[:1] == [first]


def test_every_field_of_the_scope_is_proposed_at_the_start() -> None:
    for scope in ("span", "trace", "session"):
        wanted = {f"{field.name}." if field.family else field.name for field in FIELDS if field.place(scope)}
        assert wanted <= set(proposed("|", scope))


def test_traces_and_sessions_are_offered_quantifiers_and_spans_are_not() -> None:
    assert "any(" in proposed("|", "trace")
    assert "count(" in proposed("an| or", "session") + proposed("c|", "session")
    assert "any(" not in proposed("|", "span")


def test_inside_a_quantifier_the_fields_of_spans_are_proposed() -> None:
    assert "latency" in proposed("any(|", "trace")
    assert "errors" not in proposed("any(|", "trace")
    assert "errors" in proposed("any(status = error) and |", "trace")


def test_nothing_is_proposed_behind_a_mistake_or_inside_a_quoted_text() -> None:
    assert proposed("kind > 3 and |") == []
    assert proposed('input ~ "lat|') == []


def test_a_proposal_says_what_it_replaces_and_what_it_is() -> None:
    completion = complete("kind = LLM and lat", 18, "span")[0]
    help_of_latency = next(field.help for field in FIELDS if field.name == "latency")
    assert completion == Completion("latency", 15, 18, "field", help_of_latency)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="kind=LM ()\"'.<>~!,attrscoe é", max_size=30), st.integers(-3, 40))
def test_completion_never_fails(text: str, cursor: int) -> None:
    for completion in complete(text, cursor, "trace"):
        assert 0 <= completion.start <= completion.end <= len(text)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=10))
def test_following_the_proposals_keeps_the_text_free_of_mistakes(choices: list[int]) -> None:
    text = ""
    for choice in choices:
        proposals = [item for item in complete(text, len(text)) if not item.text.endswith((".", "hex digits"))]
        if proposals:
            text += proposals[choice % len(proposals)].text + " "
    stopped = len(text)
    try:
        parse(text)
    except FilterError as error:
        stopped = error.position
    assert stopped >= len(text.rstrip()), text  # only unfinished
