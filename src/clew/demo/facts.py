"""What was planted in the demo, measured on the generated spans: where to look, against what, how large it is, and on how many cases."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from clew.core.clock import NS_PER_DAY, NS_PER_MS, iso, now_ns
from clew.demo import airline, shop
from clew.demo.airline_talk import GROUP
from clew.demo.generate import generate
from clew.demo.observe import Seen, SeenTrace, observe
from clew.demo.plan import Plan, Window

Measure = Literal["mean", "median"]
Comparison = Literal["difference", "ratio"]

_WEEKEND = (2, 3)  # days since 1970-01-01, a Thursday, modulo 7: Saturday and Sunday


@dataclass(frozen=True)
class Sample:
    """A value and the number of cases behind it."""

    value: float
    n: int


@dataclass(frozen=True)
class Fact:
    """One planted fact.

    ``where`` and ``versus`` are filters over ``scope`` (spans or traces) that find the cases and those to compare with. ``least`` is the
    smallest size that was planted, with its sign for a difference; a ratio below 1 says that it got smaller.
    """

    key: str
    project: str
    title: str
    scope: Literal["span", "trace"]
    measure: str
    where: str
    versus: str
    found: Sample
    compared: Sample
    comparison: Comparison
    least: float

    @property
    def size(self) -> float:
        """How large the effect is."""
        if self.comparison == "difference":
            return self.found.value - self.compared.value
        return self.found.value / self.compared.value

    @property
    def holds(self) -> bool:
        """Whether it is as large as was planted."""
        grows = self.least > (0.0 if self.comparison == "difference" else 1.0)
        return self.size >= self.least if grows else self.size <= self.least


def planted_facts(seed: int = 1, until_ns: int | None = None) -> list[Fact]:
    """The facts of ``generate(seed, until_ns)``; makes the spans and measures them."""
    end = now_ns() if until_ns is None else until_ns
    return measure(Plan(seed, end), observe(generate(seed, end)))


def measure(plan: Plan, traces: Iterable[SeenTrace]) -> list[Fact]:
    """The facts on traces that are already there, in the order of docs/demo.md."""
    every = list(traces)
    bought = [trace for trace in every if trace.project == shop.PROJECT]
    flown = [trace for trace in every if trace.project == airline.PROJECT]
    bought_spans, flown_spans = _spans(bought), _spans(flown)
    return [
        *_prompt(bought),
        _dear_model(bought_spans),
        _slow_search(plan, bought_spans),
        _rate_limited(plan, bought_spans),
        _caching(plan, bought_spans),
        _weekend(plan, bought),
        _groups(flown),
        _retry_loop(plan, flown),
        _faster_model(flown_spans),
        _slow_bookings(plan, flown_spans),
    ]


def _spans(traces: Iterable[SeenTrace]) -> list[Seen]:
    return [span for trace in traces for span in trace.spans]


def _moment(ns: int) -> str:
    text = iso(ns)
    return text[:10] if ns % NS_PER_DAY == 0 else f'"{text[:16]}Z"'


def _during(window: Window) -> str:
    return f"start >= {_moment(window.start_ns)} and start < {_moment(window.end_ns)}"


def _sample(values: Iterable[float], how: Measure = "mean") -> Sample:
    known = list(values)
    if not known:
        return Sample(float("nan"), 0)
    return Sample(statistics.median(known) if how == "median" else statistics.fmean(known), len(known))


def _score(name: str, traces: Iterable[SeenTrace]) -> Sample:
    return _sample(trace.scores[name] for trace in traces if name in trace.scores)


def _prompt(traces: list[SeenTrace]) -> list[Fact]:
    """Prompt v7: better over all, worse for those who write German."""
    old, new = ([trace for trace in traces if trace.prompt_version == version] for version in ("v6", "v7"))
    german_old, german_new = ([trace for trace in group if trace.root.text("app.language") == "de"] for group in (old, new))
    rows = (
        ("prompt-v7-better", "Prompt v7 made answers better over all", "task_success", "", new, old, 0.04),
        (
            "prompt-v7-german",
            "Prompt v7 made answers worse for customers who write German",
            "task_success",
            "de",
            german_new,
            german_old,
            -0.15,
        ),
        ("prompt-v7-thumbs", "These customers say so themselves", "user_thumbs", "de", german_new, german_old, -0.1),
        ("prompt-v7-language", "Because they are answered in English", "language_match", "de", german_new, german_old, -0.4),
    )
    out = []
    for key, title, score, language, found, compared, least in rows:
        where, versus = (
            f'prompt_version = "{version}"' + (f' and attr.app.language = "{language}"' if language else "") + f" and score.{score} exists"
            for version in ("v7", "v6")
        )
        mean = f"mean of score {score}"
        out.append(
            Fact(key, shop.PROJECT, title, "trace", mean, where, versus, _score(score, found), _score(score, compared), "difference", least)
        )
    return out


def _dear_model(spans: list[Seen]) -> Fact:
    dear, usual = ([span for span in spans if span.kind == "LLM" and span.model == model] for model in (shop.DEAR_MODEL, shop.MODEL))
    where, versus = (f'kind = LLM and status != error and model_asked = "{model}"' for model in (shop.DEAR_MODEL, shop.MODEL))
    out = [_sample(_answered(group)) for group in (dear, usual)]
    title = f"One tenant's assistant ran on {shop.DEAR_MODEL} for two days"
    return Fact("dear-model", shop.PROJECT, title, "span", "mean output tokens a call", where, versus, out[0], out[1], "ratio", 10.0)


def _answered(spans: Iterable[Seen]) -> list[float]:
    """Output tokens of the calls that were answered."""
    return [float(span.count("llm.token_count.completion")) for span in spans if not span.failed]


def _slow_search(plan: Plan, spans: list[Seen]) -> Fact:
    found, compared = _medians(plan.slow_search, [span for span in spans if span.kind == "RETRIEVER"])
    during = _during(plan.slow_search)
    where, versus = f"kind = RETRIEVER and {during}", f"kind = RETRIEVER and not ({during})"
    return Fact(
        "slow-search", shop.PROJECT, "Retrieval was slow for a day", "span", "median ms", where, versus, found, compared, "ratio", 2.5
    )


def _medians(window: Window, spans: Iterable[Seen]) -> tuple[Sample, Sample]:
    """Median milliseconds within the window and outside of it."""
    sides: tuple[list[float], list[float]] = ([], [])
    for span in spans:
        sides[span.start_ns not in window].append(span.duration_ns / NS_PER_MS)
    return _sample(sides[0], "median"), _sample(sides[1], "median")


def _rate_limited(plan: Plan, spans: list[Seen]) -> Fact:
    window, sides = plan.rate_limited, list[list[float]]([[], []])
    for span in spans:
        if span.kind == "LLM":
            sides[span.start_ns not in window].append(float(span.text("error.type") == "RateLimitError"))
    during, share = _during(window), "share with error RateLimitError"
    where, versus = f"kind = LLM and {during}", f"kind = LLM and not ({during})"
    title = "The model's provider turned calls away for six hours"
    return Fact("rate-limited", shop.PROJECT, title, "span", share, where, versus, _sample(sides[0]), _sample(sides[1]), "difference", 0.2)


def _caching(plan: Plan, spans: list[Seen]) -> Fact:
    since, sides = plan.caching_on_ns, list[list[float]]([[], []])
    for span in spans:
        if prompt := span.count("llm.token_count.prompt") if span.kind == "LLM" else 0:
            sides[span.start_ns < since].append(span.count("llm.token_count.prompt_details.cache_read") / prompt)
    moment, share = _moment(since), "mean share of input tokens read from the cache"
    where, versus = (f"kind = LLM and input_tokens exists and start {op} {moment}" for op in (">=", "<"))
    title = "Moving the time out of the prompt's first line let the provider cache it"
    return Fact("caching", shop.PROJECT, title, "span", share, where, versus, _sample(sides[0]), _sample(sides[1]), "difference", 0.3)


def _weekend(plan: Plan, traces: list[SeenTrace]) -> Fact:
    """Traces a day on whole Saturdays and Sundays against whole other days."""
    first, last = plan.start_ns // NS_PER_DAY + 1, plan.until_ns // NS_PER_DAY
    days = dict.fromkeys(range(first, last), 0.0)
    for trace in traces:
        day = trace.root.start_ns // NS_PER_DAY
        if day in days:
            days[day] += 1
    weekend, week = ([count for day, count in days.items() if (day % 7 in _WEEKEND) is side] for side in (True, False))
    where, versus = (_days([day for day in days if (day % 7 in _WEEKEND) is side]) for side in (True, False))
    return Fact(
        "weekend",
        shop.PROJECT,
        "Weekends are busier",
        "trace",
        "traces a day (n: days)",
        where,
        versus,
        _sample(weekend),
        _sample(week),
        "ratio",
        1.15,
    )


def _days(days: list[int]) -> str:
    """The filter for some days, neighbours as one stretch."""
    firsts = [day for day in days if day - 1 not in days]
    lasts = [day for day in days if day + 1 not in days]
    pairs = zip(firsts, lasts, strict=True)
    return (
        'name = "answer_customer" and ('
        + " or ".join(f"({_during(Window(first * NS_PER_DAY, (last + 1) * NS_PER_DAY))})" for first, last in pairs)
        + ")"
    )


def _groups(traces: list[SeenTrace]) -> Fact:
    sides: list[list[SeenTrace]] = [[], []]
    for trace in traces:
        sides[trace.root.count("app.party_size") < GROUP].append(trace)
    where, versus = (
        f"attr.app.party_size >= {GROUP} and score.task_success exists",
        f"attr.app.party_size < {GROUP} and score.task_success exists",
    )
    found, compared = (_score("task_success", side) for side in sides)
    title = f"Parties of {GROUP} and more are served badly: two tools take four passengers at most"
    return Fact(
        "groups", airline.PROJECT, title, "trace", "mean of score task_success", where, versus, found, compared, "difference", -0.15
    )


def _retry_loop(plan: Plan, traces: list[SeenTrace]) -> Fact:
    sides: list[list[float]] = [[], []]
    for trace in traces:
        if any(span.text("gen_ai.tool.name") == "search_flights" for span in trace.spans):
            sides[trace.root.start_ns not in plan.retry_loop].append(float(len(trace.spans)))
    during = _during(plan.retry_loop)
    where, versus = f'tool = "search_flights" and {during}', f'tool = "search_flights" and not ({during})'
    title = "The flight search timed out for a day and the agent asked again and again"
    return Fact(
        "retry-loop",
        airline.PROJECT,
        title,
        "trace",
        "mean spans a trace",
        where,
        versus,
        _sample(sides[0]),
        _sample(sides[1]),
        "ratio",
        1.7,
    )


def _faster_model(spans: list[Seen]) -> Fact:
    found, compared = (
        _sample(
            [span.duration_ns / NS_PER_MS for span in spans if span.kind == "chat" and span.model == model and not span.failed], "median"
        )
        for model in (airline.FASTER_MODEL, airline.MODEL)
    )
    where, versus = (f'kind = LLM and status != error and model_asked = "{model}"' for model in (airline.FASTER_MODEL, airline.MODEL))
    title = f"{airline.FASTER_MODEL} answers faster than {airline.MODEL} did"
    return Fact("faster-model", airline.PROJECT, title, "span", "median ms", where, versus, found, compared, "ratio", 0.6)


def _slow_bookings(plan: Plan, spans: list[Seen]) -> Fact:
    found, compared = _medians(plan.slow_bookings, [span for span in spans if span.kind == "execute_tool" and not span.failed])
    during = _during(plan.slow_bookings)
    where, versus = f"kind = TOOL and status != error and {during}", f"kind = TOOL and status != error and not ({during})"
    title = "The reservation system was slow for a day"
    return Fact("slow-bookings", airline.PROJECT, title, "span", "median ms", where, versus, found, compared, "ratio", 2.5)
