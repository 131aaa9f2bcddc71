"""The shop's customers: who they are, what they want, and how the assistant does. What was planted about prompt v7 is decided here."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from clew.demo.plan import Plan
from clew.demo.talk import Outcome, Trouble, Turn, ask, date_text, money, of_person, people, pick
from clew.demo.words import Language, catalog, language

LANGUAGES = {"en": 0.53, "de": 0.19, "es": 0.15, "zh": 0.09, "ar": 0.04}
TENANTS = {"fjordline": 0.46, "lumen-home": 0.30, "kite-and-co": 0.24}
INTENTS = {
    "refund_late": 0.20,
    "where_is_it": 0.18,
    "wrong_size": 0.14,
    "policy": 0.12,
    "damaged": 0.11,
    "recommend": 0.10,
    "cancel": 0.06,
    "address": 0.05,
    "voucher": 0.04,
}
FOLLOW_UPS = {"how_long": 0.45, "proof": 0.3, "other_way": 0.25}
USERS = 640

_SUCCESS_V6, _SUCCESS_V7 = 0.62, 0.92
_ANSWERED_IN_ENGLISH = 0.75  # German questions under v7
_SUCCESS_WRONG_LANGUAGE = 0.12


@dataclass(frozen=True)
class Customer:
    """One visitor and the facts of their case."""

    tenant: str
    code: str
    user: str
    session: str
    intent: str
    facts: dict[str, str] = field(compare=False)

    @property
    def words(self) -> Language:
        return language("shop", self.code)

    def words_for(self, outcome: Outcome) -> Language:
        return language("shop", "en") if outcome.wrong_language else self.words


def customer(rng: random.Random, plan: Plan, start_ns: int) -> Customer:
    """A customer with an order, an article and a wish."""
    number = int(USERS * rng.random() ** 1.6)  # some come often, most once or twice
    # A person keeps language and shop from visit to visit.
    code, tenant = of_person(plan.seed, number, LANGUAGES), of_person(plan.seed + 1, number, TENANTS)
    words = language("shop", code)
    intents = {intent: share for intent, share in INTENTS.items() if intent in words.units}
    session = f"s-{rng.getrandbits(40):010x}"
    return Customer(tenant, code, f"cust-{10_000 + number}", session, pick(rng, intents), _facts(rng, code, tenant, start_ns))


def _facts(rng: random.Random, code: str, tenant: str, start_ns: int) -> dict[str, str]:
    data = catalog()
    articles = rng.sample(data["shops"][tenant]["articles"], 3)
    sizes = rng.sample(
        ["36", "38", "40", "42", "S", "M", "L", "XL"] if tenant == "fjordline" else ["98", "104", "116", "122", "140", "160"], 2
    )
    back, sent = rng.randrange(6, 19), rng.randrange(2, 6)
    facts = {
        "order": str(rng.randrange(20_000_000, 99_999_999)),
        "item_id": articles[0]["id"],
        "amount": money(code, articles[0]["price"]),
        "amount2": money(code, articles[1]["price"]),
        "amount3": money(code, articles[2]["price"]),
        "budget": money(code, float(round(articles[1]["price"] + rng.randrange(5, 60), -1) + 20)),
        "size": sizes[0],
        "size2": sizes[1],
        "date": date_text(code, start_ns, -back),
        "date2": date_text(code, start_ns, -sent),
        "date3": date_text(code, start_ns, rng.randrange(2, 7)),
        "days": str(back),
        "city": rng.choice(data["cities"]["shop"]),
        "street": rng.choice(data["names"]["streets"]),
        "carrier": rng.choice(data["names"]["carriers"]),
        "tracking": f"{rng.choice('JRC')}{rng.choice('JVX')}{rng.randrange(10**8, 10**9)}",
        "pay": rng.choice(data["names"]["payments"][code]),
        "code": f"{rng.choice(('WELCOME', 'AUTUMN', 'SAVE', 'NEWS'))}{rng.choice((5, 10, 15))}",
        "code2": f"SORRY-{rng.getrandbits(24):06X}",
        "need": rng.choice(data["needs"][code]),
        "topic": rng.choice(_topics(code)),
        "category": data["shops"][tenant]["category"],
    }
    for suffix, article in zip(("", "2", "3"), articles, strict=True):
        name, brand = article[code], article["brand"]
        facts["item" + suffix] = f"the {brand} {name}" if code == "en" else f"{brand} {name}" if code == "zh" else f"{name} {brand}"
    people(rng, facts)
    return facts


def turns(rng: random.Random, plan: Plan, who: Customer, start_ns: int) -> list[Turn]:
    """The whole conversation. A turn that goes wrong is asked again; a German who gets English asks for German."""
    version = "v7" if start_ns >= plan.prompt_v7_ns else "v6"
    path, out = [who.intent], list[Turn]()
    while path and len(out) < 7:
        unit = path.pop(0)
        outcome = _outcome(rng, plan, who, unit, version, start_ns)
        part = f"ask_{who.facts['topic']}" if unit == "policy" else "ask"
        turn = Turn(unit, ask(rng, who.words, unit, who.facts, part), _answer(rng, who, unit, outcome), outcome)
        out.append(turn)
        if unit != "thanks":
            path = _next(rng, who, outcome, path, len(out))
    return out


def _next(rng: random.Random, who: Customer, outcome: Outcome, path: list[str], said: int) -> list[str]:
    if outcome.wrong_language and rng.random() < 0.45:
        return ["in_my_language"]
    if not outcome.success:
        return ["not_helpful"] if rng.random() < 0.55 and said < 5 else []
    if rng.random() < (0.62 if said == 1 else 0.3):
        follow = {unit: share for unit, share in FOLLOW_UPS.items() if unit in who.words.units}
        return [pick(rng, follow)]
    return ["thanks"] if rng.random() < 0.4 else []


def _outcome(rng: random.Random, plan: Plan, who: Customer, unit: str, version: str, now_ns: int) -> Outcome:
    trouble = _trouble(rng, plan, unit, now_ns)
    if trouble in ("timeout", "rate_limit"):
        return Outcome(False, trouble=trouble)
    wrong = version == "v7" and who.code == "de" and rng.random() < _ANSWERED_IN_ENGLISH
    if wrong:
        return Outcome(rng.random() < _SUCCESS_WRONG_LANGUAGE, wrong_language=True, trouble=trouble)
    base = _SUCCESS_V7 if version == "v7" else _SUCCESS_V6
    if unit == "thanks":
        base = 0.97
    return Outcome(rng.random() < base, trouble=trouble)


def _trouble(rng: random.Random, plan: Plan, unit: str, now_ns: int) -> Trouble:
    """What goes wrong below the answer: the model's provider or a tool."""
    draw = rng.random()
    if now_ns in plan.rate_limited and draw < 0.22:
        return "rate_limit"
    if draw > 0.985 and unit in LOOKS_UP:
        return "timeout"
    return "invalid" if draw > 0.955 and unit in LOOKS_UP else ""


