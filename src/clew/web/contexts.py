"""What each page is a function of: one dataclass a page, every field said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from clew.traces.views import Group, Overview, Score, SessionRow, SpanRow, TraceRow, TraceView
from clew.web.columns import Column
from clew.web.compare import Difference
from clew.web.filterbox import FilterBox
from clew.web.tree import Step
from clew.web.urls import PRESETS, Window, with_params
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


def fold_href(path: str, state: dict[str, str], span_id: str) -> str:
    """A trace's page with one step chosen and folded, or unfolded where it is."""
    folded = [each for each in state.get("fold", "").split(",") if each]
    changed = [each for each in folded if each != span_id] if span_id in folded else [*folded, span_id]
    return with_params(path, state, span=span_id, fold=",".join(changed))


@dataclass(frozen=True)
class StepsPart:
    """Some steps of a long tree, to be put where they belong."""

    steps: tuple[Step, ...]
    state: dict[str, str]
    path: str
    picked: str
    own_time: bool

    def fold_href(self, span_id: str) -> str:
        """The page with one step folded, or unfolded where it is."""
        return fold_href(self.path, self.state, span_id)


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
        return fold_href(self.path, self.state, span_id)


@dataclass(frozen=True)
class SavedView:
    """A list's state under a name."""

    id: str
    name: str
    query: str
    href: str
    current: bool


@dataclass(frozen=True)
class ListState:
    """What every list page has: its filter, window, columns, order and saved views."""

    path: str
    state: dict[str, str]  # the URL's state
    box: FilterBox
    window: Window
    columns: tuple[Column, ...]
    all_columns: tuple[Column, ...]
    sort: str
    descending: bool

    presets = PRESETS

    def sort_href(self, column: Column) -> str:
        """The list in the order of a column; a second press turns it round."""
        turned = "asc" if self.sort == column.sort and self.descending else ""
        return with_params(self.path, self.state, sort="" if column == self.all_columns[0] else column.sort, dir=turned, after="")


@dataclass(frozen=True)
class TracesPage:
    """The list of traces, or of spans."""

    verdict: Verdict
    verdict_href: str  # where the sentence with the exact numbers comes from; '' where this one is exact
    list: ListState
    spans: bool  # whether spans are listed, not traces
    traces: tuple[TraceRow, ...]
    rows: tuple[SpanRow, ...]
    names_differ: bool  # whether the traces' names tell them apart; where they do not, what went in stands first
    here: str  # address of this part of the list, to load it again
    more: str  # address of the next part; '' at the end
    live: bool
    live_href: str  # switches following on or off
    views: tuple[SavedView, ...]
    gone: tuple[str, str] | None  # (name, query) of a saved view just removed, to be saved again
    project: str
    list_query: str  # the list's state as a trace carries it along
    newest_ns: int | None  # when the newest trace of all started, where this list is empty
    empty_project: bool
    endpoint: str  # where spans are sent to, for the first-steps text


@dataclass(frozen=True)
class FrontPage:
    """The page of a store without any project."""

    verdict: Verdict
    project: str
    endpoint: str


@dataclass(frozen=True)
class Account:
    """One line of the ledger."""

    name: str
    received: int
    stored: int
    duplicates: int
    refused: dict[str, int]


@dataclass(frozen=True)
class IngestPage:
    """What came in and what became of it. ``ledger`` has the fields of ``GET /api/v1/ingest``."""

    verdict: Verdict
    ledger: Any
    accounts: tuple[Account, ...]
    balanced: bool  # received = stored + duplicates + refused


@dataclass(frozen=True)
class ErrorPage:
    """Why a page cannot be shown, and what to do."""

    verdict: Verdict
    message: str
    status: int
    back: str


@dataclass(frozen=True)
class ChartCard:
    """One chart with its title and the figure it sums up to."""

    title: str
    remark: str
    figure: str
    change: str  # against the period before; '' where there is none
    svg: Markup
    half: bool = False


@dataclass(frozen=True)
class GroupLine:
    """One line of the table by model, name, user or attribute."""

    group: Group
    href: str  # the traces behind it
    difference: Difference | None  # of the share that failed, against the period before
    glyph: Markup
    verdict: str
    tone: str
    volume: str  # change of the number of spans against before
    slower: str  # p95 now against before, in words


@dataclass(frozen=True)
class OverviewPage:
    """One project over a window of time, against the window before."""

    verdict: Verdict
    overview: Overview
    path: str
    state: dict[str, str]
    box: FilterBox
    window: Window
    noun: str  # trace or span: what shares are shares of
    charts: tuple[ChartCard, ...]
    lines: tuple[GroupLine, ...]
    group_by: str
    group_options: tuple[tuple[str, str, str], ...]  # (key, word, address)
    attributes: tuple[str, ...]  # keys to choose from
    traces_href: str
    failed_href: str
    newest_ns: int | None  # where the window is empty
    empty_project: bool
    project: str
    endpoint: str

    presets = PRESETS


@dataclass(frozen=True)
class SessionsPage:
    """The list of sessions."""

    verdict: Verdict
    list: ListState
    rows: tuple[SessionRow, ...]
    here: str
    more: str
    project: str
    empty_project: bool
    endpoint: str


@dataclass(frozen=True)
class Visit:
    """One trace of a session with what was said in it."""

    row: TraceRow
    href: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class SessionPage:
    """One session as a conversation."""

    verdict: Verdict
    row: SessionRow
    visits: tuple[Visit, ...]
    remark: str
    traces_href: str
    project: str


Piece = tuple[str, bool]  # text, whether it is what was searched for


@dataclass(frozen=True)
class Found:
    """One span that holds what was searched for."""

    span: SpanRow
    href: str
    excerpts: tuple[tuple[str, tuple[Piece, ...]], ...]  # (where: input or output; the text with what was found)
    also: int  # how many later spans of the same trace on this page hold it too


@dataclass(frozen=True)
class SearchPage:
    """What was found in inputs and outputs."""

    verdict: Verdict
    text: str
    path: str
    state: dict[str, str]
    window: Window
    hits: tuple[Found, ...]
    more: str
    project: str

    presets = PRESETS
