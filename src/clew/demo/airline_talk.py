"""The airline's travellers: bookings, wishes, and how the agent does. What was planted about groups is decided here."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from clew.demo.plan import Plan
from clew.demo.talk import Outcome, Trouble, Turn, ask, date_text, money, of_person, people, pick
from clew.demo.words import Language, catalog, language

LANGUAGES = {"en": 0.58, "de": 0.17, "es": 0.14, "zh": 0.08, "ar": 0.03}
CHANNELS = {"app": 0.55, "web": 0.37, "airport kiosk": 0.08}
INTENTS = {
    "delay_rebook": 0.18,
    "baggage_fee": 0.16,
    "seats_together": 0.15,
    "name_change": 0.13,
    "cancel_refund": 0.13,
    "status": 0.09,
    "extra_help": 0.07,
    "lost_bag": 0.05,
    "upgrade": 0.04,
}
PARTIES = {"1": 0.38, "2": 0.26, "3": 0.09, "4": 0.09, "5": 0.06, "6": 0.06, "7": 0.03, "8": 0.03}
GROUP = 5  # passengers from which a booking counts as a group
USERS = 420

_OFFERS = frozenset({"name_change", "seats_together", "baggage_fee", "delay_rebook", "cancel_refund", "extra_help", "upgrade"})
# What the tools do for the whole party, and where their limit of four shows.
FOR_ALL = frozenset({"seats_together", "delay_rebook", "confirm", "upgrade", "not_helpful"})
SEARCHES = frozenset({"delay_rebook", "upgrade", "cancel_refund"})
_SUCCESS, _SUCCESS_GROUP = 0.85, 0.26


@dataclass(frozen=True)
class Traveller:
    """One person who writes, and the booking it is about."""

    code: str
    channel: str
    user: str
    session: str
    intent: str
    party: int
    facts: dict[str, str] = field(compare=False)

    @property
    def words(self) -> Language:
        return language("airline", self.code)

    @property
    def group(self) -> bool:
        return self.party >= GROUP


def traveller(rng: random.Random, plan: Plan, start_ns: int) -> Traveller:
    """A traveller with a booking and a wish; on the day of the retry loop more of them look for other flights."""
    number = int(USERS * rng.random() ** 1.5)
    code = of_person(plan.seed, number, LANGUAGES)
    words = language("airline", code)
    intents = {intent: share for intent, share in INTENTS.items() if intent in words.units}
    if start_ns in plan.retry_loop and "delay_rebook" in intents:
        intents["delay_rebook"] = 0.9
    party = int(pick(rng, PARTIES))
    if party == 1:
        intents.pop("seats_together")
    elif party >= GROUP:
        intents["seats_together"] *= 2.5  # what groups write about most
    session = f"conv_{rng.getrandbits(48):012x}"
    return Traveller(
        code, pick(rng, CHANNELS), f"trav-{7000 + number}", session, pick(rng, intents), party, _facts(rng, code, party, start_ns)
    )


def _facts(rng: random.Random, code: str, party: int, start_ns: int) -> dict[str, str]:
    data = catalog()
    origin, goal = rng.sample(data["cities"]["air"], 2)
    ahead, row = rng.randrange(1, 24), rng.randrange(6, 31)
    flight = rng.randrange(101, 899)
    hour = rng.randrange(6, 22)
    facts = {
        "booking": "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=6)),
        "flight": f"NW {flight}",
        "flight2": f"NW {flight + rng.choice((2, 4, 10, 31))}",
        "origin": origin,
        "goal": goal,
        "hub": rng.choice(data["cities"]["hubs"]),
        "party": str(party),
        "seats": f"{row}A–{row}{'ABCDEF'[min(party, 6) - 1]}" if party > 1 else f"{row}{rng.choice('ACDF')}",
        "fee": money(code, rng.choice((15, 25, 35, 40, 50, 60, 75, 90, 120))),
        "amount": money(code, rng.randrange(8000, 64000) / 100 * party),
        "date": date_text(code, start_ns, ahead),
        "date2": date_text(code, start_ns, ahead + rng.choice((0, 1, 1, 2))),
        "hours": str(rng.randrange(2, 7)),
        "days": str(rng.randrange(3, 15)),
        "time": f"{hour:02}:{rng.choice((5, 10, 20, 35, 40, 55)):02}",
        "terminal": rng.choice("123"),
        "reference": f"{origin[:3].upper()}NW{rng.randrange(10_000, 99_999)}",
    }
    if party == 1:
        del facts["party"]  # lines that speak of several people are then left out
    people(rng, facts)
    return facts


def turns(rng: random.Random, plan: Plan, who: Traveller, start_ns: int) -> list[Turn]:
    """The whole conversation: the wish, the agent's offer, the yes; or being misunderstood until it works or they leave."""
    path, out = [who.intent], list[Turn]()
    limit = 10 if rng.random() < 0.05 else 6
    while path and len(out) < limit:
        unit = path.pop(0)
        outcome = _outcome(rng, plan, who, unit, start_ns, len(out))
        part = "ask_group" if unit == "not_helpful" and who.group and who.intent in FOR_ALL else "ask"
        out.append(Turn(unit, ask(rng, who.words, unit, who.facts, part), _answer(rng, who, unit, outcome), outcome))
        path = _next(rng, who, unit, outcome, len(out), limit)
    return out


def _next(rng: random.Random, who: Traveller, unit: str, outcome: Outcome, said: int, limit: int) -> list[str]:
    units = who.words.units
    if unit == "thanks" or outcome.trouble == "context":
        return []
    if limit > 6 and said < limit:
        return [rng.choice([name for name in ("how_much", "proof", "not_helpful", "confirm") if name in units])]
    if not outcome.success:
        return ["not_helpful"] if rng.random() < 0.6 and said < 5 else []
    if unit in _OFFERS:
        draw = rng.random()
        return ["confirm"] if draw < 0.66 else ["how_much"] if draw < 0.82 and "how_much" in units else []
    if unit == "how_much":
        return ["confirm"] if rng.random() < 0.6 else []
    draw = rng.random()
    return ["proof"] if draw < 0.15 and "proof" in units and unit != "proof" else ["thanks"] if draw < 0.55 else []


def _outcome(rng: random.Random, plan: Plan, who: Traveller, unit: str, now_ns: int, said: int) -> Outcome:
    if said >= 6 and rng.random() < 0.45:
        return Outcome(False, trouble="context")
    if now_ns in plan.retry_loop and unit in SEARCHES:
        return Outcome(rng.random() < 0.08, trouble="loop")
    if who.group and unit in FOR_ALL:
        return Outcome(rng.random() < _SUCCESS_GROUP, for_group=True)
    draw = rng.random()
    trouble: Trouble = "timeout" if draw < 0.012 else "invalid" if draw < 0.04 else "rate_limit" if draw < 0.046 else ""
    if trouble in ("timeout", "rate_limit") and unit in ("thanks", "how_much"):
        trouble = ""
    base = 0.97 if unit == "thanks" else _SUCCESS
    return Outcome(trouble not in ("timeout", "rate_limit") and rng.random() < base, trouble=trouble)


def _answer(rng: random.Random, who: Traveller, unit: str, outcome: Outcome) -> str:
    if outcome.trouble in ("context", "rate_limit"):
        return ""
    if outcome.success:
        return who.words.say(rng, unit, "good", who.facts)
    limited = outcome.for_group and who.words.has(unit, "poor_group")
    return who.words.say(rng, unit, "poor_group" if limited else "poor", who.facts)
