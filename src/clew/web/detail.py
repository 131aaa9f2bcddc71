"""One step opened: from everything stored of a span, and from what it means, to what the page shows. Pure; bounded whatever was sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.core.jsontext import loads_or_none
from clew.traces import model
from clew.traces.meaning import meaning_of
from clew.traces.otlp import python_value, row_attributes
from clew.traces.views import SpanDetail, SpanRow, Tokens
from clew.web import figures
from clew.web.contexts import Attribute, Document, Happening, LinkTo, Part, StepDetail, Turn
from clew.web.urls import api_url, url, with_params

TEXT_LIMIT = 20_000  # characters of one text on a page; the whole is in the JSON
VALUE_LIMIT = 4_000  # characters of one attribute
LIST_LIMIT = 400  # messages, documents, events, attributes, links
FOLD_ABOVE = 1_200  # characters above which instructions and tool results are closed at first

_TYPES = {
    "string_value": "text",
    "bool_value": "bool",
    "int_value": "int",
    "double_value": "double",
    "array_value": "list",
    "kvlist_value": "map",
    "bytes_value": "bytes",
}
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system", "function": "tool"}


def step_detail(opened: SpanDetail, *, self_ns: int, project: str, path: str, state: Mapping[str, str]) -> StepDetail:
    """The context of one step. ``path`` and ``state`` are the page's, for the addresses of its views."""
    span, record, meaning = opened.row, opened.record, meaning_of(opened)
    here = {**state, "span": span.span_id}
    earlier, turns = conversation(meaning)
    talks = bool(turns or earlier)
    tool = meaning.tool
    arguments = tool.arguments if tool and tool.arguments is not None else None if talks else record.get("input_text")
    result = tool.result if tool and tool.result is not None else None if talks else record.get("output_text")
    documents = meaning.documents or meaning.documents_in
    return StepDetail(
        span=span,
        self_ns=self_ns,
        raw=state.get("view") == "raw",
        read_href=with_params(path, here, view=""),
        raw_href=with_params(path, here, view="raw"),
        close_href=with_params(path, here, span=""),
        facts=facts(span, meaning, self_ns),
        earlier=earlier,
        turns=turns,
        arguments=pretty(arguments),
        result=pretty(result) if pretty(result) != span.status_message else "",
        documents=tuple(_document(each) for each in documents[:LIST_LIMIT]),
        scores=opened.scores,
        attributes=attributes(row_attributes(record)),
        resource=attributes(Resource.FromString(base64.b64decode(record["resource"])).attributes),
        scope=_scope(record["scope"]),
        happenings=tuple(_happening(each, span.start_ns) for each in record["events"][:LIST_LIMIT]),
        links=tuple(_link(each, project) for each in record["links"][:LIST_LIMIT]),
        json_href=api_url(project, "traces", span.trace_id, "spans", span.span_id),
    )


