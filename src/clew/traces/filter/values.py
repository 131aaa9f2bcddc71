"""Values as people write them: ``2s``, ``$0.01``, ``4k``, ``2026-11-20T10:00:00Z``, and back to text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from clew.core.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, iso
from clew.core.errors import FilterError
from clew.traces.filter.fields import FieldType, nearest, spec, type_of, values_of
from clew.traces.filter.tokens import Token, shown
from clew.traces.filter.tree import FieldRef, Op, Value

INT64 = 2**63 - 1
NANOS_PER_DOLLAR = 1_000_000_000
MINUTE, HOUR = 60 * NS_PER_S, 3600 * NS_PER_S

#: Lengths of time, in ns.
DURATIONS: Mapping[str, int] = MappingProxyType(
    {
        "ns": 1, "us": 1000, "µs": 1000, "ms": NS_PER_MS, "s": NS_PER_S, "m": MINUTE, "min": MINUTE,
        "h": HOUR, "d": NS_PER_DAY, "w": 7 * NS_PER_DAY,
    }
)  # fmt: skip
THOUSANDS: Mapping[str, int] = MappingProxyType({"k": 1000, "M": 1_000_000})

_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)(.*)", re.DOTALL | re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII | re.IGNORECASE
)
_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_DIGITS = {"trace": 32, "span": 16, "parent": 16}

#: What a value of each type looks like, for messages and completion.
EXAMPLES: Mapping[FieldType, tuple[str, ...]] = MappingProxyType(
    {
        "text": ('"a text"',),
        "many": ('"a text"',),
        "count": ("100", "4k"),
        "number": ("0.5", "1"),
        "duration": ("2s", "500ms", "1.5m"),
        "money": ("$0.01", "0.5"),
        "moment": ("2026-11-20", '"2026-11-20T10:00:00Z"'),
        "since": ("24h", "7d", "2026-11-20"),
        "dynamic": ("3", '"a text"', "true"),
        "flag": ("true", "false"),
        "id": ("32 or 16 hex digits",),
    }
)


class _Wrong(Exception):
    """A value that cannot be read; the message says what was found."""


def read_value(token: Token, ref: FieldRef, op: Op) -> Value:
    """The value of a word or quoted text, by the type of the field. Raises FilterError at the token."""
    kind: FieldType = "text" if op in ("~", "!~") else type_of(ref)
    try:
        value = _READERS[kind](token, ref)
        if kind == "dynamic" and op in ("<", "<=", ">", ">=") and value.kind not in ("whole", "real"):
            raise _Wrong(f"{shown(token.text)} is not a number, and {op} compares numbers")
        if value.raw == "" and (kind != "dynamic" or op in ("~", "!~")):
            raise _Wrong(f"an empty text is found nowhere; for a field without a value write {ref.name} missing")
    except _Wrong as wrong:
        expected = examples(ref, op)
        message = f"{wrong} (character {token.start + 1}); expected {listed(expected)}"
        raise FilterError(message, position=token.start, expected=expected) from None
    return value


def examples(ref: FieldRef, op: Op) -> tuple[str, ...]:
    """What may stand as a value of this field after this operator."""
    if op in ("~", "!~"):
        return EXAMPLES["text"]
    kind = type_of(ref)
    if kind == "id":
        return (f"{_DIGITS[ref.name]} hex digits",)
    return values_of(ref) or EXAMPLES.get(kind, ())


def listed(options: tuple[str, ...]) -> str:
    """What could stand somewhere, as a message says it."""
    return " or ".join([", ".join(options[:-1]), options[-1]]) if len(options) > 1 else "".join(options)


def _text(token: Token, ref: FieldRef) -> Value:
    return Value("text", token.text)


def _choice(token: Token, ref: FieldRef) -> Value:
    known = spec(ref).values
    for value in known:
        if value.lower() == token.text.lower():
            return Value("text", value)
    meant = nearest(token.text, known)
    raise _Wrong(f"{ref.name} is never {shown(token.text)}" + (f"; did you mean {meant}?" if meant else ""))


def _id(token: Token, ref: FieldRef) -> Value:
    digits = _DIGITS[ref.name]
    if len(token.text) != digits or not _HEX.fullmatch(token.text):
        raise _Wrong(f"{shown(token.text)} is not the id of a {'trace' if digits == 32 else 'span'}")
    return Value("text", token.text.lower())


def _flag(token: Token, ref: FieldRef) -> Value:
    if token.keyword not in ("true", "false"):
        raise _Wrong(f"{shown(token.text)} is neither true nor false")
    return Value("flag", token.keyword == "true")


def _split(token: Token) -> tuple[Decimal, str]:
    """The number a word begins with, and what follows it."""
    match = _NUMBER.fullmatch(token.text.strip())
    if match is None:
        raise _Wrong(f"{shown(token.text)} is not a number")
    try:
        return Decimal(match[1]), match[2].strip()
    except InvalidOperation:
        raise _Wrong(f"{shown(token.text)} is not a number") from None


def _whole(number: Decimal, token: Token, what: str) -> Value:
    if number != number.to_integral_value():
        raise _Wrong(f"{shown(token.text)} is not a whole number of {what}")
    if abs(number) > INT64:
        raise _Wrong(f"{shown(token.text)} is too large")
    return Value("whole", int(number))


def _scaled(token: Token, units: Mapping[str, int], what: str) -> Value:
    number, unit = _split(token)
    factor = units.get(unit) or units.get(unit.lower())
    if factor is None and (unit or number):
        known = f"has the unit {shown(unit)}, known are {', '.join(units)}"
        wanted = known if unit else f"has no unit; write {token.text}s or {token.text}ms"
        raise _Wrong(f"{shown(token.text)} {wanted}")
    return _whole(number * (factor or 1), token, what)


def _duration(token: Token, ref: FieldRef) -> Value:
    return _scaled(token, DURATIONS, "nanoseconds")


def _count(token: Token, ref: FieldRef) -> Value:
    number, unit = _split(token)
    factor = 1 if not unit else THOUSANDS.get(unit) or THOUSANDS.get(unit.lower())
    if factor is None:
        raise _Wrong(f"{shown(token.text)} has the unit {shown(unit)}, known are {', '.join(THOUSANDS)}")
    return _whole(number * factor, token, ref.name.replace("_", " "))


def _money(token: Token, ref: FieldRef) -> Value:
    text = token.text.removeprefix("$").removesuffix("$")
    number, unit = _split(Token("word", text, token.start, token.end))
    factor = 1 if not unit else THOUSANDS.get(unit) or THOUSANDS.get(unit.lower())
    if factor is None:
        raise _Wrong(f"{shown(token.text)} has the unit {shown(unit)}; costs are in US dollars")
    return _whole(number * factor * NANOS_PER_DOLLAR, token, "billionths of a dollar")


def _number(token: Token, ref: FieldRef) -> Value:
    if token.keyword in ("true", "false"):
        return Value("whole", int(token.keyword == "true"))
    number, unit = _split(token)
    if unit:
        raise _Wrong(f"{shown(token.text)} has the unit {shown(unit)}, a {ref.name} has none")
    return _plain(number)


def _plain(number: Decimal) -> Value:
    if number == number.to_integral_value() and abs(number) <= INT64:
        return Value("whole", int(number))
    real = float(number)
    if real in (float("inf"), float("-inf")):
        raise _Wrong(f"{number} is too large")
    return Value("whole", int(real)) if real == int(real) and abs(real) < 2**63 else Value("real", real)


def _dynamic(token: Token, ref: FieldRef) -> Value:
    """The type is the value's own: a bare true, false or number, else a text. In quotes it is always a text."""
    if token.kind == "word" and token.keyword in ("true", "false"):
        return Value("flag", token.keyword == "true")
    match = _NUMBER.fullmatch(token.text) if token.kind == "word" else None
    return _plain(Decimal(match[1])) if match and not match[2] else Value("text", token.text)


