"""The canonical record: what a span means, whichever dialect told it. Frozen values, nothing else.

What a sender did not tell is None or empty, never 0. Payloads of JSON (arguments, results, parameters) are Python values as JSON has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from clew.traces.views import Tokens

Scope = Literal["span", "trace", "session"]


# ── what was sent, as plain values ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class EventRecord:
    """One event of a span."""

    name: str
    time_ns: int
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkRecord:
    """One link of a span; ids in lower-case hex."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SpanRecord:
    """One span; of two attributes with one key the first counts."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int
    status: int = 0
    status_message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[EventRecord, ...] = ()
    links: tuple[LinkRecord, ...] = ()
    scope_name: str = ""
    resource: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LogRecord:
    """One log record that belongs to a span."""

    trace_id: str
    span_id: str
    event_name: str
    time_ns: int
    body: Any = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Text:
    """Words."""

    text: str
    type: str = "text"


@dataclass(frozen=True)
class Reasoning:
    """What the model thought; empty where the provider keeps it to itself."""

    text: str
    type: str = "reasoning"


@dataclass(frozen=True)
class ToolCall:
    """The model asks for a tool. ``arguments`` is decoded where it was JSON text."""

    name: str
    arguments: Any = None
    id: str = ""
    type: str = "tool_call"


@dataclass(frozen=True)
class ToolResult:
    """A tool's answer to the call with the same id."""

    result: Any = None
    id: str = ""
    name: str = ""
    type: str = "tool_result"


@dataclass(frozen=True)
class Media:
    """An image, audio, video or file: by reference (``uri`` or ``file_id``) or with its own bytes (``data``, base64)."""

    modality: str
    mime_type: str = ""
    uri: str = ""
    file_id: str = ""
    data: str = ""
    type: str = "media"


@dataclass(frozen=True)
class Generic:
    """A part of a kind that is not known, or one that is broken: kept as it came."""

    kind: str
    value: Any
    type: str = "generic"


Part: TypeAlias = Text | Reasoning | ToolCall | ToolResult | Media | Generic


@dataclass(frozen=True)
class Message:
    """One turn."""

    role: str
    parts: tuple[Part, ...] = ()
    name: str = ""
    finish_reason: str = ""

    @property
    def text(self) -> str:
        """The words of its text parts."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text) and part.text)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


# ── the rest of the record ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class ToolDefinition:
    """A tool that was offered to the model."""

    name: str
    description: str = ""
    parameters: Any = None
    type: str = "function"


@dataclass(frozen=True)
class ToolExecution:
    """One run of a tool."""

    name: str
    arguments: Any = None
    result: Any = None
    call_id: str = ""
    description: str = ""


@dataclass(frozen=True)
class Document:
    """One document that was found or ranked."""

    id: str = ""
    content: str = ""
    score: float | None = None
    metadata: Any = None


@dataclass(frozen=True)
class Embedding:
    """One text that was embedded; the vector's length, not the vector."""

    text: str = ""
    dimensions: int | None = None


@dataclass(frozen=True)
class EvaluationResult:
    """One judgement that came with telemetry, before it is checked and stored.

    ``trace_id``, ``span_id`` and ``session_id`` name the target as the sender told it; empty where it cannot be known.
    """

    scope: Scope
    name: str
    trace_id: str = ""
    span_id: str = ""
    session_id: str = ""
    value: float | None = None
    label: str = ""
    explanation: str = ""
    annotator: str = ""  # HUMAN, LLM, CODE, or the sender's own word
    identifier: str = ""
    metadata: str = ""
    author: str = ""
    response_id: str = ""
    time_ns: int = 0

    @property
    def source(self) -> str:
        """Who judged, in the words of scores: a person, a judge, a user, the business, or code."""
        return {"HUMAN": "person", "LLM": "judge", "USER": "user", "BUSINESS": "business"}.get(self.annotator.upper(), "code")


@dataclass(frozen=True)
class Problem:
    """What went wrong, as told by the span, its exception event or its status."""

    type: str = ""
    message: str = ""
    stacktrace: str = ""


@dataclass(frozen=True)
class Canonical:
    """What one span means."""

    kind: str
    dialect: str
    dialects: tuple[str, ...]
    provider: str
    model_asked: str
    model_answered: str
    parameters: Mapping[str, Any]
    system: tuple[Part, ...]
    messages_in: tuple[Message, ...]
    messages_out: tuple[Message, ...]
    tools: tuple[ToolDefinition, ...]
    documents_in: tuple[Document, ...]
    documents: tuple[Document, ...]
    query: str
    embeddings: tuple[Embedding, ...]
    tokens: Tokens
    ttft_ns: int | None
    finish_reasons: tuple[str, ...]
    response_id: str
    session_id: str
    user_id: str
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    tool: ToolExecution | None
    agent_name: str
    agent_id: str
    agent_description: str
    workflow_name: str
    prompt_name: str
    prompt_version: str
    prompt_template: str
    prompt_variables: Any
    evaluations: tuple[EvaluationResult, ...]
    sender_cost_nanos: int | None
    usage_rollup: bool
    problem: Problem | None
    marks: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """The model that answered, or else the one that was asked."""
        return self.model_answered or self.model_asked

    @property
    def output_text(self) -> str:
        """The words of the answer."""
        return "\n".join(message.text for message in self.messages_out if message.text)

    @property
    def last_user_text(self) -> str:
        """The words of the last turn of the user that has any."""
        return next((message.text for message in reversed(self.messages_in) if message.role == "user" and message.text), "")
