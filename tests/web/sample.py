"""Small views made by hand, for tests of what a page says and draws."""

from __future__ import annotations

from clew.core.clock import NS_PER_S
from clew.stats import Interval, wilson_interval
from clew.traces.views import Bucket, Cost, Group, Overview, Quantile, Score, Share, SpanRow, Status, Tokens, TraceRow, TraceView, TreeNode

T0 = 1_763_000_000 * NS_PER_S  # 2025-11-13 02:13:20 UTC
TRACE = "9f3c00000000000000000000000071ab"


def share(count: int, n: int) -> Share:
    found = wilson_interval(count, n)
    return Share(count, n, found.value, found.low, found.high) if isinstance(found, Interval) else Share(count, n, None, None, None)


def span(number: int, name: str = "chat gpt-4o", *, parent: int = 0, kind: str = "LLM", status: Status = "ok", message: str = "",
         start_s: float = 0, took_s: float = 1, tokens: Tokens | None = None, cost: int | None = None) -> SpanRow:  # fmt: skip
    return SpanRow(
        trace_id=TRACE, span_id=f"{number:016x}", parent_id=f"{parent:016x}" if parent else "", name=name, kind=kind, status=status,
        status_message=message, start_ns=T0 + round(start_s * NS_PER_S), duration_ns=round(took_s * NS_PER_S), service="airline-agent",
        provider="openai", model="gpt-4o", agent_name="", tool_name="", session_id="task-00", user_id="mia", tokens=tokens or Tokens(),
        counted=True, cost_micros=cost, cost_source="", ttft_ns=None, finish_reason="", marks=(), input_preview="", output_preview="",
    )  # fmt: skip


def node(row: SpanRow, depth: int = 0, children: int = 0, *, critical: bool = False, marks: tuple[str, ...] = ()) -> TreeNode:
    return TreeNode(row, depth, children, row.duration_ns, critical, Tokens(), Cost(None, 0, 0), marks)


def score(name: str, label: str = "", value: float | None = None) -> Score:
    return Score("s", "trace", TRACE, "", "", name, value, label, "code", "", "", "", T0)


def trace(nodes: list[TreeNode], *, scores: tuple[Score, ...] = (), root_missing: bool = False, took_s: float = 41.2) -> TraceView:
    errors = sum(1 for each in nodes if each.span.status == "error")
    end = T0 + round(took_s * NS_PER_S)
    row = TraceRow(nodes[0].span, root_missing, len(nodes), errors, end, Tokens(), Cost(61_000, 1, 0), ("gpt-4o",), scores)
    return TraceView("airline", TRACE, T0, end, tuple(nodes), row, scores, root_missing)


def quantile(seconds: float, n: int = 100) -> Quantile:
    return Quantile(round(seconds * NS_PER_S), round(seconds * 0.9 * NS_PER_S), round(seconds * 1.1 * NS_PER_S), n)


def group(key: str, n: int, failed: int, before: tuple[int, int] | None = None) -> Group:
    then = group(key, *before) if before else None
    return Group(key, n, share(failed, n), quantile(3), quantile(12), n * 100, Cost(n * 1_000, n, 0), then)


def overview(failed: int = 60, n: int = 2_000, before: tuple[int, int] | None = (2_010, 58), buckets: int = 4) -> Overview:
    hour = 3_600 * NS_PER_S
    each = tuple(
        Bucket(T0 + i * hour, n // buckets, n, failed // buckets, quantile(3), quantile(12), None, n, Cost(n * 10, n, 0))
        for i in range(buckets)
    )
    total = group("", n, failed, before)
    return Overview(T0, T0 + buckets * hour, hour, total, n, 10, 5, each, (total,), "model", "all traces")
