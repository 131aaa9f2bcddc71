"""Spans for the reading benchmark, made with numpy and put straight into the store, about 270,000 a second before the engine's part.

Traces of ten spans (an agent with model calls, retrieval, tools and plain spans) over fourteen days up to now; words of a
vocabulary drawn by Zipf's law and joined into about 1.5 KB of text a span, so that compression and text search meet what
real prompts give them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.ingest import arrow_stream
from clew.store import Encoded, Statement, Store

PROJECT = 1
DAYS = 14
SPANS_PER_TRACE = 10
WIDE, WIDE_TRACES = 50, 2_000  # and so many traces of fifty spans, to be opened
NEEDLE = "quetzalcoatl"  # one sentence in about 20,000 holds it: a rare word
NS = 1_000_000_000

KINDS = np.array(["AGENT", "LLM", "RETRIEVER", "EMBEDDING", "LLM", "TOOL", "TOOL", "LLM", "SPAN", "SPAN"])
NAMES = np.array(
    ["agent run", "chat", "search catalogue", "embed", "chat", "get_order", "send_mail", "chat", "GET /orders", "SELECT orders"]
)
PARENTS = np.array([-1, 0, 0, 2, 0, 4, 4, 0, 5, 8])
MODELS = np.array(["gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "gemini-2.5-flash", "llama-3.3-70b"])

TYPES: dict[str, str] = {
    "project_id": "UInt32", "start_ns": "Int64", "end_ns": "Int64", "duration_ns": "Int64", "trace_id": "FixedString(16)",
    "span_id": "FixedString(8)", "parent_id": "FixedString(8)", "is_root": "Bool", "name": "String", "otel_kind": "UInt8",
    "status": "UInt8", "service": "String", "environment": "String", "kind": "String", "provider": "String", "model_asked": "String",
    "model": "String", "session_id": "String", "user_id": "String", "input_tokens": "Nullable(Int64)", "output_tokens": "Nullable(Int64)",
    "counted": "Bool", "cost_nanos": "Nullable(Int64)", "input_preview": "String", "output_preview": "String", "input_text": "String",
    "output_text": "String", "received_ns": "Int64", "commit_id": "UInt64", "attr.key": "Array(String)", "attr.kind": "Array(String)",
    "attr.str": "Array(String)", "attr.int": "Array(Int64)", "attr.dbl": "Array(Float64)", "resource": "String", "scope": "String",
}  # fmt: skip
INSERT = Statement(
    "bench_fill",
    f"INSERT INTO spans ({', '.join(f'`{name}`' for name in TYPES)}) SELECT {', '.join(f'`{name}`' for name in TYPES)} FROM /*slot:source*/",
)
KEYS = [
    "gen_ai.operation.name",
    "gen_ai.request.model",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.usage.input_tokens",
    "app.release",
]


@dataclass
class Generator:
    """Makes chunks of spans; the same seed gives the same spans."""

    seed: int = 7
    end_ns: int = field(default_factory=time.time_ns)
    days: float = DAYS
    sentences: pa.Array = field(init=False)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.sentences = pa.array(_sentences(self.rng))

    def text(self, rows: int, low: int, high: int) -> pa.Array:
        """Texts of ``low`` to ``high`` sentences of about 70 characters."""
        counts = self.rng.integers(low, high + 1, rows)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        picked = self.sentences.take(pa.array(self.rng.integers(0, len(self.sentences), int(offsets[-1]))))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), picked), ". ")

    def chunk(self, spans: int, first_ns: int, last_ns: int, commit: int, width: int = SPANS_PER_TRACE) -> pa.Table:
        """``spans`` spans of traces of ``width`` spans (a multiple of ten) that start evenly between two instants."""
        traces = spans // width
        rows = traces * width
        rng = self.rng
        place = np.tile(np.arange(width), traces)
        slot = np.where(place == 0, 0, np.where(place % SPANS_PER_TRACE == 0, 9, place % SPANS_PER_TRACE))
        trace = np.repeat(np.frombuffer(rng.bytes(traces * 16), "V16"), width)
        ids = np.frombuffer(rng.bytes(rows * 8), "V8").reshape(traces, width)
        above = np.where(np.arange(width) < SPANS_PER_TRACE, np.resize(PARENTS, width), np.resize(PARENTS, width).clip(0))
        parents = np.where(above[None, :] < 0, np.zeros(1, "V8"), ids[:, above]).reshape(-1)
        started = np.repeat(np.sort(rng.integers(first_ns, last_ns, traces)), width)
        root_ns = np.repeat((rng.lognormal(1.2, 0.7, traces) * NS).astype(np.int64), width)
        starts = started + (root_ns * place / (width + 2)).astype(np.int64)
        durations = np.where(place == 0, root_ns, (root_ns * rng.uniform(0.02, 0.12, rows)).astype(np.int64))
        llm = KINDS[slot] == "LLM"
        model = np.where(llm, MODELS[np.repeat(rng.choice(5, traces, p=[0.4, 0.3, 0.15, 0.1, 0.05]), width)], "")
        tokens_in = np.where(llm, rng.integers(100, 4000, rows), 0)
        tokens_out = np.where(llm, rng.integers(10, 600, rows), 0)
        session = np.repeat(rng.integers(0, max(traces // 4, 1), traces) + commit * 1_000_000, width)
        inputs, outputs = self.text(rows, 4, 12), self.text(rows, 2, 6)
        none = pa.scalar(None, pa.int64())
        columns: dict[str, Any] = {
            "project_id": pa.array(np.full(rows, PROJECT, np.uint32)),
            "start_ns": pa.array(starts), "end_ns": pa.array(starts + durations), "duration_ns": pa.array(durations),
            "trace_id": _binary(trace, 16), "span_id": _binary(ids.reshape(-1), 8), "parent_id": _binary(parents, 8),
            "is_root": pa.array(place == 0), "name": pa.array(NAMES[slot]), "otel_kind": pa.array(np.full(rows, 3, np.uint8)),
            "status": pa.array(np.where(rng.random(rows) < 0.01, 2, 0).astype(np.uint8)),
            "service": pa.array(np.full(rows, "shop")), "environment": pa.array(np.full(rows, "production")), "kind": pa.array(KINDS[slot]),
            "provider": pa.array(np.where(llm, "openai", "")), "model_asked": pa.array(model), "model": pa.array(model),
            "session_id": pa.array(np.char.add("session-", session.astype(str))),
            "user_id": pa.array(np.char.add("user-", (session % 50_000).astype(str))),
            "input_tokens": pc.if_else(pa.array(llm), pa.array(tokens_in), none),
            "output_tokens": pc.if_else(pa.array(llm), pa.array(tokens_out), none), "counted": pa.array(llm),
            "cost_nanos": pc.if_else(pa.array(llm & (rng.random(rows) < 0.97)), pa.array(tokens_in * 2_500 + tokens_out * 10_000), none),
            "input_preview": pc.utf8_slice_codeunits(inputs, 0, 200), "output_preview": pc.utf8_slice_codeunits(outputs, 0, 200),
            "input_text": inputs, "output_text": outputs,
            "received_ns": pa.array(starts + durations + NS), "commit_id": pa.array(np.full(rows, commit, np.uint64)),
            **self._attributes(rows, model, inputs, outputs, tokens_in),
            "resource": pa.array(np.full(rows, "\n\x16\n\x0cservice.name\x12\x06\n\x04shop")), "scope": pa.array(np.full(rows, "\n\x04shop")),
        }  # fmt: skip
        return pa.table(columns)

    def _attributes(self, rows: int, model: np.ndarray, inputs: pa.Array, outputs: pa.Array, tokens: np.ndarray) -> dict[str, pa.Array]:
        width = len(KEYS)
        offsets = pa.array(np.arange(0, rows * width + 1, width, dtype=np.int32))

        def listed(values: pa.Array) -> pa.Array:
            return pa.ListArray.from_arrays(offsets, values)

        def interleaved(columns: list[pa.Array]) -> pa.Array:
            order = np.arange(rows * width).reshape(width, rows).T.reshape(-1)
            return pa.concat_arrays(columns).take(pa.array(order))

        empty, release = pa.array([""] * rows), pa.array(np.full(rows, "2026.10.3"))
        text = interleaved([pa.array(["chat"] * rows), pa.array(model.astype(str)), inputs, outputs, empty, release])
        ints = np.zeros((rows, width), np.int64)
        ints[:, 4] = tokens
        return {
            "attr.key": listed(pa.array(np.tile(KEYS, rows))),
            "attr.kind": listed(pa.array(np.tile(["s", "s", "s", "s", "i", "s"], rows))),
            "attr.str": listed(text),
            "attr.int": listed(pa.array(ints.reshape(-1))),
            "attr.dbl": listed(pa.array(np.zeros(rows * width))),
        }


def _binary(values: np.ndarray, width: int) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(values), [None, pa.py_buffer(np.ascontiguousarray(values).tobytes())])


def _sentences(rng: np.random.Generator) -> list[str]:
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    weights = 1 / np.arange(2, 28)
    words = ["".join(rng.choice(letters, rng.integers(2, 11), p=weights / weights.sum())) for _ in range(30_000)]
    ranks = np.minimum(rng.zipf(1.25, 20_000 * 11), 30_000) - 1
    sentences = [" ".join(words[rank] for rank in ranks[start : start + 11]) for start in range(0, len(ranks), 11)]
    sentences[0] = f"please ask {NEEDLE} about the Refund of 退款 order"
    return sentences


def encode(table: pa.Table) -> Encoded:
    """A chunk as Arrow bytes that the engine reads."""
    return Encoded([arrow_stream(table)], "ArrowStream", ", ".join(f"`{name}` {kind}" for name, kind in TYPES.items()))


def fill(store: Store, spans: int, *, chunk: int = 50_000, report: Any = None, generator: Generator | None = None) -> Generator:
    """Puts ``spans`` spans over the generator's days into ``store``."""
    generator = generator or Generator()
    first = generator.end_ns - int(generator.days * 86_400 * NS)
    chunks = max(spans // chunk, 1)
    step = (generator.end_ns - first) // chunks
    for index in range(chunks):
        table = generator.chunk(min(chunk, spans), first + index * step, first + (index + 1) * step, index + 1)
        store.facts.load(INSERT, encode(table))
        wide = generator.chunk(
            WIDE_TRACES * WIDE // chunks // WIDE * WIDE, first + index * step, first + (index + 1) * step, index + 1, WIDE
        )
        if wide.num_rows:
            store.facts.load(INSERT, encode(wide))
        if report:
            report((index + 1) * chunk)
    return generator