LOOKS_UP = frozenset({"refund_late", "where_is_it", "wrong_size", "damaged", "cancel", "address", "not_helpful", "in_my_language"})


def _answer(rng: random.Random, who: Customer, unit: str, outcome: Outcome) -> str:
    if outcome.trouble == "rate_limit":
        return ""
    words, facts = who.words_for(outcome), dict(who.facts)
    if outcome.wrong_language:
        facts["item"] = f"the {who.facts['item']}"
        unit = unit if unit in words.units else "not_helpful"
    facts["policy_title"], facts["policy_answer"] = _help_line(rng, who, words.code)
    if outcome.success or outcome.wrong_language:
        return words.say(rng, unit, "good", facts)
    return words.say(rng, unit, "poor", facts)


@cache
def _topics(code: str) -> tuple[str, ...]:
    """What one may ask about the rules, in a language."""
    policy = language("shop", code).units.get("policy", {})
    return tuple(part.removeprefix("ask_") for part in policy if part.startswith("ask_")) or ("returns",)


def help_texts(who: Customer) -> list[dict[str, Any]]:
    """The help texts that hold the answer to what a customer came for."""
    wanted = who.facts["topic"] if who.intent == "policy" else who.intent
    return [text for text in catalog()["help"] if wanted in text["about"].split()]


def _help_line(rng: random.Random, who: Customer, code: str) -> tuple[str, str]:
    """Title and first sentence of such a text, in the language where there is one."""
    fitting = help_texts(who) or catalog()["help"]
    told = [text[code] for text in fitting if code in text] or [text["en"] for text in fitting]
    title, first, _ = rng.choice(told)
    return title, first
