"""What people say afterwards: thumbs of customers, a few comments, a satisfaction mark at the end, and a colleague's review of a sample."""

from __future__ import annotations

import random
from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.core.clock import NS_PER_S
from clew.demo.plan import HOUR_NS, Plan
from clew.demo.spans import Trace, TraceBuilder, Value, carrier, json_text, put
from clew.demo.talk import Turn
from clew.demo.words import catalog

_REVIEWERS = ("mara.k", "deniz.a", "jo.p")


def after_turn(rng: random.Random, plan: Plan, trace: Trace, turn: Turn, common: dict[str, Value]) -> Iterator[Trace]:
    """Feedback on one turn; most turns get none."""
    target, good = trace.spans[-1], turn.outcome.success
    if turn.unit != "thanks" and rng.random() < (0.3 if good else 0.4):
        at = trace.end_ns + int(rng.uniform(3, 40) * NS_PER_S)
        yield carrier(rng, at, target, _thumb(rng, turn), common).done(trace.project, trace.service_version)
    if rng.random() < 0.035:
        at = trace.end_ns + int(rng.uniform(2, 30) * HOUR_NS)
        if at < plan.until_ns - NS_PER_S:
            yield carrier(rng, at, target, _review(rng, good, turn), common).done(trace.project, trace.service_version)


def _thumb(rng: random.Random, turn: Turn) -> dict[str, Value]:
    good, comments = turn.outcome.success, catalog()["comments"]
    up = rng.random() < (0.93 if good else 0.1)
    told: dict[str, Value] = {"name": "user_thumbs", "score": 1.0 if up else 0.0, "label": "up" if up else "down", "annotator_kind": "USER"}
    if rng.random() < (0.15 if up else 0.45):
        kind = "up" if up else "language" if turn.outcome.wrong_language else "group" if turn.outcome.for_group else "down"
        told["explanation"] = rng.choice(comments[kind])
    return told


def _review(rng: random.Random, good: bool, turn: Turn) -> dict[str, Value]:
    """A person's verdict; people and the judge agree nine times in ten."""
    correct = good if rng.random() < 0.9 else not good
    return {
        "name": "review",
        "score": 1.0 if correct else 0.0,
        "label": "correct" if correct else "wrong",
        "annotator_kind": "HUMAN",
        "identifier": rng.choice(_REVIEWERS),
        "metadata": json_text({"queue": "weekly sample"}),
        "explanation": turn.outcome.reason if correct == good else "Read again: I see it differently from the judge.",
    }


def after_session(rng: random.Random, last: Trace, turns: list[Turn], session: str, common: dict[str, Value]) -> Iterator[Trace]:
    """Now and then a mark from 1 to 5 for the whole conversation."""
    if rng.random() > 0.14:
        return
    share = sum(turn.outcome.success for turn in turns) / len(turns)
    mark = min(5, max(1, round(rng.gauss(1.6 + 3.1 * share, 0.8))))
    builder = TraceBuilder(rng, common)
    at = last.end_ns + int(rng.uniform(5, 90) * NS_PER_S)
    span: Span = builder.open("feedback", at, {"openinference.span.kind": "EVALUATOR", "session.id": session})
    put(span, {"session.annotations.0.annotation.name": "csat", "session.annotations.0.annotation.score": float(mark)})
    put(span, {"session.annotations.0.annotation.annotator_kind": "USER"})
    builder.close(span, at + 300_000 + rng.randrange(900_000))
    yield builder.done(last.project, last.service_version)
