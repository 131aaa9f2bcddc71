"""What the benchmarks send: retrieval traces (OpenInference) and agent traces (OpenTelemetry gen_ai) of a stated size, seeded."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

# Offsets are multiples of 2^20 ns and below 2^33 ns, so that a moment can be laid over all of them with one XOR (see traffic.py).
TICK_NS = 1 << 20
SPAN_OF_TIME_NS = 1 << 33
_TICKS = SPAN_OF_TIME_NS // TICK_NS

Value = str | int | float | list[str]
Call = tuple[str, dict[str, Value], int, int]  # name, attributes, start and length in ticks from the start of the trace

_ONSETS = ("b", "br", "c", "ch", "d", "f", "fl", "g", "gr", "h", "k", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "th", "tr", "v", "w")
_RHYMES = ("a", "ai", "an", "ar", "e", "ea", "el", "en", "er", "i", "in", "io", "it", "o", "on", "or", "ou", "u", "un", "y")


def _vocabulary(size: int = 6000) -> tuple[list[str], list[float]]:
    """Pronounceable words and their cumulated frequencies (Zipf), so that compression and text indexes see something like prose."""
    rng = random.Random("vocabulary")
    words: dict[str, None] = {}
    while len(words) < size:
        words["".join(rng.choice(_ONSETS) + rng.choice(_RHYMES) for _ in range(rng.choice((1, 2, 2, 3, 3, 4))))] = None
    total, cumulated = 0.0, []
    for rank in range(1, size + 1):
        total += 1.0 / (rank + 8)
        cumulated.append(total)
    return list(words), cumulated


_WORDS, _FREQUENCIES = _vocabulary()


class Prose:
    """Text of about so many words, times ``scale``."""

    def __init__(self, rng: random.Random, scale: float) -> None:
        self.rng = rng
        self.scale = scale

    def __call__(self, words: int) -> str:
        return " ".join(self.rng.choices(_WORDS, cum_weights=_FREQUENCIES, k=max(1, round(words * self.scale))))


def _attribute(key: str, value: Value) -> KeyValue:
    out = KeyValue(key=key)
    if isinstance(value, str):
        out.value.string_value = value
    elif isinstance(value, int):
        out.value.int_value = value
    elif isinstance(value, float):
        out.value.double_value = value
    else:
        for item in value:
            out.value.array_value.values.add().string_value = item
    return out


def _messages(role: str, text: str, **more: str) -> list[dict[str, object]]:
    return [{"role": role, "parts": [{"type": "text", "content": text}], **more}]


def rag_trace(rng: random.Random, prose: Prose) -> list[Call]:
    """A question answered from documents: chain, embedding, retriever, chat model."""
    session: dict[str, Value] = {"session.id": f"session-{rng.randrange(10_000)}", "user.id": f"user-{rng.randrange(999)}"}
    question, answer = prose(30), prose(70)
    documents: dict[str, Value] = {}
    for i in range(4):
        key = f"retrieval.documents.{i}.document."
        documents |= {key + "id": f"doc-{rng.randrange(9999)}", key + "content": prose(48), key + "score": rng.randrange(32, 64) / 64}
    prompt, completion = rng.randrange(400, 2000), rng.randrange(40, 300)
    chat: dict[str, Value] = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o-mini",
        "llm.provider": "openai",
        "llm.system": "openai",
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": prose(60),
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": question,
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": answer,
        "llm.token_count.prompt": prompt,
        "llm.token_count.completion": completion,
        "llm.token_count.total": prompt + completion,
        "llm.invocation_parameters": json.dumps({"model": "gpt-4o-mini", "temperature": 0.5}),
    }
    embedding: dict[str, Value] = {
        "openinference.span.kind": "EMBEDDING",
        "embedding.model_name": "text-embedding-3-small",
        "embedding.embeddings.0.embedding.text": question,
        "llm.token_count.prompt": 11,
        "llm.token_count.total": 11,
    }
    length = rng.randrange(900, 3000)
    return [
        ("answer", {"openinference.span.kind": "CHAIN", "input.value": question, "output.value": answer, **session}, 0, length),
        ("embed", embedding | session, 1, 90),
        ("retrieve", {"openinference.span.kind": "RETRIEVER", "input.value": question, **documents, **session}, 95, 120),
        ("ChatCompletion", chat | session, 220, length - 225),
    ]


def agent_trace(rng: random.Random, prose: Prose) -> list[Call]:
    """An agent that thinks and calls a tool, three times."""
    session: dict[str, Value] = {"gen_ai.conversation.id": f"session-{rng.randrange(10_000)}", "user.id": f"user-{rng.randrange(999)}"}
    question, system = prose(40), prose(60)
    root: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "shop",
        "gen_ai.input.messages": json.dumps(_messages("user", question)),
        "gen_ai.output.messages": json.dumps(_messages("assistant", prose(60), finish_reason="stop")),
    }
    step = rng.randrange(500, 1500)
    calls: list[Call] = [("invoke_agent shop", root | session, 0, 3 * step + 10)]
    for i in range(3):
        spoken = [{"role": "system", "parts": [{"type": "text", "content": system}]}, *_messages("user", question)]
        chat: dict[str, Value] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(64):016x}",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": rng.randrange(400, 3000),
            "gen_ai.usage.output_tokens": rng.randrange(20, 500),
            "gen_ai.request.temperature": 0.5,
            "gen_ai.input.messages": json.dumps(spoken),
            "gen_ai.output.messages": json.dumps(_messages("assistant", prose(50), finish_reason="stop")),
        }
        tool: dict[str, Value] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": rng.choice(("search", "order_lookup", "refund")),
            "gen_ai.tool.call.id": f"call_{rng.getrandbits(48):012x}",
            "gen_ai.tool.call.arguments": json.dumps({"q": prose(10)}),
            "gen_ai.tool.call.result": prose(120),
        }
        calls.append(("chat gpt-4o", chat | session, i * step + 1, step * 3 // 4))
        calls.append((f"execute_tool {tool['gen_ai.tool.name']}", tool | session, i * step + 2 + step * 3 // 4, step // 5))
    return calls


def _add_trace(out: ScopeSpans, rng: random.Random, calls: Sequence[Call], room: int) -> None:
    trace_id, root_id = rng.randbytes(16), b""
    length = max(start + duration for _, _, start, duration in calls)
    begin = rng.randrange(1, _TICKS - length)
    for name, attributes, start, duration in calls[:room]:
        span: Span = out.spans.add(
            trace_id=trace_id, span_id=rng.randbytes(8), parent_span_id=root_id, name=name, kind=Span.SPAN_KIND_INTERNAL
        )
        root_id = root_id or span.span_id
        span.start_time_unix_nano = (begin + start) * TICK_NS
        span.end_time_unix_nano = (begin + start + duration) * TICK_NS
        span.attributes.extend(_attribute(key, value) for key, value in attributes.items())


def build(seed: str, scale: float, spans: int) -> ExportTraceServiceRequest:
    """One request of ``spans`` spans, half retrieval traces and half agent traces; its times are offsets (see TICK_NS)."""
    rng = random.Random(seed)
    prose = Prose(rng, scale)
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(_attribute("service.name", "bench"))
    resource.resource.attributes.append(_attribute("deployment.environment.name", "bench"))
    out = resource.scope_spans.add()
    out.scope.name = "bench"
    while len(out.spans) < spans:
        make = rag_trace if rng.random() < 0.5 else agent_trace
        _add_trace(out, rng, make(rng, prose), spans - len(out.spans))
    return request


def scale_for(span_bytes: int) -> float:
    """The scale at which the mean span has ``span_bytes`` bytes on the wire: size is linear in it, so two measurements tell."""
    sizes: list[float] = [build("scale", scale, 600).ByteSize() / 600 for scale in (1.0, 4.0)]
    slope = (sizes[1] - sizes[0]) / 3.0
    scale = 1.0 + (span_bytes - sizes[0]) / slope
    if scale < 0.02:
        least = round(sizes[0] - slope)
        raise SystemExit(f"--span-bytes {span_bytes} is too small: without any text it is {least}; ask for {least + 100} or more.")
    return scale


def batches(seed: int, span_bytes: int, spans: int, count: int) -> Iterator[ExportTraceServiceRequest]:
    """``count`` different requests."""
    scale = scale_for(span_bytes)
    for i in range(count):
        yield build(f"{seed}:{i}", scale, spans)
