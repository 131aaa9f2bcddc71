"""Every attribute key that some dialect reads, as a number: which slot it fills and how well.

A slot is one thing to know of a span (its session, the input tokens as family 2 counts them, …), the rank the place of the key among those
that can fill it. The engine turns keys into these numbers once a span; which dialect wins is then the smallest number there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from clew.core.errors import ConfigError
from clew.traces.dialects.tables import MODEL, USAGE, tables

RANKS = 64  # keys that one slot can have

# Slots of text, of text or lists, of numbers; then blocks of slots, one a family, in the order of precedence.
TEXT_SLOTS = {
    name: number
    for number, name in enumerate(
        (
            "kind",
            "agent_name",
            "tool_name",
            "prompt_name",
            "prompt_version",
            "response_id",
            "session_id",
            "user_id",
            "metadata",
            "error_type",
            "ttft_time",
            "calls",
            "cost_object",
            "input_flat",
            "output_flat",
        ),
        1,
    )
}
LIST_SLOTS = {"finish_reason": 16, "tags": 17, "input": 18, "output": 19}
NUMBER_SLOTS = {"ttft_s": 20, "ttft_ms": 21, "cost_total": 22, "cost_input": 23, "cost_output": 24}
SLOTS = TEXT_SLOTS | LIST_SLOTS | NUMBER_SLOTS
MODEL_START, MODEL_BLOCK = 32, 4
USAGE_START, USAGE_BLOCK = 64, 16
USAGE_END = USAGE_START + 8 * USAGE_BLOCK
NOTHING = 255  # the place of a key that says nothing of dialect or kind
INFERRED = ("TOOL", "EMBEDDING", "RETRIEVER", "RERANKER", "AGENT", "LLM")  # what tells more comes first


@dataclass(frozen=True)
class Layout:
    """``codes``: key → slot × 64 + rank; ``detect`` and ``infer``: key → place in the lists of dialects and of inferred kinds."""

    codes: Mapping[str, int]
    detect: Mapping[str, int]
    infer: Mapping[str, int]
    detected: tuple[str, ...]
    inferred: tuple[str, ...]
    model_families: tuple[str, ...]
    usage_families: tuple[str, ...]

    def keys(self) -> frozenset[str]:
        """Every key that some dialect reads."""
        return frozenset(self.codes) | frozenset(self.detect) | frozenset(self.infer)


def _slots() -> dict[int, list[str]]:
    known = tables()
    slots: dict[int, list[str]] = {SLOTS["kind"]: known.column("kind", "keys")}
    for name, slot in SLOTS.items():
        if name in ("input", "output"):
            early = [key for d in known.of(name) if not d.groups[name].get("late") for key in d.keys(name, "sources")]
            late = [key for d in known.of(name) if d.groups[name].get("late") for key in d.keys(name, "sources")]
            slots[slot] = early + late
        elif name.startswith("cost_"):
            slots[slot] = known.column("cost", name.removeprefix("cost_"))
        elif name.endswith("_flat"):
            slots[slot] = known.column(name.removesuffix("_flat"), "flat_when")
        elif name == "calls":
            slots[slot] = known.column("output", "calls")
        elif name != "kind":
            slots[slot] = known.column("fields", name)
    for group, columns, start, block in (("model", MODEL, MODEL_START, MODEL_BLOCK), ("usage", USAGE, USAGE_START, USAGE_BLOCK)):
        for number, (_, members) in enumerate(known.families(group)):
            for place, column in enumerate(columns):
                slots[start + number * block + place] = [key for dialect in members for key in dialect.keys(group, column)]
    return slots


@cache
def layout() -> Layout:
    """The layout of the installed tables. Raises ConfigError where a key would fill two slots."""
    known = tables()
    codes: dict[str, int] = {}
    for slot, fillers in _slots().items():
        for rank, key in enumerate(dict.fromkeys(fillers)):
            if key in codes or rank >= RANKS:
                raise ConfigError(
                    f"the dialect tables name {key!r} for two columns, or more than {RANKS} keys for one; a key has one meaning"
                )
            codes[key] = slot * RANKS + rank
    inferred = known.inferred()
    kinds = tuple(kind for kind in INFERRED if kind in inferred.values())
    marks = [(name, known.dialects[name].marks) for name in known.precedence["detect"]]
    marks += [(name, weak) for name in known.precedence["detect"] if (weak := known.dialects[name].weak_marks)]
    detect: dict[str, int] = {}
    for place, (_, keys) in enumerate(marks):
        for key in keys:
            detect.setdefault(key, place)
    return Layout(
        codes=codes,
        detect=detect,
        infer={key: kinds.index(kind) for key, kind in inferred.items()},
        detected=tuple(name for name, _ in marks),
        inferred=kinds,
        model_families=tuple(family for family, _ in known.families("model")),
        usage_families=tuple(family for family, _ in known.families("usage")),
    )
