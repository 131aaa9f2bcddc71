"""The words that were searched for, in the text around them."""

from __future__ import annotations

import re

AROUND = 90  # characters on each side
Piece = tuple[str, bool]  # text, whether it is what was searched for


def excerpt(text: str, needle: str, *, around: int = AROUND) -> tuple[Piece, ...]:
    """The first place of ``needle`` (in either case) with what stands around it, every further place in there marked too.

    Where the text does not hold it as it stands (it lay across a cut), the beginning of the text is given without a mark.
    """
    line = " ".join(text.split())
    wanted = " ".join(needle.split())
    pattern = re.compile(re.escape(wanted), re.IGNORECASE)
    first = pattern.search(line) if wanted else None
    if first is None:
        return ((line[: 2 * around] + ("…" if len(line) > 2 * around else ""), False),) if line else ()
    start, end = max(first.start() - around, 0), min(first.end() + around, len(line))
    pieces: list[Piece] = [("…", False)] if start else []
    at = start
    for place in pattern.finditer(line, start, end):
        if place.start() > at:
            pieces.append((line[at : place.start()], False))
        pieces.append((place[0], True))
        at = place.end()
    pieces.append((line[at:end] + ("…" if end < len(line) else ""), False))
    return tuple(piece for piece in pieces if piece[0])
