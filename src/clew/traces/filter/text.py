"""A text inside a column, in either case and any script, and what of it a text index can answer."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z0-9]+", re.ASCII)


def text_condition(column: str, param: str, needle: str, indexed: bool = False) -> tuple[str, dict[str, object]]:
    """SQL that is true where ``needle`` lies in ``column``, and its parameters, named ``param`` and ``param`` + ``w``.

    Letters match in either case, one character at a time. With ``indexed``, whole words of the needle are also asked of a text index
    over ``lowerUTF8(column)`` cut at non-alphanumerics: a needed condition, never a sufficient one.
    """
    exact = f"positionCaseInsensitiveUTF8({column}, {{{param}:String}}) > 0"
    words = whole_words(needle) if indexed else ()
    if not words:
        return exact, {param: needle}
    return f"(hasAllTokens(lowerUTF8({column}), {{{param}w:Array(String)}}) AND {exact})", {param: needle, f"{param}w": list(words)}


def whole_words(needle: str) -> tuple[str, ...]:
    """The words that are whole in any text that holds ``needle``: inside it they stand between ASCII that is no letter or digit.

    The index takes every character beyond ASCII for a part of a word, so such a neighbour bounds nothing.
    """
    text = needle.lower() if needle.isascii() else "".join(mark.lower() if mark.isascii() else mark for mark in needle)
    found = []
    for match in _WORD.finditer(text):
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        if before.isascii() and after.isascii() and before and after:
            found.append(match[0])
    return tuple(dict.fromkeys(found))
