"""What both products' conversations share: who speaks, dates and money in their language, and how a turn came out."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from clew.core.clock import NS_PER_DAY, to_datetime
from clew.demo.words import Language, casual, catalog

Trouble = Literal["", "timeout", "invalid", "rate_limit", "context", "loop"]

_GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, fill the interval evenly
_MONTHS = {
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
    "de": ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"],
    "es": ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"],
}


@dataclass(frozen=True)
class Outcome:
    """How one turn came out, and why."""

    success: bool
    wrong_language: bool = False
    trouble: Trouble = ""
    for_group: bool = False  # the fault that only larger parties meet

    @property
    def reason(self) -> str:
        """What a judge who reads the turn would write."""
        if self.wrong_language:
            return "The customer wrote in German and was answered in English."
        if self.trouble == "timeout":
            return "The record could not be read in time, so the question stays open."
        if self.trouble in ("rate_limit", "context"):
            return "The model could not be reached and no answer was given."
        if self.trouble == "loop":
            return "The search failed again and again; no alternative was offered."
        if self.for_group and not self.success:
            return "Only four passengers were handled; the party is larger."
        if not self.success:
            return "The answer is general and does not settle what was asked."
        return "The question is answered with the customer's own data."


@dataclass
class Turn:
    """One turn of a conversation before it becomes spans."""

    unit: str
    asked: str
    answered: str
    outcome: Outcome


def date_text(language: str, moment_ns: int, days: int = 0) -> str:
    """A day near ``moment_ns`` as people write it."""
    day = to_datetime(moment_ns + days * NS_PER_DAY)
    if language == "zh":
        return f"{day.month}月{day.day}日"
    if language == "ar":
        return f"{day.day}/{day.month}"
    month = _MONTHS[language][day.month - 1]
    return {"en": f"{day.day} {month}", "de": f"{day.day}. {month}", "es": f"{day.day} de {month}"}[language]


def money(language: str, amount: float) -> str:
    """Euros as people write them."""
    if language in ("de", "es"):
        return f"{amount:.2f} €".replace(".", ",")
    if language == "zh":
        return f"{amount:.2f}欧元"
    if language == "ar":
        return f"{amount:.2f} يورو"
    return f"€{amount:.2f}"


def ask(rng: random.Random, words: Language, unit: str, facts: dict[str, str], part: str = "ask") -> str:
    """What the customer types."""
    return casual(rng, words.say(rng, unit, part if words.has(unit, part) else "ask", facts))


def people(rng: random.Random, facts: dict[str, str]) -> None:
    """Puts a name into the facts."""
    names = catalog()["names"]
    facts["first"], facts["surname"] = rng.choice(names["first"]), rng.choice(names["last"])


def of_person(seed: int, number: int, shares: dict[str, float]) -> str:
    """What stays with a person from visit to visit; spread evenly over the numbers, so that shares hold though few people come often."""
    point = (number * _GOLDEN + random.Random(seed).random()) % 1.0 * sum(shares.values())
    for key, share in shares.items():
        point -= share
        if point < 0:
            return key
    return next(iter(shares))


def pick(rng: random.Random, shares: dict[str, float]) -> str:
    """One key, each as often as its share says."""
    return rng.choices(list(shares), list(shares.values()))[0]
