"""What the pages, the API and the command line read: frozen results of the questions in ``read.py``.

Times are int64 ns since 1970, durations ns, money micro-dollars (None = unknown, never 0 for unknown), ids lower-case hex.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")

Status = Literal["unset", "ok", "error"]


@dataclass(frozen=True)
class Quantile:
    """A sample's quantile in ns with its distribution-free (order statistic) interval; low/high are None where n is too small to bound it."""

    value_ns: int
    low_ns: int | None
    high_ns: int | None
    n: int
    level: float = 0.95


@dataclass(frozen=True)
class Share:
    """A proportion with its Wilson interval, all in 0..1, and the counts behind it."""

    count: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    level: float = 0.95


@dataclass(frozen=True)
class Cost:
    """Money over some spans. ``unknown`` counts spans with tokens whose price is not known; ``micros`` is then a lower bound."""

    micros: int | None
    known: int
    unknown: int


@dataclass(frozen=True)
class Tokens:
    """Token counts of one span or the counted sum of many; None = not told."""

    input: int | None = None
    uncached: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None


TOKEN_KINDS = tuple(part.name for part in fields(Tokens))
NO_TOKENS = Tokens()


@dataclass(frozen=True)
class Score:
    """One judgement about one target, the newest of its (scope, target, name, identifier)."""

    score_id: str
    scope: Literal["span", "trace", "session"]
    trace_id: str
    span_id: str
    session_id: str
    name: str
    value: float | None
    label: str
    source: str
    author: str
    version: str
    reason: str
    time_ns: int
    identifier: str = ""


@dataclass(frozen=True)
class SpanRow:
    """One span in a list or a tree: narrow columns only, never payload."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    status: Status
    status_message: str
    start_ns: int
    duration_ns: int
    service: str
    provider: str
    model: str
    agent_name: str
    tool_name: str
    session_id: str
    user_id: str
    tokens: Tokens
    counted: bool
    cost_micros: int | None
    cost_source: str
    ttft_ns: int | None
    finish_reason: str
    marks: tuple[str, ...]
    input_preview: str
    output_preview: str
    error_type: str = ""
    scores: tuple[Score, ...] = ()


@dataclass(frozen=True)
class TraceRow:
    """One trace in the list: its root (or earliest span when the root has not arrived) and sums over its spans."""

    root: SpanRow
    root_missing: bool
    spans: int
    errors: int
    end_ns: int
    tokens: Tokens
    cost: Cost
    models: tuple[str, ...]
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class SessionRow:
    """One session: one conversation or visit."""

    session_id: str
    user_id: str
    start_ns: int
    end_ns: int
    traces: int
    spans: int
    errors: int
    tokens: Tokens
    cost: Cost
    first_input: str
    last_output: str
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list. ``next`` is an opaque cursor, None at the end; ``sentence`` is the filter in words."""

    items: tuple[T, ...]
    next: str | None
    sentence: str


@dataclass(frozen=True)
class TreeNode:
    """One span of a trace in tree order, with what only the tree can tell."""

    span: SpanRow
    depth: int
    children: int
    self_ns: int
    critical: bool
    subtree_tokens: Tokens
    subtree_cost: Cost
    marks: tuple[str, ...]  # orphan, cycle, before_parent, after_parent, negative_duration, …


@dataclass(frozen=True)
class TraceView:
    """One trace, opened."""

    project: str
    trace_id: str
    start_ns: int
    end_ns: int
    nodes: tuple[TreeNode, ...]
    row: TraceRow
    scores: tuple[Score, ...]
    root_missing: bool


@dataclass(frozen=True)
class SpanDetail:
    """One span, opened. ``record`` holds everything stored: the columns that ``clew.traces.otlp`` reads and the canonical ones.

    ``logs`` are the log records of the span, in the same form.
    """

    row: SpanRow
    record: dict[str, Any]
    logs: tuple[dict[str, Any], ...]
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class SessionView:
    """One session, opened: its traces in order, each with what went into and came out of its root."""

    project: str
    row: SessionRow
    turns: tuple[Turn, ...]
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class Turn:
    """One trace of a session as a turn of its conversation; texts are the root's whole input and output, cut at ``TURN_CHARACTERS``."""

    trace: TraceRow
    input_text: str
    output_text: str


@dataclass(frozen=True)
class Snippet:
    """Where a search met its text: the words around, and the characters of ``text`` that matched."""

    column: Literal["input", "output"]
    text: str
    start: int
    end: int
    cut_before: bool
    cut_after: bool


@dataclass(frozen=True)
class Hit:
    """One span found by its text."""

    span: SpanRow
    snippets: tuple[Snippet, ...]


@dataclass(frozen=True)
class Bucket:
    """One step of the overview's time axis."""

    start_ns: int
    traces: int
    spans: int
    errors: int
    p50: Quantile | None
    p95: Quantile | None
    p99: Quantile | None
    tokens: int
    cost: Cost


@dataclass(frozen=True)
class Group:
    """One line of "by model / name / user / any attribute"."""

    key: str
    spans: int
    error_share: Share
    p50: Quantile | None
    p95: Quantile | None
    tokens: int
    cost: Cost
    before: Group | None = None


@dataclass(frozen=True)
class Overview:
    """A window of time against the one before it."""

    start_ns: int
    end_ns: int
    step_ns: int
    total: Group
    traces: int
    sessions: int
    users: int
    buckets: tuple[Bucket, ...]
    groups: tuple[Group, ...]
    group_by: str
    sentence: str
    extra: dict[str, Any] = field(default_factory=dict)
