"""A filter's text cut into words, quoted texts, operators and brackets, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clew.core.errors import FilterError

TokenKind = Literal["word", "text", "op", "(", ")", ",", "end"]

SHOWN_CHARACTERS = 40  # of a word in a message, which stands beside the filter itself
OPERATORS = ("!=", "!~", "<=", ">=", "=", "<", ">", "~")
FOREIGN = {"==": "=", "<>": "!=", "=~": "~", "=>": ">=", "=<": "<="}  # other languages' spellings, refused with ours
_BRACKETS: dict[str, TokenKind] = {"(": "(", ")": ")", ",": ","}
QUOTES = {'"': '"', "'": "'", "“": "”"}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "”": "”", "“": "“"}
ENDS_WORD = frozenset('()",=<>~“”')


@dataclass(frozen=True)
class Part:
    """A stretch of a word; quoted where it stood in quotes (``attr."my key"``)."""

    text: str
    quoted: bool


@dataclass(frozen=True)
class Token:
    """One token; ``start`` and ``end`` are characters of the filter's text."""

    kind: TokenKind
    text: str
    start: int
    end: int
    parts: tuple[Part, ...] = ()

    @property
    def place(self) -> str:
        """The token and where it stands, as a message says it."""
        return f"{shown(self.text)} at character {self.start + 1}"

    @property
    def keyword(self) -> str:
        """The word in lower case where it is a plain one, else nothing."""
        return self.text.lower() if self.kind == "word" and len(self.parts) == 1 else ""


def shown(text: str) -> str:
    """A text as a message repeats it: in quotes, and not the whole of a long one."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…")


def tokenize(text: str) -> list[Token]:
    """The tokens of a filter, closed by an ``end``. Raises FilterError for a quote that is not closed and for foreign operators."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = _token(text, at)
        found.append(token)
        at = token.end
    return [*found, Token("end", "", len(text), len(text))]


def _token(text: str, at: int) -> Token:
    mark = text[at]
    if kind := _BRACKETS.get(mark):
        return Token(kind, mark, at, at + 1)
    if mark in QUOTES:
        value, end = _quoted(text, at)
        return Token("text", value, at, end)
    if operator := _operator(text, at):
        return Token("op", operator, at, at + len(operator))
    if mark == "”":
        raise FilterError(f'a closing quote at character {at + 1} closes nothing; put “ or " before the text', position=at, expected=('"',))
    return _word(text, at)


def _operator(text: str, at: int) -> str | None:
    for foreign, ours in FOREIGN.items():
        if text.startswith(foreign, at):
            raise FilterError(f"{foreign!r} at character {at + 1} is not an operator here; write {ours!r}", position=at, expected=(ours,))
    return next((operator for operator in OPERATORS if text.startswith(operator, at)), None)


def _quoted(text: str, at: int) -> tuple[str, int]:
    """The text in the quotes that open at ``at``, and where it ends."""
    out: list[str] = []
    closing, here = QUOTES[text[at]], at + 1
    while here < len(text):
        mark = text[here]
        if mark == closing:
            return "".join(out), here + 1
        if mark == "\\":
            escape = text[here + 1 : here + 2]
            if escape not in ESCAPES or not escape:
                raise FilterError(
                    f'a backslash at character {here + 1} stands before {escape!r}; write \\\\ for a backslash, or one of \\" \\n \\t \\r',
                    position=here,
                    expected=("\\\\", '\\"', "\\n", "\\t", "\\r"),
                )
            out.append(ESCAPES[escape])
            here += 2
            continue
        out.append(mark)
        here += 1
    raise FilterError(f"the quote at character {at + 1} is not closed; put {closing} after the text", position=at, expected=(closing,))


def _word(text: str, at: int) -> Token:
    """A run of characters that nothing else claims; a quoted stretch may follow a dot."""
    parts: list[Part] = []
    here = begin = at
    while here < len(text) and not _ends(text, here):
        here += 1
        if text[here - 1] == "." and here < len(text) and text[here] in QUOTES:
            value, end = _quoted(text, here)
            parts += [Part(text[begin:here], False), Part(value, True)]
            here = begin = end
            if here < len(text) and text[here] != ".":
                break
    if here > begin:
        parts.append(Part(text[begin:here], False))
    return Token("word", text[at:here], at, here, tuple(parts))


def _ends(text: str, here: int) -> bool:
    mark = text[here]
    return mark in ENDS_WORD or mark.isspace() or (mark == "!" and text[here + 1 : here + 2] in ("=", "~"))
