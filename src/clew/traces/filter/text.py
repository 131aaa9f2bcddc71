"""A text inside a column, in either case and any script, and what of it the text indexes can answer.

Two indexes stand over the lower-cased texts of a span. ``by_word`` holds its words: runs of ASCII letters and digits and of any character
beyond ASCII; a word is looked up whole, a piece of ASCII as part of some word. ``by_gram`` holds the characters
beyond ASCII, alone and in pairs and triples of neighbours, for scripts that write no spaces and for parts of their words. What they say is needed, not sufficient; the
column itself is asked besides.
"""

from __future__ import annotations

import re

SPAN_TEXT = "lowerUTF8(concat(input_text, '\\n', output_text))"
"""The text that the indexes of ``spans`` cover; the schema says the same, letter by letter."""

_MAX_PARTS = 40  # pieces of one needle that are looked up: more select no better and cost a look-up each


def text_condition(column: str, param: str, needle: str, indexed: bool = False, text: str = "") -> tuple[str, dict[str, object]]:
    """SQL that is true where ``needle`` lies in ``column``, and its parameters, whose names begin with ``param``.

    Letters match in either case, one character at a time. With ``indexed``, the indexes over ``text`` (by default the column in lower
    case) are asked first.
    """
    exact = f"positionCaseInsensitiveUTF8({column}, {{{param}:String}}) > 0"
    needed, params = index_condition(text or f"lowerUTF8({column})", param, needle) if indexed else ("", {})
    return (f"({needed} AND {exact})" if needed else exact), {param: needle, **params}


def index_condition(text: str, param: str, needle: str) -> tuple[str, dict[str, object]]:
    """What the indexes can say of ``needle``: SQL over ``text`` that is true wherever it lies, '' where they can say nothing."""
    conditions: list[str] = []
    params: dict[str, object] = {}
    words = whole_words(needle)
    if words:
        conditions.append(f"hasAllTokens({text}, {{{param}w:Array(String)}})")
        params[f"{param}w"] = list(words)
    for at, piece in enumerate(pieces(needle)):
        conditions.append(f"{text} LIKE {{{param}p{at}:String}}")
        params[f"{param}p{at}"] = f"%{piece}%"
    if found := grams(needle):
        conditions.append(f"hasAllTokens({grams_sql(text)}, {{{param}g:Array(String)}})")
        params[f"{param}g"] = list(found)
    return " AND ".join(conditions), params


def whole_words(needle: str) -> tuple[str, ...]:
    """The words that are whole in any text that holds ``needle``: inside it they stand between ASCII that is no letter or digit.

    The index takes every character beyond ASCII for a part of a word, so such a neighbour bounds nothing.
    """
    lowered = _lowered(needle)
    return tuple(dict.fromkeys(run for run, whole in _ascii_runs(lowered) if whole))[:_MAX_PARTS]


def pieces(needle: str) -> tuple[str, ...]:
    """The runs of ASCII letters and digits that may be cut off from a longer word: each lies inside some word of the text."""
    lowered = _lowered(needle)
    return tuple(dict.fromkeys(run for run, whole in _ascii_runs(lowered) if not whole))[:_MAX_PARTS]


def grams(needle: str) -> tuple[str, ...]:
    """The triples of neighbouring characters beyond ASCII in lower case; of a shorter run the pair or the one character.

    A character whose case has no one counterpart ends a run: the engine may match it against another than its lower case.
    """
    found: dict[str, None] = {}
    for run in re.findall(r"[^\x00-\x7f]+", _lowered(needle)):
        for part in "".join(mark if _simple(mark) else " " for mark in run).split():
            size = min(3, len(part))
            found |= dict.fromkeys(part[at : at + size] for at in range(len(part) - size + 1))
    return tuple(found)[:_MAX_PARTS]


def grams_sql(text: str) -> str:
    """The characters beyond ASCII in a text, alone and in pairs and triples of neighbours, as ``by_gram`` holds them."""
    return (
        f"if(isValidASCII({text}), [], arrayDistinct(arrayFlatten(arrayMap(run -> arrayConcat(ngrams(run, 1), ngrams(run, 2), ngrams(run, 3)),"
        f" extractAll({text}, '[^\\\\x00-\\\\x7F]+')))))"
    )


def _ascii_runs(lowered: str) -> list[tuple[str, bool]]:
    """Runs of ASCII letters and digits, each with whether it is a whole word wherever the text lies."""
    found = []
    for match in re.finditer(r"[a-z0-9]+", lowered):
        before, after = lowered[: match.start()][-1:], lowered[match.end() :][:1]
        found.append((match[0], bool(before and after and before.isascii() and after.isascii())))
    return found


def _lowered(needle: str) -> str:
    """Lower case where it is one character for one on the same side of ASCII's border, else the character itself."""
    return "".join(lower if len(lower := mark.lower()) == 1 and lower.isascii() == mark.isascii() else mark for mark in needle)


def _simple(mark: str) -> bool:
    """Whether a character has no case, or one lower and one upper form that lead to each other."""
    lower, upper = mark.lower(), mark.upper()
    return lower == upper or (len(lower) == len(upper) == 1 and lower.upper() == upper and upper.lower() == lower)
