"""Text to tree, by recursive descent. The grammar is in ``docs/filter.md``; each method reads one of its rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from clew.core.errors import FilterError
from clew.traces.filter.fields import BY_NAME, FIELDS, OPS, SCORE_PARTS, names, nearest, place_of, type_of
from clew.traces.filter.tokens import SHOWN_CHARACTERS, Part, Token, TokenKind, shown, tokenize
from clew.traces.filter.tree import EVERYTHING, Count, FieldRef, Node, Not, Op, Scope, Search, Test, Value, all_of, any_of
from clew.traces.filter.values import examples, listed, read_value, units_of

MAX_CHARACTERS = 4_000  # of a filter's text: what still fits a URL
MAX_DEPTH = 50  # brackets, nots and quantifiers inside one another: far from Python's own limit on recursion
MAX_TERMS = 200  # comparisons, texts and values of lists: each is a piece of the statement

RESERVED = ("and", "or", "not", "in", "exists", "missing", "has")
_FOREIGN_WORDS = {"&&": "and", "||": "or", "&": "and", "|": "or", "!": "not", "is": "=", "like": "~", "contains": "~"}
_COUNTS: tuple[Op, ...] = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Wanted:
    """What the reader was waiting for where it stopped; completion starts from here."""

    what: Literal["condition", "operator", "value", "connective", "close", "open"]
    field: FieldRef | None = None
    op: Op | None = None


def parse(text: str, scope: Scope = "span") -> Node:
    """The tree of a filter.

    Raises FilterError: its position is the character at which reading stopped, its ``expected`` what could stand there.
    """
    return Reader(text, scope).read()


class Reader:
    """One reading of one text. ``wanted`` says what was awaited when it stopped."""

    def __init__(self, text: str, scope: Scope) -> None:
        if len(text) > MAX_CHARACTERS:
            raise FilterError(f"the filter has {len(text)} characters; at most {MAX_CHARACTERS} are read", position=MAX_CHARACTERS)
        if (half := re.search("[\ud800-\udfff]", text)) is not None:
            raise FilterError(f"character {half.start() + 1} is half a character and no text", position=half.start())
        self.scope = scope
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0
        self.terms = 0
        self.wanted = Wanted("condition")

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def here(self, kind: TokenKind) -> bool:
        return self.token.kind == kind

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def fail(self, expected: tuple[str, ...], *, why: str = "") -> NoReturn:
        """Stops here: says what was found, where, and what could stand there."""
        token = self.token
        found = "the filter ends" if token.kind == "end" else f"{token.place} does not fit"
        message = f"{why or found}; expected {listed(expected if len(expected) <= 14 else (*expected[:13], '…'))}"
        raise FilterError(message, position=token.start, expected=expected)

    def read(self) -> Node:
        """The whole text."""
        if self.here("end"):
            return EVERYTHING
        tree = self.either()
        if not self.here("end"):
            self.wanted = Wanted("connective")
            word = self.token.keyword
            meant = _FOREIGN_WORDS.get(word) or nearest(word, ("and", "or"))
            hint = f"{self.token.place} does not fit" + (f", did you mean {meant}?" if meant else "")
            self.fail(("and", "or", "the end"), why=hint)
        return tree

    def either(self) -> Node:
        parts = [self.both()]
        while self.token.keyword == "or":
            self.take()
            parts.append(self.both())
        return any_of(tuple(parts))

    def both(self) -> Node:
        parts = [self.unary()]
        while True:
            if self.token.keyword == "and":
                self.take()
                parts.append(self.unary())
            elif isinstance(parts[-1], Search) and self.at_text():
                parts.append(self.text())  # refund policy: both words, each anywhere
            else:
                return all_of(tuple(parts))

    def unary(self) -> Node:
        if self.token.keyword != "not":
            return self.primary()
        self.take()
        self.deeper()
        inner = self.unary()
        self.depth -= 1
        return Not(inner)

    def primary(self) -> Node:
        self.wanted = Wanted("condition")
        token = self.token
        if token.kind == "(":
            return self.bracketed()
        if token.keyword in ("any", "count") and self.peek().kind == "(":
            return self.counted()
        if token.keyword == "has":
            self.take()
            return self.present()
        if token.kind == "word" and self.before_operator():
            return self.test()
        if self.at_text():
            return self.text()
        if token.kind == "word" and token.keyword in _FOREIGN_WORDS:
            ours = _FOREIGN_WORDS[token.keyword]
            self.fail((ours,), why=f"{token.place} is not a word of this language; write {ours}")
        return self.fail(("a field", '"a text"', "not", "("))

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            start = self.token.start
            raise FilterError(f"more than {MAX_DEPTH} brackets and nots stand inside one another at character {start + 1}", position=start)

    def another(self, position: int) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise FilterError(f"the filter has more than {MAX_TERMS} conditions and values (character {position + 1})", position=position)

    def bracketed(self) -> Node:
        self.take()
        self.deeper()
        inner = self.either()
        self.close()
        self.depth -= 1
        return inner

    def close(self) -> None:
        if not self.here(")"):
            self.wanted = Wanted("connective")
            self.fail(("and", "or", ")"))
        self.take()

    def counted(self) -> Node:
        """``any(…)`` or ``count(…) > 3``: asks of the spans."""
        word = self.take()
        if self.scope == "span":
            asks = "asks of the spans of a trace or session; here each span is asked by itself"
            message = f"{word.keyword}(…) at character {word.start + 1} {asks}"
            raise FilterError(message, position=word.start, expected=("a field", '"a text"'))
        outer, self.scope = self.scope, "span"
        inner = self.bracketed()
        self.scope = outer
        if word.keyword == "any":
            return Count(inner, ">", 0)
        self.wanted = Wanted("operator")
        op = next((op for op in _COUNTS if self.here("op") and self.token.text == op), None)
        if op is None:
            self.fail(_COUNTS)
        self.take()
        self.wanted = Wanted("value")
        number = self.value(FieldRef("spans"), op)
        return Count(inner, op, int(number.raw))

    def at_text(self) -> bool:
        """Whether a text to search for stands here: quoted, or a word that is no keyword and not the start of a condition."""
        token = self.token
        if token.kind == "text":
            return True
        plain = token.kind == "word" and token.keyword != "" and token.keyword not in RESERVED and token.keyword not in _FOREIGN_WORDS
        return plain and not self.before_operator() and not (token.keyword in ("any", "count") and self.peek().kind == "(")

    def before_operator(self) -> bool:
        following, second = self.peek(), self.peek(2)
        if following.kind == "op" or following.keyword in ("exists", "missing"):
            return True
        return following.keyword == "in" or (following.keyword == "not" and second.keyword == "in")

    def text(self) -> Node:
        token = self.take()
        self.another(token.start)
        name = token.keyword.partition(":")[0]
        if (token.kind == "word" and name in BY_NAME) or name.startswith(("attr.", "score.", "metadata.")):
            self.at -= 1
            self.wanted = Wanted("operator", self.field(Part(token.text.partition(":")[0], False)))
            ops = self.operators(self.wanted.field)
            why = f"{token.place} is a field without a condition (to search for the text, quote it)"
            if ":" in token.text:
                value = token.text.partition(":")[2] or "…"
                why = f"{token.place}: a condition is written {name} = {value[:SHOWN_CHARACTERS]}"
            else:
                self.at += 1
            self.fail(ops, why=why)
        if not token.text:
            raise FilterError(
                f"an empty text at character {token.start + 1} is found everywhere", position=token.start, expected=('"a text"',)
            )
        return Search(token.text)

    def present(self) -> Node:
        token = self.token
        if not self.here("word"):
            self.fail(("score", "a field"))
        field = self.field()
        self.another(token.start)
        return Test(field, "exists")

    def test(self) -> Node:
        start = self.token.start
        field = self.field()
        self.wanted = Wanted("operator", field)
        op = self.operator(field)
        self.another(start)
        if op in ("exists", "missing"):
            return Test(field, op)
        self.wanted = Wanted("value", field, op)
        if op in ("in", "not in"):
            return Test(field, op, self.listed(field, op))
        return Test(field, op, (self.value(field, op),))

    def operators(self, field: FieldRef | None) -> tuple[Op, ...]:
        return OPS[type_of(field)] if field else ()

    def operator(self, field: FieldRef) -> Op:
        token, allowed = self.token, self.operators(field)
        text = "not in" if token.keyword == "not" else token.keyword or token.text
        op = next((op for op in allowed if op == text), None)
        if op is None:
            self.fail(allowed, why=f"{shown(text)} at character {token.start + 1} does not fit {field.name}")
        self.at += 2 if op == "not in" else 1
        return op

    def listed(self, field: FieldRef, op: Op) -> tuple[Value, ...]:
        if not self.here("("):
            self.wanted = Wanted("open", field, op)
            self.fail(("(",))
        self.take()
        values = [self.value(field, op)]
        while self.here(","):
            self.take()
            self.wanted = Wanted("value", field, op)
            values.append(self.value(field, op))
            self.another(self.token.start)
        if not self.here(")"):
            self.wanted = Wanted("close", field, op)
            self.fail((",", ")"))
        self.take()
        return tuple(values)

    def value(self, field: FieldRef, op: Op) -> Value:
        token = self.token
        if token.kind not in ("word", "text") or (token.kind == "word" and not token.keyword):
            self.fail(examples(field, op) or ("a value",))
        following = self.peek()
        if token.keyword and token.text[-1:].isdigit() and following.keyword and following.text in units_of(field):
            token = Token("word", token.text + following.text, token.start, following.end, (Part(token.text + following.text, False),))
            self.at += 1  # 2 s is 2s
        value = read_value(token, field, op)
        self.take()
        return value

    def field(self, part: Part | None = None) -> FieldRef:
        """The field that the word here names; it must be one of the scope."""
        token = self.token
        ref = resolve((part,) if part else token.parts)
        if ref is None:
            self.unknown(token)
        if ref.name == "score" and ref.key == "" and len(token.text) > len("score.") - 1 and "." in token.text[-1:]:
            self.fail(("score.NAME",), why=f"a name is missing after {token.place}")
        if not place_of(ref, self.scope):
            self.elsewhere(ref, token)
        if part is None:
            self.take()
        return ref

    def unknown(self, token: Token) -> NoReturn:
        self.wanted = Wanted("condition")
        known = names(self.scope)
        every = (*known, *(alias for field in FIELDS if field.place(self.scope) for alias in field.aliases))
        meant = nearest(token.text, every)
        as_attribute = f"an attribute is written attr.{token.text[:SHOWN_CHARACTERS]}" if "." in token.text else ""
        hint = f"did you mean {meant}?" if meant else as_attribute
        why = f"there is no field {shown(token.text)} (character {token.start + 1})" + (f", {hint}" if hint else "")
        if token.text.lower().startswith("resource."):
            why = f"resource attributes cannot be asked (character {token.start + 1}); service and environment are fields of their own"
        self.fail(known, why=why)

    def elsewhere(self, ref: FieldRef, token: Token) -> NoReturn:
        scopes: tuple[Scope, ...] = ("trace",) if ref.root else ("span", "trace", "session")
        there = " and ".join(f"{scope}s" for scope in scopes if place_of(ref, scope))
        why = f"{token.place} is a field of {there}, not of {self.scope}s"
        self.fail(names(self.scope), why=why)


def resolve(parts: tuple[Part, ...]) -> FieldRef | None:
    """The field that a word names, or None. Names are read in either case; keys as they stand."""
    first = parts[0].text
    lower = first.lower()
    if lower.startswith("root.") and lower != "root.":
        inner = resolve((Part(first[5:], False), *parts[1:]))
        return None if inner is None or inner.root else FieldRef(inner.name, inner.key, inner.part, root=True)
    if len(parts) == 1 and lower in BY_NAME and not (BY_NAME[lower].family and BY_NAME[lower].name not in ("score", "trace.score")):
        return FieldRef(BY_NAME[lower].name)
    for name in ("trace.score.", "score.", "attr.", "attribute.", "attributes.", "metadata."):
        if lower.startswith(name):
            return _keyed(BY_NAME[name[:-1]].name, (Part(first[len(name) :], False), *parts[1:]))
    return None


def _keyed(name: str, parts: tuple[Part, ...]) -> FieldRef | None:
    """A member of an open family: its key, and for scores the part of it that is asked."""
    last, part = parts[-1], ""
    key = "".join(piece.text for piece in parts)
    if name in ("score", "trace.score") and not last.quoted:
        before, _, suffix = last.text.rpartition(".")
        if suffix.lower() in SCORE_PARTS and (before or len(parts) > 1):
            part = suffix.lower()
            key = key[: len(key) - len(suffix) - 1]
    return FieldRef(name, key, "" if part == "value" else part) if key else None
