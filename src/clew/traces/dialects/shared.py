"""Expressions that several columns use: written once, under an alias, however often they are referred to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_TOKEN = re.compile("⟦([0-9]+)⟧")


class Shared:
    """Gives a token for an expression and, at the end, writes each expression where it is first used.

    Tokens may stand inside other shared expressions, never inside a lambda whose variables they would need.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._bodies: list[str] = []

    def __call__(self, expression: str) -> str:
        if _TOKEN.fullmatch(expression):  # a second alias on the same expression would hide the first
            return expression
        number = self._numbers.setdefault(expression, len(self._bodies))
        if number == len(self._bodies):
            self._bodies.append(expression)
        return f"⟦{number}⟧"

    def written(self, columns: Mapping[str, str]) -> dict[str, str]:
        """The columns with their tokens written out; what is used once stands in place, the rest gets an alias where it first stands."""
        uses: Counter[int] = Counter()
        self._count("".join(columns.values()), uses, set())
        defined: set[int] = set()
        # The caller gives each column an alias of its own: a column that is nothing but a shared expression keeps the two apart.
        columns = {name: f"identity({text})" if _TOKEN.fullmatch(text) else text for name, text in columns.items()}
        return {name: self._write(text, uses, defined) for name, text in columns.items()}

    def _count(self, text: str, uses: Counter[int], entered: set[int]) -> None:
        for found in _TOKEN.findall(text):
            number = int(found)
            uses[number] += 1
            if number not in entered:
                entered.add(number)
                self._count(self._bodies[number], uses, entered)

    def _write(self, text: str, uses: Counter[int], defined: set[int]) -> str:
        def replace(match: re.Match[str]) -> str:
            number = int(match[1])
            if number in defined:
                return f"x{number}"
            if uses[number] == 1:
                return f"({self._write(self._bodies[number], uses, defined)})"
            defined.add(number)
            return f"({self._write(self._bodies[number], uses, defined)} AS x{number})"

        return _TOKEN.sub(replace, text)
