"""A trace's tree laid out for reading: which steps are shown, where their bars lie, where the ticks of the time axis stand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from clew.core.clock import NS_PER_S
from clew.traces.views import SpanRow, Tokens, TreeNode
from clew.web import figures

CHUNK = 100  # steps that come and go together in a long trace
DEEPEST = 8  # further levels keep this indent

TONES = {
    "LLM": "blue",
    "EMBEDDING": "blue",
    "TOOL": "amber",
    "RETRIEVER": "good",
    "RERANKER": "good",
    "AGENT": "violet",
    "CHAIN": "violet",
    "GUARDRAIL": "violet",
    "EVALUATOR": "violet",
}


def tone(kind: str) -> str:
    """The colour word of a span's kind; an ordinary span is grey."""
    return TONES.get(kind, "grey")


MARKS = {
    "orphan": "its parent has not arrived",
    "cycle": "its parents form a circle; it is shown at the top",
    "before_parent": "it starts before its parent does: two clocks that differ, or a parent told of late",
    "after_parent": "it ends after its parent does",
    "negative_duration": "it ends before it starts",
    "zero_duration": "it ends when it starts",
}


def step_name(span: SpanRow) -> str:
    """What a step is called where its kind is shown beside: a tool by its own name, all else by the span's."""
    return (span.tool_name if span.kind == "TOOL" else "") or span.name or "(no name)"


@dataclass(frozen=True)
class Step:
    """One line of the tree. ``left``, ``right`` and ``width`` are percent of the time axis."""

    node: TreeNode
    index: int  # its place in the whole tree, from 0
    left: float
    right: float
    width: float
    indent: int
    kind_tone: str
    tone: str  # of the bar: red where the failure began
    failed: bool
    folded: bool
    hidden: int  # how many steps lie folded under it
    tokens: Tokens
    cost: int | None
    of_subtree: bool  # whether tokens and cost are the sums of the steps below


def visible(nodes: Sequence[TreeNode], folded: Collection[str]) -> list[tuple[int, int]]:
    """(index, how many steps lie folded under it) of every step that no folded step hides."""
    shown: list[tuple[int, int]] = []
    index = 0
    while index < len(nodes):
        node = nodes[index]
        after = index + 1
        if node.span.span_id in folded:
            while after < len(nodes) and nodes[after].depth > node.depth:
                after += 1
        shown.append((index, after - index - 1))
        index = after
    return shown


def lay_out(nodes: Sequence[TreeNode], places: Sequence[tuple[int, int]], start_ns: int, end_ns: int) -> list[Step]:
    """The steps at these places with their bars on one axis from ``start_ns`` to ``end_ns``."""
    return [_step(nodes[index], index, hidden, start_ns, max(end_ns - start_ns, 1)) for index, hidden in places]


def _step(node: TreeNode, index: int, hidden: int, start_ns: int, length: int) -> Step:
    span = node.span
    left = min(max((span.start_ns - start_ns) / length * 100, 0.0), 100.0)
    width = min(max(span.duration_ns, 0) / length * 100, 100.0 - left)
    below = bool(node.children) and span.tokens.input is None and span.tokens.output is None and span.cost_micros is None
    return Step(
        node=node,
        index=index,
        left=round(left, 3),
        right=round(left + width, 3),
        width=round(width, 3),
        indent=min(node.depth, DEEPEST),
        kind_tone=tone(span.kind),
        tone="bad" if span.status == "error" and not node.children else tone(span.kind),
        failed=span.status == "error",
        folded=hidden > 0,
        hidden=hidden,
        tokens=node.subtree_tokens if below else span.tokens,
        cost=node.subtree_cost.micros if below else span.cost_micros,
        of_subtree=below,
    )


def ticks(length_ns: int, most: int = 5) -> list[tuple[float, str]]:
    """Round moments on an axis from 0: (percent, label). The first is 0; none stands so near the end that labels would meet."""
    step = nice_step(length_ns / most)
    found = [(0.0, "0")]
    at = step
    while at <= length_ns * 0.9 and len(found) <= most:
        found.append((round(at / length_ns * 100, 3), figures.duration(at).replace(".0" + figures.NBSP, figures.NBSP)))
        at += step
    return found


def nice_step(at_least: float) -> int:
    """The smallest round number of ns (1, 2 or 5 of a decimal unit; 10, 15, 30 of a sexagesimal one) that is no less."""
    seconds = NS_PER_S
    if at_least <= 10 * seconds:
        unit = 1
        while True:
            for factor in (1, 2, 5):
                if unit * factor >= at_least:
                    return unit * factor
            unit *= 10
    for size in (15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400):
        if size * seconds >= at_least:
            return size * seconds
    day = 86_400 * seconds
    return -(-int(at_least) // day) * day


def least_width(step: Step) -> str:
    """A bar's width as SVG reads it; what would not be seen gets a hairline."""
    return f"{step.width}%" if step.width >= 0.6 else "2"


def mark_name(mark: str) -> str:
    """A mark in one short word."""
    return {"before_parent": "early", "after_parent": "late", "negative_duration": "negative", "zero_duration": "instant"}.get(
        mark, mark.replace("_", " ")
    )


def mark_words(mark: str) -> str:
    """What a mark of the tree or of a span means, for its hover."""
    return MARKS.get(mark, mark.replace("_", " "))


KIND_WORDS = {"blue": "model", "amber": "tool", "good": "retrieval", "violet": "agent or chain", "grey": "other"}


def kinds_of(nodes: Sequence[TreeNode]) -> tuple[tuple[str, str], ...]:
    """The key under a tree: (tone, word) of the kinds that occur in it."""
    present = {tone(node.span.kind) for node in nodes}
    return tuple((each, word) for each, word in KIND_WORDS.items() if each in present)


def foldable(nodes: Sequence[TreeNode]) -> list[str]:
    """The span ids of the steps that a reader would fold at once: those with children, except the top ones."""
    return [node.span.span_id for node in nodes if node.children and node.depth > 0]
