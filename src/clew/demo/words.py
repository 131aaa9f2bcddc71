"""A small grammar: lines with {names} and [alternatives|of one], one file a language, so that thousands of conversations differ."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from clew.core.errors import ConfigError

Template = tuple["str | Name | Choice", ...]
_TOKEN = re.compile(r"\{\w+\}|[\[|]|[^{\[\]|]+")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))[a-zà-ÿ]")


@dataclass(frozen=True)
class Name:
    """A fact of the conversation or another line of the language."""

    name: str


@dataclass(frozen=True)
class Choice:
    """One of several, drawn anew each time."""

    options: tuple[Template, ...]


@dataclass(frozen=True)
class Language:
    """All lines of one speaker's language: ``units`` are what a conversation is made of (ask, good, poor …), ``lines`` what they use."""

    code: str
    units: Mapping[str, Mapping[str, tuple[Template, ...]]]
    lines: Mapping[str, tuple[Template, ...]]

    def say(self, rng: random.Random, unit: str, part: str, facts: Mapping[str, str]) -> str:
        """One line of a unit, e.g. ("wrong_size", "ask"), facts filled in; lines that need a fact which is not there are left out."""
        known = facts.keys() | self.lines.keys()
        text = self._fill(rng, rng.choice([line for line in self.units[unit][part] if needs(line) <= known]), facts)
        return _SENTENCE_START.sub(lambda match: match.group().upper(), _tidy(self.code, text))

    def has(self, unit: str, part: str) -> bool:
        return part in self.units.get(unit, {})

    def _fill(self, rng: random.Random, template: Template, facts: Mapping[str, str]) -> str:
        out: list[str] = []
        for node in template:
            if isinstance(node, str):
                out.append(node)
            elif isinstance(node, Choice):
                out.append(self._fill(rng, rng.choice(node.options), facts))
            elif node.name in facts:
                out.append(facts[node.name])
            elif node.name in self.lines:
                out.append(self._fill(rng, rng.choice(self.lines[node.name]), facts))
        return "".join(out)


def _tidy(code: str, text: str) -> str:
    text = re.sub(r"  +", " ", text).strip()
    return text.replace(" de el ", " del ").replace(" a el ", " al ") if code == "es" else text


def parse(text: str) -> Template:
    """A line of a language file as a template."""
    options, rest = _options(text, "")
    if len(options) != 1 or rest:
        raise ConfigError(f"the line {text!r} of the demo has a '|' or ']' outside of '[…]'; put it into brackets")
    return options[0]


def _options(text: str, end: str) -> tuple[tuple[Template, ...], str]:
    """Alternatives up to ``end``, and what follows it."""
    options, nodes = list[Template](), list[str | Name | Choice]()
    while text and text[0] != "]":
        match = _TOKEN.match(text)
        token = match.group() if match else text[0]
        text = text[len(token) :]
        if token == "[":
            inner, text = _options(text, "]")
            nodes.append(Choice(inner))
        elif token == "|":
            options.append(tuple(nodes))
            nodes = []
        else:
            nodes.append(Name(token[1:-1]) if token[0] == "{" else token)
    if end and not text:
        raise ConfigError("a '[' in a line of the demo is not closed; add the ']'")
    return (*options, tuple(nodes)), text[len(end) :]


@cache
def needs(template: Template) -> frozenset[str]:
    """The names a template uses."""
    out: set[str] = set()
    for node in template:
        if isinstance(node, Name):
            out.add(node.name)
        elif isinstance(node, Choice):
            out = out.union(*map(needs, node.options))
    return frozenset(out)


def _read(name: str) -> dict[str, Any]:
    path = files("clew.demo") / "words" / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"the demo has no words for {name!r}; the package is incomplete, install it again") from error


@cache
def language(product: str, code: str) -> Language:
    """The language ``code`` as it is spoken around ``product`` ("shop" or "airline")."""
    read = _read(f"{product}_{code}")
    lines = {key: tuple(map(parse, value)) for key, value in read.items() if isinstance(value, list)}
    units = {
        key: {part: tuple(map(parse, value)) for part, value in table.items()} for key, table in read.items() if isinstance(table, dict)
    }
    return Language(code, units, lines)


@cache
def catalog() -> Mapping[str, Any]:
    """Articles, help texts, cities and names."""
    return _read("catalog")


def casual(rng: random.Random, text: str) -> str:
    """The line as some people type it: all small, or without the last full stop."""
    draw = rng.random()
    if draw < 0.18:
        text = text.lower()
    return text.rstrip(".") if draw < 0.35 else text


def tokens(text: str) -> int:
    """About how many tokens a text has: a quarter of its Latin letters, nearly all of its others."""
    latin = len(text.encode("latin-1", "ignore"))
    return max(1, latin // 4 + (len(text) - latin) * 4 // 5)
