"""The dialect tables as frozen values: one ``.toml`` a dialect version, and ``precedence.toml`` for who wins which group.

A source is an attribute's key, or ``key~a.b.0`` for a place inside the JSON text of that attribute (``key~`` alone: the attribute is one
JSON-encoded scalar).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from clew.core.errors import ConfigError

USAGE_COLUMNS = ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output", "uncached")
GROUPS = ("kind", "model", "usage", "cost", "prompt", "input", "output", "fields")


@dataclass(frozen=True)
class Source:
    """One place to read: an attribute, or a place inside its JSON text. ``path`` is None for the attribute itself, () for its JSON scalar."""

    key: str
    path: tuple[str | int, ...] | None = None

    @staticmethod
    def parse(text: str) -> Source:
        key, tilde, path = text.partition("~")
        if not tilde:
            return Source(key)
        return Source(key, tuple(int(step) if step.isdigit() else step for step in path.split(".") if step))


@dataclass(frozen=True)
class Group:
    """The columns of one dialect that belong together: where each is read, which keys say that the dialect speaks of the group at all."""

    columns: Mapping[str, tuple[Source, ...]]
    when: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def sources(self, column: str) -> tuple[Source, ...]:
        return self.columns.get(column, ())


@dataclass(frozen=True)
class Dialect:
    """One dialect version."""

    name: str
    title: str
    marks: tuple[str, ...]
    groups: Mapping[str, Group]
    kinds: Mapping[str, str]
    infer: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tables:
    """All dialects, the order per group, one name a provider."""

    dialects: Mapping[str, Dialect]
    precedence: Mapping[str, tuple[str, ...]]
    providers: Mapping[str, str]

    def of(self, group: str) -> Iterator[tuple[Dialect, Group]]:
        """The dialects that can speak of ``group``, first wins."""
        for name in self.precedence[group]:
            dialect = self.dialects[name]
            if group in dialect.groups:
                yield dialect, dialect.groups[group]

    def field_sources(self, column: str) -> tuple[Source, ...]:
        """Every source of a column with one value, in the order of dialects, each once."""
        return tuple(dict.fromkeys(source for _, group in self.of("fields") for source in group.sources(column)))

    def field_texts(self, option: str) -> tuple[str, ...]:
        """The plain strings (event names, key prefixes) of an option of ``fields``, in the order of dialects."""
        return tuple(dict.fromkeys(text for _, group in self.of("fields") for text in group.options.get(option, ())))


_PLAIN_OPTIONS = {
    "values",
    "infer",
    "when",
    "flat",
    "flat_when",
    "late",
    "exclusive_providers",
    "provider_pair",
    "ttft_event",
    "metadata_prefix",
}


def _group(raw: Mapping[str, Any]) -> Group:
    columns = {name: tuple(Source.parse(text) for text in texts) for name, texts in raw.items() if name not in _PLAIN_OPTIONS}
    keys = tuple(dict.fromkeys(source.key for sources in columns.values() for source in sources))
    return Group(columns, tuple(raw.get("when", keys)), {name: raw[name] for name in raw if name in _PLAIN_OPTIONS})


def _merged(name: str, raws: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A table with what it takes over from the one it extends: group by group, then column by column."""
    raw = raws[name]
    base = _merged(raw["extends"], raws) if "extends" in raw else {}
    merged = {**base, **raw}
    for group in GROUPS:
        if group in base and group in raw:
            merged[group] = {key: value for key, value in {**base[group], **raw[group]}.items() if value != []}
    return merged


def _dialect(raw: Mapping[str, Any]) -> Dialect:
    kind = raw.get("kind", {})
    return Dialect(
        name=raw["name"],
        title=raw["title"],
        marks=tuple(raw["marks"]),
        groups={name: _group(raw[name]) for name in GROUPS if name in raw and name != "kind"} | ({"kind": _group(kind)} if kind else {}),
        kinds=kind.get("values", {}),
        infer=tuple((key, value) for key, value in kind.get("infer", ())),
    )


@cache
def tables() -> Tables:
    """The tables of this installation; read once. Raises ConfigError for a table that names a dialect or group that is not there."""
    folder = resources.files("clew.traces.dialects")
    raws = {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
    precedence = raws.pop("precedence")
    providers = precedence.pop("providers")
    dialects = {name: _dialect(_merged(name, raws)) for name in raws}
    for group, names in precedence.items():
        if unknown := [name for name in names if name not in dialects]:
            raise ConfigError(f"precedence of {group!r} names {unknown!r}; there are tables for {sorted(dialects)!r}")
    return Tables(dialects, {group: tuple(names) for group, names in precedence.items()}, providers)
