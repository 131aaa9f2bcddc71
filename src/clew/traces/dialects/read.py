"""The dialect tables read in Python: the narrow columns of one span, the same as ``sql.py`` gives them (a test compares the two)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from clew.core.jsontext import dumps, loads_or_none
from clew.traces.dialects.layout import MODEL_BLOCK, MODEL_START, RANKS, SLOTS, USAGE_BLOCK, USAGE_END, USAGE_START, layout
from clew.traces.dialects.sql import BESIDE_INPUT, IN_OBJECT, MAX_DOLLARS, MODEL_CALLS
from clew.traces.dialects.tables import MODEL, USAGE, tables
from clew.traces.model import EventRecord, SpanRecord
from clew.traces.views import Tokens

INNER_USAGE = "mlflow.spanOutputs"  # counts may stand in it alone
_LISTS = range(SLOTS["finish_reason"] * RANKS, (SLOTS["output"] + 1) * RANKS)
_WHOLE = re.compile(r"^-?\d{1,15}$")
_JSON_LIKE = re.compile(r'^["\[{tfn0-9-]')


@dataclass(frozen=True)
class Columns:
    """What ``spans`` holds of one span in its narrow columns (texts and previews apart)."""

    kind: str
    dialect: str
    provider: str
    model_asked: str
    model_answered: str
    agent_name: str
    tool_name: str
    prompt_name: str
    prompt_version: str
    finish_reason: str
    response_id: str
    session_id: str
    user_id: str
    tags: tuple[str, ...]
    metadata: str
    tokens: Tokens
    ttft_ns: int | None
    error_type: str
    sender_cost_nanos: int | None
    usage_rollup: bool


@dataclass
class Slots:
    """Which attribute fills each slot best."""

    attributes: Mapping[str, Any]
    filled: dict[int, list[str]] = field(default_factory=dict)
    detected: int = 255
    inferred: int = 255

    def __post_init__(self) -> None:
        known = layout()
        found = []
        for key, value in self.attributes.items():
            self.detected = min(self.detected, known.detect.get(key, 255))
            self.inferred = min(self.inferred, known.infer.get(key, 255))
            code = known.codes.get(key)
            if code is None or value is None or (value == "" and isinstance(value, str)):
                continue
            if isinstance(value, list | Mapping | bytes) and code not in _LISTS:
                continue
            found.append((code, key))
        for code, key in sorted(found):
            self.filled.setdefault(code // RANKS, []).append(key)

    def key(self, slot: int | str) -> str | None:
        keys = self.filled.get(SLOTS[slot] if isinstance(slot, str) else slot)
        return keys[0] if keys else None

    def value(self, slot: int | str) -> Any:
        key = self.key(slot)
        return None if key is None else self.attributes[key]

    def text(self, slot: int | str) -> str:
        """The text that fills the slot, '' where a number or nothing does."""
        value = self.value(slot)
        return value if isinstance(value, str) else ""

    def block(self, start: int, end: int, size: int) -> int | None:
        """The first block of slots that anything fills: the family that wins the group."""
        slot = min((slot for slot in self.filled if start <= slot < end), default=None)
        return None if slot is None else slot // size * size


def unquoted(text: str) -> str:
    """Text out of the quotes of a sender that encodes every value as JSON; what only begins with a quote stays as it is."""
    if not text.startswith('"'):
        return text
    value = loads_or_none(text)
    return value if isinstance(value, str) else text


def inside(text: str, *path: str | int) -> Any:
    """What stands at a place inside JSON text; None where it is not JSON or there is nothing."""
    value = loads_or_none(text) if text[:1] in ("{", "[") else None
    for step in path:
        if isinstance(step, int) and isinstance(value, list) and len(value) > step:
            value = value[step]
        elif isinstance(step, str) and isinstance(value, Mapping):
            value = value.get(step)
        else:
            return None
    return value


def said(value: Any) -> str:
    """A JSON value as text: strings as they are, null as nothing, the rest as JSON."""
    return value if isinstance(value, str) else "" if value is None else dumps(value)


def columns(span: SpanRecord) -> Columns:
    """The narrow columns of one span."""
    slots = Slots(span.attributes)
    kind = _kind(slots)
    provider, asked, answered = _model(slots, kind)
    tokens = _tokens(slots, provider)
    call = kind in MODEL_CALLS
    names = layout().detected
    return Columns(
        kind=kind,
        dialect=names[slots.detected] if slots.detected < len(names) else "",
        provider=provider,
        model_asked=asked,
        model_answered=answered,
        agent_name=slots.text("agent_name"),
        tool_name=slots.text("tool_name") or (span.name if kind == "TOOL" else ""),
        prompt_name=slots.text("prompt_name"),
        prompt_version=slots.text("prompt_version"),
        finish_reason=_finish_reason(slots, kind),
        response_id=_response_id(slots) if call else "",
        session_id=_identity(slots, "session_id", ("session_id", "thread_id")),
        user_id=_identity(slots, "user_id", ("user_id",)),
        tags=_tags(slots),
        metadata=_metadata(slots, span.attributes),
        tokens=tokens,
        ttft_ns=_ttft(slots, span),
        error_type=slots.text("error_type") or (_thrown(span.events) if span.status == 2 else ""),
        sender_cost_nanos=_cost(slots),
        usage_rollup=not call and (tokens.input is not None or tokens.output is not None),
    )


def _kind(slots: Slots) -> str:
    told = tables().kinds().get(unquoted(slots.text("kind")).upper(), "")
    known = layout().inferred
    return told or (known[slots.inferred] if slots.inferred < len(known) else "SPAN")


def _model(slots: Slots, kind: str) -> tuple[str, str, str]:
    block = slots.block(MODEL_START, USAGE_START, MODEL_BLOCK)
    if block is None:
        return "", "", ""
    sent = {column: slots.text(block + place) for place, column in enumerate(MODEL)}
    input_text, output_text = slots.text("input"), slots.text("output")
    asked = sent["asked"] or said(inside(sent["params"], "model"))
    if not asked and block == MODEL_START + MODEL_BLOCK * layout().model_families.index("langfuse"):
        asked = sent["answered"]
    elif not asked and kind in MODEL_CALLS and input_text.startswith("{"):
        asked = said(inside(input_text, "model"))
    chain = ""
    if block == MODEL_START and '"generations"' in output_text:
        chain = said(inside(output_text, "generations", 0, 0, "message", "kwargs", "response_metadata", "model_name"))
    answered = chain or unquoted(sent["answered"]) or (asked if kind == "EMBEDDING" else "")
    return _provider(slots, block, sent["provider"]), asked, answered


def _provider(slots: Slots, block: int, sent: str) -> str:
    names = tables().providers
    keys = slots.filled.get(block, [])
    hosted = slots.attributes[keys[1]] if len(keys) > 1 else ""
    pair = _lowered(f"{sent}+{hosted}")
    if "+" in pair and pair in names and isinstance(hosted, str):
        return names[pair]
    lowered = _lowered(unquoted(sent))
    return names.get(lowered) or names.get(lowered.split(".")[0]) or lowered


def _lowered(text: str) -> str:
    """In lower case, as the engine does it: ASCII letters alone."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


