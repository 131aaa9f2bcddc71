"""What each page is a function of: one dataclass a page, every field said."""

from __future__ import annotations

from dataclasses import dataclass

from clew.traces.views import Score, SpanRow, TraceView
from clew.web.tree import Step
from clew.web.urls import with_params
from clew.web.verdicts import Verdict


@dataclass(frozen=True)
class Part:
    """One part of a message."""

    kind: str  # text, reasoning, call, result, file
    text: str
    name: str = ""  # of the tool, or the media type
    id: str = ""  # of the tool call
    failed: bool = False


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: str  # system, user, assistant, tool
    parts: tuple[Part, ...]
    who: str = ""  # a name where one was told
    when_ns: int | None = None
    href: str = ""  # the step or trace it comes from
    folded: bool = False  # whether it is shown closed at first (system prompts, long results)


@dataclass(frozen=True)
class Document:
    """One retrieved document."""

    id: str
    text: str
    score: float | None
    about: str = ""  # its metadata in one line


@dataclass(frozen=True)
class Attribute:
    """One attribute as it was sent."""

    key: str
    type: str
    text: str


@dataclass(frozen=True)
class Happening:
    """A span event."""

    name: str
    offset_ns: int  # since the span's start
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class LinkTo:
    """A span link."""

    trace_id: str
    span_id: str
    href: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class StepDetail:
    """One step, opened beside the tree."""

    span: SpanRow
    self_ns: int
    raw: bool  # whether the raw view is shown
    read_href: str  # the same step to read
    raw_href: str  # the same step with everything that was sent
    close_href: str
    facts: tuple[tuple[str, str, str], ...]  # label, value, hover
    earlier: tuple[Turn, ...]  # messages that earlier steps asked with too: folded
    turns: tuple[Turn, ...]  # what was asked and answered
    arguments: str  # a tool's arguments or any other input, pretty where it is JSON
    result: str  # a tool's result or any other output
    documents: tuple[Document, ...]
    scores: tuple[Score, ...]
    attributes: tuple[Attribute, ...]
    resource: tuple[Attribute, ...]
    scope: str
    happenings: tuple[Happening, ...]
    links: tuple[LinkTo, ...]
    json_href: str  # the span as the API gives it
    missing: str = ""  # why nothing can be read here, where that is so


@dataclass(frozen=True)
class Chunk:
    """Steps that come and go together; ``steps`` is empty for those that are not loaded yet."""

    first: int
    count: int
    href: str  # the fragment that fills it
    page_href: str  # the page that shows it, without script
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class TracePage:
    """One trace: the tree on its time axis, one step opened."""

    verdict: Verdict
    view: TraceView
    ticks: tuple[tuple[float, str], ...]
    chunks: tuple[Chunk, ...]
    shown: int  # steps in the tree as it is folded
    kinds: tuple[tuple[str, str], ...]  # (tone, word) of the kinds in this trace, for the key below it
    own_time: bool  # whether the last column says a step's own time
    picked: str  # span id of the opened step
    detail: StepDetail | None
    state: dict[str, str]  # the URL's state
    path: str
    list_href: str  # the list one came from
    list_words: str
    previous: str  # addresses of the neighbours in that list; '' at its ends
    following: str
    session_href: str
    fold_all: str  # address with every step folded that can be; '' where there is nothing to fold
    unfold_all: str

    def fold_href(self, span_id: str) -> str:
        """The same page with one step folded, or unfolded where it is."""
        folded = [each for each in self.state.get("fold", "").split(",") if each]
        changed = [each for each in folded if each != span_id] if span_id in folded else [*folded, span_id]
        return with_params(self.path, self.state, fold=",".join(changed))
