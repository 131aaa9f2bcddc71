"""The demo's spans as OTLP requests: two products, two weeks, the same for the same seed and end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.core.clock import now_ns
from clew.demo import airline, shop
from clew.demo.airline_talk import Traveller
from clew.demo.feedback import after_session, after_turn
from clew.demo.plan import Plan, airline_starts, shop_starts
from clew.demo.shop_talk import Customer
from clew.demo.spans import Trace, Value, put
from clew.demo.talk import Turn

PROJECTS = (shop.PROJECT, airline.PROJECT)
DEFAULT_SESSIONS = 1700
_SHOP_SHARE = 0.6
_BATCH = 300

Session = Callable[[random.Random, Plan, int], Iterator[tuple[Trace, Turn, Customer | Traveller]]]


def generate(
    seed: int = 1, until_ns: int | None = None, days: int = 14, sessions: int = DEFAULT_SESSIONS
) -> Iterator[ExportTraceServiceRequest]:
    """Requests in the order of time, of at most 300 spans (a longer trace alone); all spans lie in the ``days`` before ``until_ns``."""
    plan = Plan(seed, now_ns() if until_ns is None else until_ns, days)
    batch, held = list[Trace](), 0
    for trace in _traces(plan, sessions):
        if batch and held + len(trace.spans) > _BATCH:
            yield _request(batch)
            batch, held = [], 0
        batch.append(trace)
        held += len(trace.spans)
    if batch:
        yield _request(batch)


def _traces(plan: Plan, sessions: int) -> list[Trace]:
    """All traces in the order in which they ended, which is the order in which an exporter sends them."""
    rng = random.Random(f"{plan.seed} rhythm")
    shops = round(sessions * _SHOP_SHARE)
    out: list[Trace] = []
    for start in shop_starts(rng, plan, shops):
        out += _session(shop.session, rng, plan, start)
    for start in airline_starts(rng, plan, sessions - shops):
        out += _session(airline.session, rng, plan, start)
    return sorted(out, key=lambda trace: trace.end_ns)


def _session(make: Session, outer: random.Random, plan: Plan, start_ns: int) -> Iterator[Trace]:
    """One conversation with its feedback, from a source of chance of its own."""
    rng, told = random.Random(outer.getrandbits(64)), list[Turn]()
    for trace, turn, who in make(rng, plan, start_ns):
        told.append(turn)
        yield trace
        yield from after_turn(rng, plan, trace, turn, _who(who))
    yield from after_session(rng, trace, told, who.session, _who(who))


def _who(who: Customer | Traveller) -> dict[str, Value]:
    """What feedback says about its author."""
    return {"user.id": who.user, "app.language": who.code}


def _request(batch: list[Trace]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    groups: dict[tuple[str, str], list[Trace]] = {}
    for trace in batch:
        groups.setdefault((trace.project, trace.service_version), []).append(trace)
    for (project, version), traces in groups.items():
        resource = request.resource_spans.add()
        put(resource.resource, _resource(project, version))
        scope = resource.scope_spans.add()
        scope.scope.name, scope.scope.version = _SCOPES[project]
        for trace in traces:
            scope.spans.extend(trace.spans)
    return request


_SCOPES = {shop.PROJECT: ("openinference.instrumentation.openai", "0.1.41"), airline.PROJECT: ("northway.agent", "2.3")}


def _resource(project: str, version: str) -> dict[str, Value]:
    return {
        "service.name": project,
        "clew.project.name": project,
        "service.version": version,
        "service.instance.id": f"{project}-1",
        "deployment.environment.name": "production",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
    }