# ── usage and money ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def whole(value: Any) -> int | None:
    """A count: whole, not negative; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if math.isfinite(value) and abs(value) < 9e15 else None
    elif isinstance(value, str):
        value = int(value) if _WHOLE.match(value) else None
    return value if isinstance(value, int) and value >= 0 else None


def _object_count(value: Any) -> int | None:
    """A count inside a JSON object; there text and fractions count as the engine reads them."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    if isinstance(value, str):
        return int(value) if _WHOLE.match(value) else None
    return value if isinstance(value, int) else None


def _usage_object(slots: Slots, block: int) -> tuple[Any, bool]:
    """The provider's usage object, and whether it came as the provider wrote it."""
    known = layout().usage_families
    if block == USAGE_START + USAGE_BLOCK * known.index("mlflow"):
        output = slots.value("output")
        inner = inside(output, "usage") if isinstance(output, str) else None
        if isinstance(inner, Mapping) and inner:
            return inner, True
    sent = inside(slots.text(block + USAGE.index("object")))
    return sent, block == USAGE_START + USAGE_BLOCK * known.index("langfuse")


def _tokens(slots: Slots, provider: str) -> Tokens:
    block = slots.block(USAGE_START, USAGE_END, USAGE_BLOCK)
    if block is None and slots.key("output") == INNER_USAGE:
        block = USAGE_START + USAGE_BLOCK * layout().usage_families.index("mlflow")
    if block is None:
        return Tokens()
    sent, raw = _usage_object(slots, block)
    held = sent if isinstance(sent, Mapping) else {}

    def count(column: str) -> int | None:
        told = whole(slots.value(block + USAGE.index(column)))
        if told is None:
            paths = (path.split(".") for path in IN_OBJECT.get(column, ()))
            told = next((found for path in paths if (found := _object_count(_walk(held, path))) is not None), None)
        return told if told is not None and told >= 0 else None

    counts = {column: count(column) for column in USAGE[:-1]}
    told, own = counts["input"], counts["uncached"]
    cached = (counts["cache_read"] or 0) + (counts["cache_write"] or 0)
    beside = raw and any(_object_count(held.get(name)) is not None for name in BESIDE_INPUT)
    exclusive = own is None and (beside or _by_habit(slots, block, provider))
    rest = None
    if told is not None:
        rest = told if cached and (exclusive or cached > told) else own if own is not None else told - cached
    return Tokens(
        input=None if told is None or rest is None else max(told, rest + cached),
        uncached=rest,
        cache_read=counts["cache_read"],
        cache_write=counts["cache_write"],
        output=counts["output"],
        reasoning=counts["reasoning"],
        audio_input=counts["audio_input"],
        audio_output=counts["audio_output"],
    )


