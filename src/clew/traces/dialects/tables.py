"""The dialect tables as frozen values: one ``.toml`` a dialect version, and ``precedence.toml`` for who wins which group of columns."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from clew.core.errors import ConfigError

MODEL = ("provider", "asked", "answered", "params")
USAGE = ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output", "uncached", "object")
COST = ("total", "input", "output", "object")
FIELDS = (
    "agent_name",
    "tool_name",
    "prompt_name",
    "prompt_version",
    "response_id",
    "session_id",
    "user_id",
    "metadata",
    "error_type",
    "finish_reason",
    "tags",
    "ttft_s",
    "ttft_ms",
    "ttft_time",
)
SIDES = ("input", "output")
GROUPS = ("kind", "model", "usage", "cost", "fields", *SIDES)


@dataclass(frozen=True)
class Dialect:
    """One dialect version: ``groups`` holds, per group, what the table says (column → keys, and options)."""

    name: str
    title: str
    family: str
    marks: tuple[str, ...]
    weak_marks: tuple[str, ...]
    groups: Mapping[str, Mapping[str, Any]]

    def keys(self, group: str, column: str) -> list[str]:
        """The attribute keys of one column, first wins."""
        return list(self.groups.get(group, {}).get(column, ()))


@dataclass(frozen=True)
class Tables:
    """All dialects, the order per group, one name a provider."""

    dialects: Mapping[str, Dialect]
    precedence: Mapping[str, tuple[str, ...]]
    providers: Mapping[str, str]

    def of(self, group: str) -> Iterator[Dialect]:
        """The dialects that can speak of ``group``, in the order of precedence."""
        return (self.dialects[name] for name in self.precedence[group] if group in self.dialects[name].groups)

    def families(self, group: str) -> list[tuple[str, list[Dialect]]]:
        """The same, the members of a family together where its first member stands."""
        found: dict[str, list[Dialect]] = {}
        for dialect in self.of(group):
            found.setdefault(dialect.family, []).append(dialect)
        return list(found.items())

    def column(self, group: str, column: str) -> list[str]:
        """All keys of a column over all dialects, in the order of precedence, each once."""
        return list(dict.fromkeys(key for dialect in self.of(group) for key in dialect.keys(group, column)))

    def kinds(self) -> dict[str, str]:
        """What senders call a kind, in upper case → ours."""
        return {name: kind for dialect in self.of("kind") for name, kind in dialect.groups["kind"].get("values", {}).items()}

    def inferred(self) -> dict[str, str]:
        """Keys whose presence tells the kind of a span that names none, in order → the kind."""
        return {key: kind for dialect in reversed(list(self.of("kind"))) for key, kind in dialect.groups["kind"].get("infer", ())}


@cache
def tables() -> Tables:
    """The tables of this installation; read once. Raises ConfigError for a name that is not there and for words of kinds that contradict."""
    folder = resources.files("clew.traces.dialects")
    files = (file for file in folder.iterdir() if file.name.endswith(".toml"))
    raws = {file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8")) for file in files}
    precedence = raws.pop("precedence")
    providers = precedence.pop("providers")
    for group, names in precedence.items():
        if unknown := [name for name in names if name not in raws]:
            raise ConfigError(f"precedence of {group!r} names {unknown!r}; there are tables for {sorted(raws)!r}")
    dialects = {
        name: Dialect(
            name=name,
            title=raw["title"],
            family=raw.get("family", name),
            marks=tuple(raw["marks"]),
            weak_marks=tuple(raw.get("weak_marks", ())),
            groups={group: raw[group] for group in GROUPS if group in raw},
        )
        for name, raw in raws.items()
    }
    known = Tables(dialects, {group: tuple(names) for group, names in precedence.items()}, providers)
    _check_kinds(known)
    return known


def _check_kinds(known: Tables) -> None:
    words = known.kinds()
    for dialect in known.of("kind"):
        for word, kind in dialect.groups["kind"].get("values", {}).items():
            if words[word] != kind:
                raise ConfigError(
                    f"the kind {word!r} is {kind!r} in {dialect.name!r} and {words[word]!r} elsewhere; one word means one kind"
                )
