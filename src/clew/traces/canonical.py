"""One span with its log records → the canonical record, whichever dialects told it. Pure; made when a trace is opened, not when it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clew.core.jsontext import dumps
from clew.traces.dialects.layout import layout
from clew.traces.dialects.read import Slots, columns, number
from clew.traces.evaluations import evaluations
from clew.traces.message_events import messages_of_events
from clew.traces.messages import decode, messages, openinference_messages, parts, unflatten
from clew.traces.model import (
    Canonical,
    Document,
    Embedding,
    LogRecord,
    Message,
    Part,
    Problem,
    SpanRecord,
    Text,
    ToolDefinition,
    ToolExecution,
)
from clew.traces.streamed import streamed_calls

DETAILS = "gen_ai.client.inference.operation.details"
_REQUEST = "gen_ai.request."
_NOT_PARAMETERS = {
    "messages",
    "input",
    "tools",
    "functions",
    "model",
    "model_name",
    "prompt",
    "instructions",
    "system",
    "_type",
    "contents",
}


def canonical(span: SpanRecord, logs: Sequence[LogRecord] = ()) -> Canonical:
    """What ``span`` means. ``logs`` are the log records that carry its ids; events of the span are read alike."""
    whole = _with_details(span, logs)
    slots = Slots(whole.attributes)
    told = columns(whole)
    incoming, outgoing = _messages(whole, slots, logs, told.kind)
    known = layout().detect
    dialects = sorted({known[key] for key in whole.attributes if key in known})
    return Canonical(
        kind=told.kind,
        dialect=told.dialect,
        dialects=tuple(dict.fromkeys(layout().detected[number] for number in dialects)),
        provider=told.provider,
        model_asked=told.model_asked,
        model_answered=told.model_answered,
        parameters=_parameters(whole.attributes, slots),
        system=_system(whole.attributes),
        messages_in=incoming,
        messages_out=outgoing,
        tools=_tools(whole.attributes, slots),
        documents_in=_documents(whole.attributes, "reranker.input_documents."),
        documents=_found_documents(whole.attributes, told.kind),
        query=_query(whole.attributes, slots, told.kind),
        embeddings=_embeddings(whole.attributes, told.kind, incoming),
        tokens=told.tokens,
        ttft_ns=told.ttft_ns,
        finish_reasons=_finish_reasons(slots, told.finish_reason, outgoing),
        response_id=told.response_id,
        session_id=told.session_id,
        user_id=told.user_id,
        tags=told.tags,
        metadata=_mapping(decode(told.metadata)),
        tool=_tool(whole.attributes, slots, told.kind, told.tool_name),
        agent_name=told.agent_name,
        agent_id=_text(whole.attributes, "gen_ai.agent.id", "graph.node.id"),
        agent_description=_text(whole.attributes, "gen_ai.agent.description"),
        workflow_name=_text(whole.attributes, "gen_ai.workflow.name", "traceloop.workflow.name"),
        prompt_name=told.prompt_name,
        prompt_version=told.prompt_version,
        prompt_template=_text(whole.attributes, "llm.prompt_template.template"),
        prompt_variables=decode(whole.attributes.get("llm.prompt_template.variables")),
        evaluations=tuple(evaluations(span)) + tuple(result for log in logs for result in evaluations(log)),
        sender_cost_nanos=told.sender_cost_nanos,
        usage_rollup=told.usage_rollup,
        problem=_problem(whole, told.error_type),
    )


def _with_details(span: SpanRecord, logs: Sequence[LogRecord]) -> SpanRecord:
    """The span with what its operation details add. They are the span's own attributes told apart from it; the span's word comes first."""
    told: list[Mapping[str, Any]] = [event.attributes for event in span.events if event.name == DETAILS]
    for log in logs:
        if log.event_name == DETAILS:
            told += [log.attributes, *([log.body] if isinstance(log.body, Mapping) else [])]
    extra = {key: value for attributes in reversed(told) for key, value in attributes.items()}
    return replace(span, attributes={**span.attributes, **{k: v for k, v in extra.items() if k not in span.attributes}}) if extra else span


def _text(attributes: Mapping[str, Any], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := attributes.get(key), str) and value), "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _messages(span: SpanRecord, slots: Slots, logs: Sequence[LogRecord], kind: str) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Input and output messages, each wholly from the first place that has any: indexed attributes, attributes, events and log records."""
    attributes = span.attributes
    from_events = messages_of_events(span.events, logs)
    incoming = _indexed(attributes, "llm.input_messages.", "gen_ai.prompt.", "llm.prompts.", "user")
    outgoing = _indexed(attributes, "llm.output_messages.", "gen_ai.completion.", "llm.choices.", "assistant")
    if kind in ("TOOL", "RETRIEVER", "RERANKER"):
        return incoming, outgoing
    if not incoming:
        incoming = from_events[0] if from_events[0] and not _has_messages(slots, "input") else messages(slots.value("input"), "user")
    if not outgoing:
        outgoing = from_events[1] if from_events[1] and not _has_messages(slots, "output") else _answer(slots)
    calls, finish = streamed_calls(span.events)
    return incoming, _with_streamed(outgoing, calls, finish) if calls else outgoing


