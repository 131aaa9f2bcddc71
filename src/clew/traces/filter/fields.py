"""The one table of what can be asked, and the look-up by name. Parser, compiler, sentence, completion and documentation all read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Literal

from clew.traces.filter.tree import FieldRef, Op, Scope

#: choice: one of ``values``; text: any text, "" is missing; many: a list of texts; id: hex; count: whole number; number: any number;
#: duration, money, moment: with units; since: a bound on the start; dynamic: whatever type was sent; flag: yes or no;
#: presence: only exists and missing.
FieldType = Literal[
    "choice", "text", "many", "id", "count", "number", "duration", "money", "moment", "since", "dynamic", "flag", "presence"
]

#: How a field is met in a scope. own: the row itself (of a trace: its root span); some: some span of it; total: reckoned over its spans;
#: "": not there.
Place = Literal["own", "some", "total", ""]

EQUALITY: tuple[Op, ...] = ("=", "!=", "in", "not in")
ORDER: tuple[Op, ...] = ("<", "<=", ">", ">=")
TEXT: tuple[Op, ...] = ("~", "!~")
PRESENCE: tuple[Op, ...] = ("exists", "missing")

OPS: Mapping[FieldType, tuple[Op, ...]] = MappingProxyType(
    {
        "choice": (*EQUALITY, *PRESENCE),
        "text": (*EQUALITY, *TEXT, *PRESENCE),
        "many": (*EQUALITY, *TEXT, *PRESENCE),
        "id": (*EQUALITY, *PRESENCE),
        "count": (*ORDER, *EQUALITY, *PRESENCE),
        "number": (*ORDER, *EQUALITY, *PRESENCE),
        "duration": (*ORDER, *EQUALITY, *PRESENCE),
        "money": (*ORDER, *EQUALITY, *PRESENCE),
        "moment": ORDER,
        "since": ("=",),
        "dynamic": (*EQUALITY, *ORDER, *TEXT, *PRESENCE),
        "flag": ("=", "!="),
        "presence": PRESENCE,
    }
)

KINDS = (
    "LLM", "EMBEDDING", "CHAIN", "RETRIEVER", "RERANKER", "TOOL", "AGENT", "GUARDRAIL", "EVALUATOR", "PROMPT", "MEMORY", "SPAN",
)  # fmt: skip
STATUSES = ("unset", "ok", "error")
SOURCES = ("person", "judge", "code", "user", "business")
SCORE_PARTS = ("value", "label", "source")


@dataclass(frozen=True)
class Field:
    """One thing that can be asked of a span, a trace or a session.

    ``column`` is the SQL of one span's value, ``total`` the SQL over the spans of a trace or session. ``nullable`` says
    that unknown is NULL (a text is unknown when it is empty).
    """

    name: str
    type: FieldType
    help: str
    column: str = ""
    span: Place = "own"
    trace: Place = "some"
    session: Place = "some"
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    total: str = ""
    nullable: bool = False
    family: bool = False

    def place(self, scope: Scope) -> Place:
        """How the field is met in ``scope``."""
        return {"span": self.span, "trace": self.trace, "session": self.session}[scope]

    def example(self) -> str:
        """The field as one types it, with KEY where a name of one's own goes."""
        return f"{self.name}.KEY" if self.family else self.name


def _text(name: str, told: str, column: str = "", aliases: tuple[str, ...] = (), trace: Place = "some", session: Place = "some") -> Field:
    return Field(name, "text", told, column or name, trace=trace, session=session, aliases=aliases)


def _tokens(name: str, told: str) -> Field:
    total = f"sumIf({name}, counted)"
    return Field(name, "count", told, name, trace="total", session="total", total=total, nullable=True)


_ALL_TOKENS = "if(isNull(input_tokens) AND isNull(output_tokens), NULL, ifNull(input_tokens, 0) + ifNull(output_tokens, 0))"

#: A span that ends before it starts, as clocks go, ends where it starts.
_LAST_END = "max(greatest(end_ns, start_ns))"