def bounded(text: str, limit: int = TEXT_LIMIT) -> str:
    """The text, or its beginning with how much is missing."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… {figures.count(len(text) - limit)} more characters; copy the JSON for all of it"


def pretty(value: Any, limit: int = TEXT_LIMIT) -> str:
    """A value as a person reads it: text as it is, JSON (also JSON inside of text) indented."""
    if value is None:
        return ""
    if isinstance(value, str):
        inner = loads_or_none(value) if value[:1] in "{[" and len(value) <= 10 * limit else None
        if not isinstance(inner, dict | list):
            return bounded(value, limit)
        value = inner
    try:
        return bounded(json.dumps(value, ensure_ascii=False, indent=2, default=str), limit)
    except (ValueError, RecursionError):
        return bounded(str(value), limit)


def facts(span: SpanRow, meaning: model.Canonical, self_ns: int) -> tuple[tuple[str, str, str], ...]:
    """What is said of a step in one line: label, value, hover."""
    found = [("took", figures.duration(span.duration_ns), ""), ("own", figures.duration(self_ns), "without the steps below it")]
    if span.ttft_ns is not None:
        found.append(("first token after", figures.duration(span.ttft_ns), ""))
    if meaning.model:
        asked = f"asked for {meaning.model_asked}" if meaning.model_asked and meaning.model_asked != meaning.model else ""
        found.append(("model", figures.clip(meaning.model, 60), asked))
    if meaning.provider:
        found.append(("by", figures.clip(meaning.provider, 40), ""))
    if span.tokens.input is not None or span.tokens.output is not None:
        found.append(("tokens", f"{figures.count(span.tokens.input)} → {figures.count(span.tokens.output)}", token_words(span.tokens)))
    if span.cost_micros is not None:
        found.append(("cost", figures.money(span.cost_micros), _cost_words(span)))
    elif span.tokens.input is not None:
        found.append(("cost", figures.DASH, f"no price is known for {meaning.model or 'this model'}"))
    if meaning.finish_reasons:
        found.append(("stopped by", figures.clip(", ".join(meaning.finish_reasons), 40), ""))
    for name, value in list(meaning.parameters.items())[:6]:
        found.append(
            (str(name).replace("_", " "), figures.clip(value if isinstance(value, str) else json.dumps(value, default=str), 40), "")
        )
    if meaning.prompt_name:
        found.append(("prompt", figures.clip(f"{meaning.prompt_name} {meaning.prompt_version}".strip(), 60), ""))
    return tuple(found)


def _cost_words(span: SpanRow) -> str:
    words = {"sender": "told by the sender", "price": "from the list price of that day", "own price": "from the project's own prices"}
    counted = "" if span.counted else "; told by another span too, which is the one that counts"
    return words.get(span.cost_source, span.cost_source) + counted


def token_words(tokens: Tokens) -> str:
    """The parts that token counts are made of, as far as they were told."""
    parts = (
        (tokens.uncached, "uncached"),
        (tokens.cache_read, "read from cache"),
        (tokens.cache_write, "written to cache"),
        (tokens.reasoning, "reasoning"),
        (tokens.audio_input, "audio in"),
        (tokens.audio_output, "audio out"),
    )
    return ", ".join(f"{figures.count(n)} {word}" for n, word in parts if n)


# ── conversation ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def conversation(meaning: model.Canonical) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """(earlier, now): the messages that were answered before are earlier; what came since, and the answer, are now."""
    system = tuple(_part(each) for each in meaning.system)
    opening = (Turn("system", system, folded=True),) if system else ()
    asked = [_turn(each) for each in meaning.messages_in[-LIST_LIMIT:]]
    answered = [_turn(each) for each in meaning.messages_out[:LIST_LIMIT]]
    last = max((index for index, turn in enumerate(asked) if turn.role == "assistant"), default=-1)
    first = last + 1 if answered else max(last, 0)
    instructions = [turn for turn in asked[:first] if turn.role == "system"]
    before = [turn for turn in asked[:first] if turn.role != "system"]
    if not before:
        return (), (*opening, *instructions, *asked[first:], *answered)
    return (*opening, *instructions, *before), (*asked[first:], *answered)


def _turn(message: model.Message) -> Turn:
    role = _ROLES.get(message.role.lower(), message.role.lower()) or "user"
    parts = tuple(part for part in (_part(each) for each in message.parts[:LIST_LIMIT]) if part.text or part.name)
    length = sum(len(part.text) for part in parts)
    return Turn(role, parts, who=message.name, folded=role == "system" or (role == "tool" and length > FOLD_ABOVE))


def _part(part: model.Part) -> Part:
    match part:
        case model.Text(text):
            return Part("text", bounded(text))
        case model.Reasoning(text):
            return Part("reasoning", bounded(text) or "kept by the provider")
        case model.ToolCall(name, arguments, call):
            return Part("call", pretty(arguments), name, call)
        case model.ToolResult(result, call, name):
            return Part("result", pretty(result), name, call)
        case model.Media(modality, mime_type, uri, file_id, data):
            where = (
                uri if uri and not uri.startswith("data:") else file_id or f"{figures.size(len(data or uri) * 3 // 4)} in the span itself"
            )
            return Part("file", where, mime_type or modality)
        case model.Generic(kind, value):
            return Part("result", pretty(value), kind)


def _document(document: model.Document) -> Document:
    about = pretty(document.metadata, 400).replace("\n", " ") if document.metadata else ""
    return Document(document.id, bounded(document.content, VALUE_LIMIT), document.score, about)


# ── what was sent ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def attributes(pairs: Iterable[KeyValue]) -> tuple[Attribute, ...]:
    """Attributes as they were sent, in their order, each with its type."""
    return tuple(_attribute(pair) for _, pair in zip(range(LIST_LIMIT), pairs, strict=False))


def _attribute(pair: KeyValue) -> Attribute:
    which = pair.value.WhichOneof("value")
    return Attribute(pair.key, _TYPES.get(which or "", "empty"), _value(pair.value, which))


def _value(value: AnyValue, which: str | None) -> str:
    if which is None:
        return ""
    if which == "bytes_value":
        return bounded(base64.b64encode(value.bytes_value[:VALUE_LIMIT]).decode(), VALUE_LIMIT)
    if which == "bool_value":
        return "true" if value.bool_value else "false"
    if which == "double_value":
        return repr(value.double_value)
    return pretty(python_value(value), VALUE_LIMIT)


def _scope(encoded: str) -> str:
    scope = InstrumentationScope.FromString(base64.b64decode(encoded))
    return f"{scope.name} {scope.version}".strip()


def _happening(encoded: str, start_ns: int) -> Happening:
    event = Span.Event.FromString(base64.b64decode(encoded))
    return Happening(event.name, event.time_unix_nano - start_ns, attributes(event.attributes))


def _link(encoded: str, project: str) -> LinkTo:
    link = Span.Link.FromString(base64.b64decode(encoded))
    trace, span = link.trace_id.hex(), link.span_id.hex()
    return LinkTo(trace, span, url("/p", project, "traces", trace, span=span), attributes(link.attributes))
