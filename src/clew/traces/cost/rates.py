"""What a call's tokens cost: plain numbers in, nano-dollars out. The arithmetic is in whole numbers, so that SQL can do exactly the same.

A rate is an integer of 1e-18 US dollars (atto-dollars) per token: a list price of up to twelve decimals per million tokens is exact.
Counts are inclusive: the input holds what was read from and written to a cache and the audio, the output holds reasoning and audio.
"""

from __future__ import annotations

from dataclasses import dataclass

ATTO_PER_NANO = 1_000_000_000
MAX_COUNT = 10**10  # tokens of one call; more is a defect of the sender. With the dearest own price the cost still fits 64 bits of nanos.

WHOLE = {"cache_read": "input", "cache_write": "input", "audio_input": "input", "reasoning": "output", "audio_output": "output"}


@dataclass(frozen=True)
class Usage:
    """Token counts of one call as they were told; None = not told. ``uncached`` stands in only where the input's total is missing."""

    input_total: int | None = None
    uncached: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None

    @property
    def told(self) -> bool:
        """Whether the call tells of any tokens at all."""
        return any(count is not None for count in vars(self).values())

    @property
    def input(self) -> int | None:
        """The whole input, put together from its parts where its total was not told."""
        if self.input_total is not None or self.uncached is None:
            return self.input_total
        return self.uncached + (self.cache_read or 0) + (self.cache_write or 0)


@dataclass(frozen=True)
class Rates:
    """Atto-dollars per token, and per request. A part that has no price of its own carries its whole's rate."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    audio_input: int
    reasoning: int
    audio_output: int
    request: int = 0


@dataclass(frozen=True)
class Tier:
    """Rates of a whole request whose input is more than ``above`` tokens; the base tier has -1."""

    above: int
    rates: Rates


@dataclass(frozen=True)
class RateCard:
    """The price of one model at one time.

    ``version`` names where the numbers come from (package, its version and the price's id, or the id of an own price).
    It holds within [from_ns, to_ns); None = no bound on that side. ``text_only``: audio costs extra, but how much is not stated.
    """

    tiers: tuple[Tier, ...]
    version: str
    own: bool = False
    text_only: bool = False
    from_ns: int | None = None
    to_ns: int | None = None

    def tier(self, input_tokens: int) -> Tier:
        """The tier that a whole request with this input is charged by."""
        return [tier for tier in self.tiers if tier.above < input_tokens or tier.above < 0][-1]

    def charges(self, part: str) -> bool:
        """Whether some tier asks something for this part."""
        return any(getattr(tier.rates, part) for tier in self.tiers)

    def apart(self, part: str, whole: str) -> bool:
        """Whether some tier charges a part differently from its whole."""
        return any(getattr(tier.rates, part) != getattr(tier.rates, whole) for tier in self.tiers)


@dataclass(frozen=True)
class Unknown:
    """A cost that cannot be known, and why."""

    reason: str


@dataclass(frozen=True)
class Line:
    """One line of a span's invoice: so many tokens of one kind at one rate (atto-dollars)."""

    what: str
    count: int
    rate: int

    @property
    def atto(self) -> int:
        return self.count * self.rate


NO_PRICE = Unknown("no price is known for this model")
NO_USAGE = Unknown("the span tells of no tokens")


def invoice(card: RateCard, usage: Usage) -> tuple[Line, ...] | Unknown:
    """The lines whose sum is the cost, or why there is none. Lines of zero tokens are left out."""
    counts = _charged_counts(card, usage)
    if isinstance(counts, Unknown):
        return counts
    rates = card.tier(counts["input"]).rates
    text = counts["input"] - counts["cache_read"] - counts["cache_write"] - counts["audio_input"]
    answer = counts["output"] - counts["reasoning"] - counts["audio_output"]
    lines = (
        Line("input", text, rates.input),
        Line("cache read", counts["cache_read"], rates.cache_read),
        Line("cache write", counts["cache_write"], rates.cache_write),
        Line("audio input", counts["audio_input"], rates.audio_input),
        Line("output", answer, rates.output),
        Line("reasoning", counts["reasoning"], rates.reasoning),
        Line("audio output", counts["audio_output"], rates.audio_output),
        Line("request", 1 if rates.request else 0, rates.request),
    )
    return tuple(line for line in lines if line.count)


def cost_nanos(card: RateCard | None, usage: Usage) -> int | Unknown:
    """The cost in nano-dollars, rounded half up, or why it cannot be known. Never 0 for unknown."""
    if not usage.told:
        return NO_USAGE
    if card is None:
        return NO_PRICE
    lines = invoice(card, usage)
    if isinstance(lines, Unknown):
        return lines
    return (sum(line.atto for line in lines) + ATTO_PER_NANO // 2) // ATTO_PER_NANO


def micros(nanos: int) -> int:
    """Nano-dollars as whole micro-dollars, rounded half up: what pages and the API show."""
    return (nanos + 500) // 1000


def _charged_counts(card: RateCard, usage: Usage) -> dict[str, int] | Unknown:
    """The counts that take part in the price. A part charged like its whole is left inside the whole, right or wrong."""
    whole, answer = usage.input, usage.output
    if any(count is not None and not 0 <= count <= MAX_COUNT for count in (*vars(usage).values(), whole)):
        return Unknown("a token count is negative or beyond belief")
    counts = {part: (getattr(usage, part) or 0) if card.apart(part, of) else 0 for part, of in WHOLE.items()}
    if card.text_only and (usage.audio_input or usage.audio_output):
        return Unknown("the price of audio is not known for this model")
    charged_inside = counts["cache_read"] or counts["cache_write"] or counts["audio_input"]
    if whole is None and (card.charges("input") or len(card.tiers) > 1 or charged_inside):
        return Unknown("the input tokens were not told")
    if answer is None and (card.charges("output") or counts["reasoning"] or counts["audio_output"]):
        return Unknown("the output tokens were not told")
    counts |= {"input": whole or 0, "output": answer or 0}
    if counts["audio_input"] and (counts["cache_read"] or counts["cache_write"]):
        return Unknown("how much of the cached input is audio was not told")
    if counts["cache_read"] + counts["cache_write"] + counts["audio_input"] > counts["input"]:
        return Unknown("the parts of the input are more than the input")
    if counts["reasoning"] + counts["audio_output"] > counts["output"]:
        return Unknown("the parts of the output are more than the output")
    return counts
