"""The filter as the pages show it: its text, its sentence, its mistake with the place, and what could be typed next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clew.core.errors import FilterError
from clew.traces.filter import Scope, parse, sentence


@dataclass(frozen=True)
class Mistake:
    """Why a filter does not parse: the text around the character at which reading stopped, and what could stand there."""

    before: str
    at: str
    after: str
    message: str
    expected: tuple[str, ...]


@dataclass(frozen=True)
class FilterBox:
    """The filter of a page."""

    text: str
    scope: Scope
    action: str  # where the form leads
    complete_href: str
    kept: Mapping[str, str]  # the rest of the page's state
    sentence: str = ""  # in English; '' where there is no filter or it has a mistake
    mistake: Mistake | None = None
    examples: tuple[str, ...] = ()


EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "trace": ("status = error", "latency > 10s", "cost > $0.05"),
    "span": ("kind = LLM and latency > 2s", "status = error", "kind = TOOL"),
    "session": ("status = error", "cost > $0.10"),
}


def filter_box(text: str, scope: Scope, *, action: str, complete_href: str, kept: Mapping[str, str]) -> FilterBox:
    """Reads the filter; a mistake is part of the result, for the page is shown all the same."""
    try:
        tree = parse(text, scope)
    except FilterError as error:
        return FilterBox(text, scope, action, complete_href, kept, mistake=mistake_of(text, error), examples=EXAMPLES[scope])
    said = sentence(tree, scope) if text.strip() else ""
    return FilterBox(text, scope, action, complete_href, kept, said, examples=EXAMPLES[scope])


def mistake_of(text: str, error: FilterError) -> Mistake:
    """The mistake with its character cut out of the text (a blank where the text ended too early)."""
    at = max(0, min(error.position, len(text)))
    return Mistake(text[:at], text[at : at + 1] or " ", text[at + 1 :], str(error), error.expected[:24])