def _has_messages(slots: Slots, side: str) -> bool:
    """Whether the attribute that fills this side is one meant for it, and not a plain input or output that goes with anything."""
    return slots.key(side) is not None


def _indexed(attributes: Mapping[str, Any], openinference: str, openllmetry: str, texts: str, role: str) -> tuple[Message, ...]:
    found = openinference_messages(attributes, openinference, role)
    if any(message.parts for message in found):
        return found
    if listed := unflatten(attributes, openllmetry):
        return messages(listed, role)
    prompts = [value for item in unflatten(attributes, texts) if isinstance(item, Mapping) for value in _leaves(item)]
    return tuple(Message(role, (Text(text),)) for text in prompts)


def _leaves(item: Mapping[str, Any]) -> list[str]:
    return [
        leaf for inner in item.values() for leaf in (_leaves(inner) if isinstance(inner, Mapping) else [inner]) if isinstance(leaf, str)
    ]


def _answer(slots: Slots) -> tuple[Message, ...]:
    """The answer, with the tool calls that some senders put beside it."""
    said = messages(slots.value("output"), "assistant")
    calls = decode(slots.value("calls"))
    if not isinstance(calls, list) or not calls:
        return said
    called = tuple(part for call in calls if isinstance(call, Mapping) for part in parts([{**call, "type": "tool_call"}]))
    if said:
        return (*said[:-1], replace(said[-1], parts=(*said[-1].parts, *called)))
    return (Message("assistant", called),)


def _with_streamed(outgoing: tuple[Message, ...], calls: tuple[Part, ...], finish: str) -> tuple[Message, ...]:
    """The answer with the calls put together from the pieces of a stream, where the answer itself lost them."""
    if any(message.tool_calls for message in outgoing):
        return outgoing
    return (*(message for message in outgoing if message.parts), Message("assistant", calls, finish_reason=finish))


def _system(attributes: Mapping[str, Any]) -> tuple[Part, ...]:
    told = decode(attributes.get("gen_ai.system_instructions"))
    if told is None or told == "":
        return ()
    return tuple(parts(told))


def _finish_reasons(slots: Slots, first: str, outgoing: Sequence[Message]) -> tuple[str, ...]:
    value = decode(slots.value("finish_reason"))
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, str))
    streamed = tuple(message.finish_reason for message in outgoing if message.finish_reason and message.tool_calls)
    return streamed or (first,) if first else tuple(message.finish_reason for message in outgoing if message.finish_reason)


# ── request ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parameters(attributes: Mapping[str, Any], slots: Slots) -> dict[str, Any]:
    """What the caller asked of the model beside the messages, by the provider's names."""
    for key in ("llm.invocation_parameters", "embedding.invocation_parameters", "langfuse.observation.model.parameters"):
        if isinstance(found := decode(attributes.get(key)), Mapping):
            return {name: value for name, value in found.items() if name not in _NOT_PARAMETERS and value is not None}
    asked = {
        key[len(_REQUEST) :]: value
        for key, value in attributes.items()
        if key.startswith(_REQUEST) and key not in ("gen_ai.request.model",)
    }
    if "gen_ai.output.type" in attributes:
        asked["output_type"] = attributes["gen_ai.output.type"]
    if asked:
        return asked
    settings = {key[len("ai.settings.") :]: value for key, value in attributes.items() if key.startswith("ai.settings.")}
    if settings:
        return settings
    sent = decode(attributes.get("mlflow.spanInputs"))
    if slots.key("output") == "mlflow.spanOutputs" and isinstance(sent, Mapping) and "model" in sent:
        return {name: value for name, value in sent.items() if name not in _NOT_PARAMETERS and value is not None}
    return {}


def _tools(attributes: Mapping[str, Any], slots: Slots) -> tuple[ToolDefinition, ...]:
    for key in ("gen_ai.tool.definitions", "ai.prompt.tools", "mlflow.chat.tools"):
        if isinstance(found := decode(attributes.get(key)), list) and found:
            return tuple(_definition(decode(item)) for item in found)
    if listed := unflatten(attributes, "llm.tools."):
        return tuple(_definition(decode(_mapping(_mapping(item).get("tool")).get("json_schema"))) for item in listed)
    if listed := unflatten(attributes, "llm.request.functions."):
        return tuple(_definition(item) for item in listed)
    for key in ("llm.invocation_parameters", slots.key("input") or ""):
        sent = decode(attributes.get(key))
        if isinstance(sent, Mapping) and isinstance(sent.get("tools"), list):
            return tuple(_definition(item) for item in sent["tools"])
    return ()