def _walk(held: Any, path: Sequence[str]) -> Any:
    for step in path:
        held = held.get(step) if isinstance(held, Mapping) else None
    return held


def _by_habit(slots: Slots, block: int, provider: str) -> bool:
    """Whether this provider's input leaves the cached part out in this dialect."""
    family = layout().usage_families[(block - USAGE_START) // USAGE_BLOCK]
    for dialect in tables().of("usage"):
        habit = dialect.family == family and provider in dialect.groups["usage"].get("exclusive_providers", ())
        if habit and (dialect.family == dialect.name or slots.key(block) in dialect.keys("usage", "input")):
            return True
    return False


def number(value: Any) -> float | None:
    """A measure as a float; None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _cost(slots: Slots) -> int | None:
    told = number(slots.value("cost_total"))
    if told is None and slots.key("cost_object"):
        held = inside(slots.text("cost_object"))
        held = held if isinstance(held, Mapping) else {}
        pairs = (("total",), ("total_cost",), ("input", "output"), ("input_cost", "output_cost"))
        told = next((sum(found) for names in pairs if None not in (found := [number(held.get(name)) for name in names])), None)  # type: ignore[arg-type]
    if told is None:
        parts = [number(slots.value(name)) for name in ("cost_input", "cost_output")]
        told = None if None in parts else sum(part for part in parts if part is not None)
    return math.floor(told * 1e9 + 0.5) if told is not None and 0 <= told <= MAX_DOLLARS else None


# ── single fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _finish_reason(slots: Slots, kind: str) -> str:
    value = slots.value("finish_reason")
    told = ""
    if isinstance(value, list):
        told = value[0] if value and isinstance(value[0], str) else ""
    elif isinstance(value, str):
        told = said(inside(value, 0)) if value.startswith("[") else unquoted(value)
    output = slots.text("output")
    if told or kind != "LLM" or '"finish_reason"' not in output:
        return told
    return said(inside(output, 0, "finish_reason") if output.startswith("[") else inside(output, "choices", 0, "finish_reason"))


def _response_id(slots: Slots) -> str:
    output = slots.text("output")
    told = unquoted(slots.text("response_id"))
    if told or not output.startswith("{") or '"id"' not in output:
        return told
    if '"generations"' in output:
        return said(inside(output, "generations", 0, 0, "message", "kwargs", "response_metadata", "id"))
    return said(inside(output, "id"))


def _identity(slots: Slots, name: str, in_metadata: tuple[str, ...]) -> str:
    value = slots.value(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    metadata = slots.text("metadata")
    return unquoted(slots.text(name)) or next((found for key in in_metadata if (found := said(inside(metadata, key)))), "")


def _tags(slots: Slots) -> tuple[str, ...]:
    value = slots.value("tags")
    if isinstance(value, str):
        found = inside(value) if value.startswith("[") else [value]
        value = [said(item) for item in found] if isinstance(found, list) else []
    return tuple(item for item in value if isinstance(item, str) and item) if isinstance(value, list) else ()


def _metadata(slots: Slots, attributes: Mapping[str, Any]) -> str:
    if told := slots.text("metadata"):
        return told
    names = layout().detected
    if slots.detected >= len(names):
        return ""
    prefixes = tables().dialects[names[slots.detected]].groups.get("fields", {}).get("metadata_prefix", ())
    pairs = []
    for key, value in attributes.items():
        prefix = next((prefix for prefix in prefixes if key.startswith(prefix)), None)
        if prefix is not None and not isinstance(value, list | Mapping | bytes):
            pairs.append(f"{dumps(key.removeprefix(prefix))}:{_as_json(value)}")
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _as_json(value: Any) -> str:
    if isinstance(value, str):
        return value if _JSON_LIKE.match(value) and loads_or_none(value) is not None else dumps(value)
    return dumps(value) if not isinstance(value, float) or math.isfinite(value) else "null"


def _ttft(slots: Slots, span: SpanRecord) -> int | None:
    told: int | None = None
    for name, scale in (("ttft_s", 1e9), ("ttft_ms", 1e6)):
        measured = number(slots.value(name))
        if told is None and measured is not None and math.isfinite(measured):
            told = math.floor(measured * scale + 0.5)
    if told is None and (instant := _instant(unquoted(slots.text("ttft_time")))) is not None:
        told = instant - span.start_ns
    if told is None:
        names = {name for dialect in tables().of("fields") for name in dialect.groups["fields"].get("ttft_event", ())}
        first = next((event.time_ns for event in span.events if event.name in names and event.time_ns), None)
        told = None if first is None else first - span.start_ns
    return told if told is not None and told >= 0 else None


def _instant(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000


def _thrown(events: Sequence[EventRecord]) -> str:
    return next((value for event in events if isinstance(value := event.attributes.get("exception.type"), str)), "")