def _moment(token: Token, ref: FieldRef) -> Value:
    match = _MOMENT.fullmatch(token.text.strip())
    if match is None:
        raise _Wrong(f"{shown(token.text)} is not a date or time")
    day, clock, seconds, fraction, zone = match.groups()
    shift = "+00:00" if zone in (None, "Z", "z") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}:{seconds or '00'}{shift}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Wrong(f"{shown(token.text)} is not a date or time of the calendar") from None
    ns = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * NS_PER_S + int((fraction or "0").ljust(9, "0"))
    if abs(ns) > INT64:
        raise _Wrong(f"{shown(token.text)} is not between the years 1678 and 2262")
    return Value("moment", ns)


def _since(token: Token, ref: FieldRef) -> Value:
    if _MOMENT.fullmatch(token.text.strip()):
        return _moment(token, ref)
    value = _scaled(token, DURATIONS, "nanoseconds")
    return Value("ago", value.raw)


def _presence(token: Token, ref: FieldRef) -> Value:
    raise _Wrong(f"{ref.name} without a name has no value; write score.NAME")


_READERS: Mapping[FieldType, Callable[[Token, FieldRef], Value]] = MappingProxyType(
    {
        "text": _text, "many": _text, "choice": _choice, "id": _id, "flag": _flag, "count": _count, "number": _number,
        "duration": _duration, "money": _money, "moment": _moment, "since": _since, "dynamic": _dynamic, "presence": _presence,
    }
)  # fmt: skip


def units_of(ref: FieldRef) -> tuple[str, ...]:
    """The units that may follow a number of this field after a space."""
    kind = type_of(ref)
    return tuple(DURATIONS) if kind in ("duration", "since") else tuple(THOUSANDS) if kind in ("count", "money") else ()


def duration_text(ns: int) -> str:
    """The shortest whole form: ``1500ms``, ``90s``, ``24h``, ``7d``."""
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        count, rest = divmod(ns, DURATIONS[unit])
        if ns and not rest and (abs(count) > 1 or unit not in ("w", "d")):
            return f"{count}{unit}"
    return f"{ns}ns"


def money_text(nanos: int) -> str:
    """Dollars without needless zeros: ``$0.01``."""
    sign, (dollars, rest) = "-" if nanos < 0 else "", divmod(abs(nanos), NANOS_PER_DOLLAR)
    cents = f"{rest:09d}".rstrip("0")
    return f"${sign}{dollars}" + (f".{cents}" if cents else "")


def moment_text(ns: int) -> str:
    """The moment in UTC with no more digits than it needs."""
    full = iso(ns)
    if full.endswith("T00:00:00.000000000Z"):
        return full[:10]
    return full[:-1].rstrip("0").rstrip(".") + "Z"