FIELDS: tuple[Field, ...] = (
    Field("kind", "choice", "what the span does", "kind", values=KINDS),
    _text("name", "the span's name; of a trace: its root span's", trace="own"),
    Field("status", "choice", "how it ended; of a trace: how its root span ended", "status", trace="own", values=STATUSES),
    _text("message", "what was said about the status", "status_message", ("status_message",)),
    _text("error", "the type of the error", "error_type", ("error_type", "error.type")),
    _text("service", "the program that sent it", aliases=("service.name",)),
    _text("environment", "where that program ran", aliases=("env", "deployment.environment")),
    _text("provider", "who runs the model"),
    _text("model", "the model that answered, or else the one that was asked for"),
    _text("model_asked", "the model that was asked for"),
    _text("model_answered", "the model that answered"),
    _text("agent", "the agent's name", "agent_name", ("agent_name",)),
    _text("tool", "the tool's name", "tool_name", ("tool_name",)),
    _text("prompt", "the prompt's name", "prompt_name", ("prompt_name",)),
    _text("prompt_version", "the prompt's version"),
    _text("finish_reason", "why the model stopped", aliases=("finish",)),
    _text("session", "the session's id", "session_id", ("session_id", "session.id"), session="own"),
    _text("user", "the user's id", "user_id", ("user_id", "user.id")),
    _text("dialect", "the convention the span was sent in"),
    Field("tag", "many", "a tag", "tags", aliases=("tags",)),
    Field("mark", "many", "a defect that was kept and flagged", "marks", aliases=("marks",)),
    _text("input", "what went in", "input_text"),
    _text("output", "what came out", "output_text"),
    Field("latency", "duration", "how long it took; of a trace or session: from its first start to its last end", "duration_ns",
          trace="total", session="total", total=f"{_LAST_END} - min(start_ns)", aliases=("duration",)),
    Field("ttft", "duration", "time to the first token", "ttft_ns", aliases=("time_to_first_token",), nullable=True),
    Field("start", "moment", "when it started", "start_ns", trace="own", session="total", total="min(start_ns)"),
    Field("end", "moment", "when it ended; of a trace or session: when its last span did", "end_ns", trace="total", session="total",
          total=_LAST_END),
    Field("since", "since", "started at this time or later", "start_ns", trace="own", session="total", total="min(start_ns)"),
    Field("until", "since", "started before this time", "start_ns", trace="own", session="total", total="min(start_ns)"),
    Field("tokens", "count", "input and output tokens together", _ALL_TOKENS, trace="total", session="total",
          total=f"sumIf({_ALL_TOKENS}, counted)", aliases=("total_tokens",), nullable=True),
    _tokens("input_tokens", "tokens that went in, all told"),
    _tokens("uncached_tokens", "input tokens that came from no cache"),
    _tokens("cache_read_tokens", "input tokens read from a cache"),
    _tokens("cache_write_tokens", "input tokens written to a cache"),
    _tokens("output_tokens", "tokens that came out, reasoning included"),
    _tokens("reasoning_tokens", "output tokens spent on reasoning"),
    _tokens("audio_input_tokens", "input tokens of sound"),
    _tokens("audio_output_tokens", "output tokens of sound"),
    Field("cost", "money", "what it cost, in US dollars", "cost_nanos", trace="total", session="total",
          total="sumIf(cost_nanos, counted)", nullable=True),
    _text("cost_source", "where the cost comes from"),
    Field("spans", "count", "how many spans it has", span="", trace="total", session="total", total="count()"),
    Field("errors", "count", "how many of its spans ended in error", span="", trace="total", session="total",
          total="countIf(status = 2)"),
    Field("traces", "count", "how many traces it has", span="", trace="", session="total", total="uniqExact(trace_id)"),
    Field("root", "flag", "whether it has no parent; of a trace: whether its root span has arrived", "is_root", trace="own"),
    Field("counted", "flag", "whether its tokens and cost count in sums", "counted"),
    Field("trace", "id", "the trace's id", "trace_id", trace="own", aliases=("trace_id",)),
    Field("span", "id", "the span's id", "span_id", aliases=("span_id",)),
    Field("parent", "id", "the parent span's id", "parent_id", aliases=("parent_id",)),
    Field("score", "number", "a score's value; score.NAME.label and score.NAME.source are its label and who gave it", family=True),
    Field("trace.score", "number", "a score of the trace the span is in", trace="", session="", family=True),
    Field("attr", "dynamic", "an attribute as it was sent, of any name and type", aliases=("attribute", "attributes"), family=True),
    Field("metadata", "dynamic", "an entry of the metadata", family=True),
)  # fmt: skip

BY_NAME: Mapping[str, Field] = MappingProxyType({name: field for field in FIELDS for name in (field.name, *field.aliases)})


@cache
def names(scope: Scope) -> tuple[str, ...]:
    """The names of the fields of a scope, as one types them."""
    return tuple(field.example() for field in FIELDS if field.place(scope))


def spec(ref: FieldRef) -> Field:
    """The table's line of a field."""
    return BY_NAME[ref.name]


def type_of(ref: FieldRef) -> FieldType:
    """The type of what is compared: a score's label and source are texts, a score without a name can only be asked for."""
    if ref.name in ("score", "trace.score"):
        if not ref.key:
            return "presence"
        return "number" if ref.part in ("", "value") else "text"
    return spec(ref).type


def place_of(ref: FieldRef, scope: Scope) -> Place:
    """How a field is met in a scope. ``root.`` asks the root span of a trace itself."""
    if ref.root:
        return spec(ref).span if scope == "trace" and ref.name != "trace.score" else ""
    return spec(ref).place(scope)


def values_of(ref: FieldRef) -> tuple[str, ...]:
    """The values worth offering: all of a choice's, the usual ones of a score's source."""
    return SOURCES if ref.part == "source" else spec(ref).values


def nearest(word: str, among: tuple[str, ...]) -> str | None:
    """The name that was probably meant."""
    lower = {name.lower(): name for name in among}
    found = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None
