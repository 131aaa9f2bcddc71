"""A tree in plain English: ``LLM spans slower than 2 s whose task_success is below 0.5, with “refund” in the input``.

Every condition becomes words that follow a noun (*slower than 2 s*, *from gpt-4o*), so conditions can be strung together in any order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from clew.core.clock import NS_PER_MS, NS_PER_S
from clew.traces.filter.fields import place_of, type_of
from clew.traces.filter.tree import NEGATIVE, And, Count, FieldRef, Node, Not, Op, Or, Scope, Search, Test, Value
from clew.traces.filter.values import HOUR, MINUTE, duration_text, moment_text, money_text

SHOWN_CHARACTERS = 60  # of a text in a sentence; the filter itself stands beside it

_NOUNS: Mapping[Scope, tuple[str, str]] = MappingProxyType(
    {"span": ("span", "spans"), "trace": ("trace", "traces"), "session": ("session", "sessions")}
)
_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "ttft": "time to first token", "message": "status message",
        "model_asked": "requested model", "model_answered": "answering model", "error": "error type", "attr": "attribute",
        "parent": "parent span",
    }
)  # fmt: skip
_EQUALS: Mapping[str, str] = MappingProxyType(
    {
        "model": "from {}", "name": "named {}", "user": "of user {}", "session": "of session {}", "tag": "tagged {}",
        "service": "sent by {}",
        "provider": "served by {}", "tool": "calling the tool {}", "agent": "of the agent {}", "prompt": "made from the prompt {}",
        "error": "with the error {}", "trace": "of trace {}", "span": "with the id {}", "parent": "below the span {}", "mark": "marked {}",
        "kind": "of kind {}",
    }
)  # fmt: skip
_SIGNS: Mapping[Op, str] = MappingProxyType({"=": "", "!=": "not ", "<": "below ", "<=": "at most ", ">": "above ", ">=": "at least "})
_AMOUNTS: Mapping[Op, str] = MappingProxyType(
    {"=": "exactly ", "!=": "other than ", "<": "fewer than ", "<=": "at most ", ">": "more than ", ">=": "at least "}
)
_PACE: Mapping[Op, str] = MappingProxyType(
    {
        "=": "taking exactly ",
        "!=": "not taking ",
        "<": "faster than ",
        "<=": "taking at most ",
        ">": "slower than ",
        ">=": "taking at least ",
    }
)
_WHEN: Mapping[Op, str] = MappingProxyType({"<": "before ", "<=": "no later than ", ">": "after ", ">=": "no earlier than "})
_PLAIN = re.compile(r"[\w.\-:/@]+")


def sentence(tree: Node, scope: Scope = "span") -> str:
    """The filter in words, as the pages show it."""
    parts = tree.parts if isinstance(tree, And) else (tree,)
    return ("all " if not parts else "") + _noun_phrase(parts, scope, plural=True)


def _noun_phrase(parts: tuple[Node, ...], scope: Scope, *, plural: bool) -> str:
    """``LLM spans slower than 2 s from gpt-4o``: kinds stand before the noun, all else behind it."""
    before = next((part for part in parts if scope == "span" and _is_kind(part)), None)
    behind = [_clause(part, scope) for part in _together(parts, scope) if part is not before]
    noun = _NOUNS[scope][plural]
    adjective = _either(_kind(str(value.raw)) for value in before.values) + " " if isinstance(before, Test) else ""
    phrase = adjective + noun
    for position, words in enumerate(behind):
        phrase += _joint(behind[position - 1] if position else "", words, position) + words
    return phrase


def _together(parts: tuple[Node, ...], scope: Scope) -> list[Node | tuple[Search, ...]]:
    """The parts, with all texts to search for as one where they are asked of the same span."""
    texts = tuple(part for part in parts if isinstance(part, Search))
    if scope != "span" or len(texts) < 2:
        return list(parts)
    return [texts if part is texts[0] else part for part in parts if part not in texts[1:]]


def _joint(previous: str, words: str, position: int) -> str:
    """What stands between two clauses, so that it stays clear which belong together."""
    long = ("having", "either", "whose root", "except")
    if position == 0:
        return ", " if words.startswith("except") else " "
    if previous.split()[0] == words.split()[0]:
        return " and " if not words.startswith(long) else ", and "
    if words.startswith(long) or previous.startswith(long):
        return ", " if words.startswith("except") else ", and "
    closed = previous.startswith(("whose", "with", "started", "ended"))  # what follows at once would seem to belong to it
    return " " if position == 1 and not closed else ", "


def _is_kind(node: Node) -> bool:
    return isinstance(node, Test) and node.field == FieldRef("kind") and node.op in ("=", "in")


def _kind(kind: str) -> str:
    return {"LLM": "LLM", "SPAN": "ordinary"}.get(kind, kind.lower())


def _clause(node: Node | tuple[Search, ...], scope: Scope) -> str:
    if isinstance(node, tuple):
        return f"with {_both(f'“{_short(search.text)}”' for search in node)} in the input or output"
    return f"except those {_words(node.part, scope)}" if isinstance(node, Not) else _words(node, scope)


def _words(node: Node, scope: Scope) -> str:
    match node:
        case And(parts):
            return " and ".join(_nested(part, scope) for part in parts) if parts else "of any sort"
        case Or(parts):
            return "either " + " or ".join(_nested(part, scope) for part in parts)
        case Not(part):
            return f"not among those {_nested(part, scope)}"
        case Search(text):
            return ("" if scope == "span" else "having a span ") + f"with “{_short(text)}” in the input or output"
        case Count(condition, op, number):
            return _having(condition, op, number)
        case Test():
            return _test(node, scope)


def _nested(part: Node, scope: Scope) -> str:
    words = _words(part, scope)
    return f"({words})" if isinstance(part, And | Or) else words


def _having(condition: Node, op: Op, number: int) -> str:
    parts = condition.parts if isinstance(condition, And) else (condition,)
    if (op, number) == (">", 0):
        phrase = _noun_phrase(parts, "span", plural=False)
        return f"having {_a(phrase)}"
    return f"having {_AMOUNTS[op]}{number:,} {_noun_phrase(parts, 'span', plural=number != 1)}"


def _a(phrase: str) -> str:
    vowel = phrase.startswith(("LLM", "a", "e", "i", "o"))
    return f"an {phrase}" if vowel else f"a {phrase}"


def _test(test: Test, scope: Scope) -> str:
    place = place_of(test.field, scope)
    of_score = test.field.name in ("score", "trace.score")
    if test.field.root and scope == "trace":
        return f"whose root span is one {_modifier(test, 'span')}"
    if scope == "span" or place != "some" or of_score:
        return _modifier(test, scope)
    if test.op in NEGATIVE:
        positive = Test(test.field, NEGATIVE[test.op], test.values)
        return f"having a known {_label(test.field)} but no span {_modifier(positive, 'span')}"
    if test.op == "missing":
        return f"having no span {_modifier(Test(test.field, 'exists'), 'span')}"
    if _is_kind(test):
        return f"having {_a(_noun_phrase((test,), 'span', plural=False))}"
    return f"having a span {_modifier(test, 'span')}"


def _modifier(test: Test, scope: Scope) -> str:
    """One condition, as words behind a noun."""
    field, op, label = test.field, test.op, _label(test.field)
    if op in ("exists", "missing"):
        return _presence(test, label)
    told = _either(_value(field, value) for value in test.values)
    match type_of(field):
        case "since":
            return _since(test)
        case "moment":
            return f"{'started' if field.name == 'start' else 'ended'} {_WHEN[op]}{told}"
        case "flag":
            return _flag(field, bool(test.values[0].raw) == (op == "="), scope)
        case "duration" if field.name == "latency":
            return _amount(_PACE, op, told) if scope != "session" else _amount(_AMOUNTS, op, told, "lasting ").replace("fewer", "less")
        case "money":
            return _amount(_AMOUNTS, op, told, "costing ").replace("fewer", "less")
        case "count":
            verb = "with " if field.name in ("spans", "errors", "traces") else "using "
            noun = label.removesuffix("s") if told == "1" else label
            return f"{_amount(_AMOUNTS, op, told, verb)} {noun}"
        case "choice" if field.name == "status":
            return f"that {'did not end' if op in NEGATIVE else 'ended'} {_either(_ending(str(value.raw)) for value in test.values)}"
    return _plain(test, label, told)


def _plain(test: Test, label: str, told: str) -> str:
    field, op = test.field, test.op
    if op in ("~", "!~"):
        return f"{'with' if op == '~' else 'without'} “{_short(str(test.values[0].raw))}” in the {label}"
    if op in ("=", "in") and field.name in _EQUALS:
        return _EQUALS[field.name].format(told)
    if op in ("!=", "not in"):
        return f"whose {label} is other than {told}"
    return f"whose {label} is {'' if op == 'in' else _SIGNS[op]}{told}"


def _amount(signs: Mapping[Op, str], op: Op, told: str, verb: str = "") -> str:
    sign = signs["=" if op == "in" else "!=" if op == "not in" else op]
    return f"{verb}{sign}{told}"


def _presence(test: Test, label: str) -> str:
    known = test.op == "exists"
    if test.field.name in ("score", "trace.score") and not test.field.key:
        of_trace = " of its trace" if test.field.name == "trace.score" else ""
        return f"{'with' if known else 'without'} any score{of_trace}"
    return (
        f"{'with' if known else 'without'} a known {label}" if _is_amount(test.field) else f"{'with' if known else 'without'} {_a(label)}"
    )


def _is_amount(field: FieldRef) -> bool:
    return type_of(field) in ("count", "money", "duration")


def _since(test: Test) -> str:
    (value,) = test.values
    raw = int(value.raw)
    since = test.field.name == "since"
    if value.kind == "ago":
        return f"started in the last {_duration(raw)}" if since else f"started more than {_duration(raw)} ago"
    return f"started {'since' if since else 'before'} {_moment(raw)}"


def _flag(field: FieldRef, yes: bool, scope: Scope) -> str:
    if field.name == "root" and scope == "trace":
        return f"whose root span has {'arrived' if yes else 'not arrived'}"
    if field.name == "root":
        return "without a parent" if yes else "with a parent"
    return f"whose tokens and cost {'count' if yes else 'do not count'} in sums"


def _ending(status: str) -> str:
    return {"error": "in error", "ok": "well", "unset": "with no status"}[status]


def _label(field: FieldRef) -> str:
    if field.name in ("score", "trace.score"):
        owner = "trace's " if field.name == "trace.score" else ""
        return f"{owner}{_name(field.key)}{' ' + field.part if field.part else ''}"
    label = _LABELS.get(field.name, field.name.replace("_", " "))
    return f"{label} {_name(field.key)}" if field.key else label


def _value(field: FieldRef, value: Value) -> str:
    raw, kind = value.raw, type_of(field)
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return _kind(raw) if field.name == "kind" else _name(raw)
    if value.kind == "moment":
        return _moment(int(raw))
    if value.kind == "ago" or kind == "duration":
        return _duration(int(raw))
    return _money(int(raw)) if kind == "money" else f"{raw:,}"


def _money(nanos: int) -> str:
    whole, _, cents = money_text(nanos).removeprefix("$").partition(".")
    return f"${int(whole):,}" + (f".{cents.ljust(2, '0')}" if cents else "")


def _name(text: str) -> str:
    """A text bare where it reads as one word, else in quotes."""
    return text if _PLAIN.fullmatch(text) and len(text) <= SHOWN_CHARACTERS else f"“{_short(text)}”"


def _short(text: str) -> str:
    line = " ".join(text.split()) or text
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"


def _either(words: Iterable[str], word: str = "or") -> str:
    told = list(words)
    return f" {word} ".join([", ".join(told[:-1]), told[-1]]) if len(told) > 1 else told[0]


def _both(words: Iterable[str]) -> str:
    return _either(words, "and")


def _duration(ns: int) -> str:
    for size, unit in ((7 * 24 * HOUR, "w"), (24 * HOUR, "d"), (HOUR, "h"), (MINUTE, "min"), (NS_PER_S, "s"), (NS_PER_MS, "ms")):
        if abs(ns) >= size * (2 if unit in ("d", "w") else 1) and (ns * 100) % size == 0:
            words = {"d": " days", "w": " weeks"}.get(unit, f" {unit}")
            return f"{ns / size:,.2f}".rstrip("0").rstrip(".") + words
    return re.sub(r"(\d)([a-z])", r"\1 \2", duration_text(ns))


def _moment(ns: int) -> str:
    text = moment_text(ns)
    return text if len(text) == 10 else text.replace("T", " ").removesuffix("Z").removesuffix(":00") + " UTC"