def _definition(item: Any) -> ToolDefinition:
    held = _mapping(item)
    inner = held.get("function") if isinstance(held.get("function"), Mapping) else held
    inner = _mapping(inner)
    parameters = next((inner[key] for key in ("parameters", "input_schema", "inputSchema") if key in inner), None)
    kind = held.get("type")
    return ToolDefinition(
        name=str(inner.get("name") or ""),
        description=str(inner.get("description") or ""),
        parameters=decode(parameters),
        type=kind if isinstance(kind, str) and kind != "object" else "function",
    )


# ── tools, documents, embeddings ─────────────────────────────────────────────────────────────────────────────────────────────


def _tool(attributes: Mapping[str, Any], slots: Slots, kind: str, name: str) -> ToolExecution | None:
    if kind != "TOOL":
        return None
    arguments = next(
        (attributes[key] for key in ("gen_ai.tool.call.arguments", "ai.toolCall.args") if key in attributes), slots.value("input")
    )
    if arguments is None:
        arguments = attributes.get("tool.parameters")
    return ToolExecution(
        name=name,
        arguments=decode(arguments),
        result=_result(decode(slots.value("output"))),
        call_id=_text(attributes, "gen_ai.tool.call.id", "tool.id", "ai.toolCall.id"),
        description=_text(attributes, "gen_ai.tool.description", "tool.description"),
    )


def _result(value: Any) -> Any:
    """A tool's result, out of the message that LangChain wraps it in."""
    if isinstance(value, Mapping) and value.get("type") == "tool" and isinstance(value.get("data"), Mapping):
        return decode(value["data"].get("content"))
    return value


def _documents(attributes: Mapping[str, Any], prefix: str) -> tuple[Document, ...]:
    return tuple(_document(_mapping(item).get("document")) for item in unflatten(attributes, prefix))


def _found_documents(attributes: Mapping[str, Any], kind: str) -> tuple[Document, ...]:
    prefix = "reranker.output_documents." if kind == "RERANKER" else "retrieval.documents."
    if found := _documents(attributes, prefix):
        return found
    listed = decode(attributes.get("gen_ai.retrieval.documents"))
    return tuple(_document(item) for item in listed) if isinstance(listed, list) else ()


def _document(item: Any) -> Document:
    held = _mapping(item)
    if not held:
        return Document(content=_plain(item))
    known = {"id", "content", "score", "metadata"}
    rest = {key: value for key, value in held.items() if key not in known}
    identifier = held.get("id")
    return Document(
        id="" if identifier is None else str(identifier),
        content=_plain(held.get("content")),
        score=number(held.get("score")),
        metadata=decode(held.get("metadata")) if "metadata" in held else rest or None,
    )


def _plain(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return dumps(value)
    except (TypeError, ValueError):
        return str(value)


def _query(attributes: Mapping[str, Any], slots: Slots, kind: str) -> str:
    if kind == "RERANKER":
        return _text(attributes, "reranker.query")
    if kind != "RETRIEVER":
        return ""
    return _text(attributes, "gen_ai.retrieval.query.text") or _plain(decode(slots.value("input")))


def _embeddings(attributes: Mapping[str, Any], kind: str, incoming: Sequence[Message]) -> tuple[Embedding, ...]:
    if kind != "EMBEDDING":
        return ()
    found = []
    for item in unflatten(attributes, "embedding.embeddings."):
        held = _mapping(_mapping(item).get("embedding"))
        vector = held.get("vector")
        found.append(Embedding(_plain(held.get("text")), len(vector) if isinstance(vector, list) else None))
    if found:
        return tuple(found)
    dimensions = attributes.get("gen_ai.embeddings.dimension.count")
    texts = attributes.get("ai.values", [attributes["ai.value"]] if "ai.value" in attributes else None)
    words = [_plain(decode(text)) for text in texts] if isinstance(texts, list) else [message.text for message in incoming if message.text]
    return tuple(Embedding(word, dimensions if isinstance(dimensions, int) else None) for word in words)


def _problem(span: SpanRecord, error_type: str) -> Problem | None:
    thrown = next((event.attributes for event in span.events if event.name == "exception"), {})
    message = _text(thrown, "exception.message") or span.status_message or _text(span.attributes, "langfuse.observation.status_message")
    if span.status != 2 and not thrown and not error_type:
        return None
    return Problem(error_type or _text(thrown, "exception.type"), message, _text(thrown, "exception.stacktrace"))


__all__ = ["canonical", "evaluations"]
