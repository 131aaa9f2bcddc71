"""The airline agent's traces, one a turn, in the current gen_ai dialect: invoke_agent over chat and execute_tool."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from clew.core.clock import NS_PER_MS, NS_PER_S
from clew.demo.airline_talk import Traveller, traveller, turns
from clew.demo.airline_text import CALLS, INSTRUCTIONS, ON_CONFIRM, TOOLS, definitions
from clew.demo.plan import Plan, around
from clew.demo.spans import CLIENT, Trace, TraceBuilder, Value, json_text
from clew.demo.talk import Turn
from clew.demo.words import tokens

PROJECT = "airline-agent"
MODEL, FASTER_MODEL, PLANNER = "claude-sonnet-4-5", "claude-haiku-4-5", "gpt-5-mini"
_ANSWERED = {MODEL: "claude-sonnet-4-5-20250929", FASTER_MODEL: "claude-haiku-4-5-20251001", PLANNER: "gpt-5-mini-2025-08-07"}
_HOST = {MODEL: "api.anthropic.com", FASTER_MODEL: "api.anthropic.com", PLANNER: "api.openai.com"}
_MS_PER_TOKEN = {MODEL: 15.0, FASTER_MODEL: 6.2, PLANNER: 8.0}
_FIRST_TOKEN_MS = {MODEL: 920.0, FASTER_MODEL: 410.0, PLANNER: 640.0}
_CACHE_LEAST = 1024
_SLOWER = 4.5  # how much slower the reservation system was on its bad day
_LOOPS = (6, 7, 8, 8, 9, 10)  # searches that a looping turn makes

Message = dict[str, Any]


@dataclass
class Conversation:
    """What lasts from turn to turn."""

    rng: random.Random
    plan: Plan
    who: Traveller
    model: str
    history: list[Message] = field(default_factory=list)
    cached: int = 0


@dataclass
class Running:
    """One turn while its spans are made."""

    talk: Conversation
    turn: Turn
    build: TraceBuilder
    root: Span
    now: int

    @property
    def rng(self) -> random.Random:
        return self.talk.rng


def session(rng: random.Random, plan: Plan, start_ns: int) -> Iterator[tuple[Trace, Turn, Traveller]]:
    """All traces of one conversation."""
    who = traveller(rng, plan, start_ns)
    talk = Conversation(rng, plan, who, FASTER_MODEL if start_ns >= plan.faster_model_ns else MODEL)
    now = start_ns
    for turn in turns(rng, plan, who, start_ns):
        trace = _turn(talk, turn, now)
        yield trace, turn, who
        now = trace.end_ns + around(rng, 24_000, 0.5)


def _text(role: str, text: str, **more: str) -> Message:
    return {"role": role, "parts": [{"type": "text", "content": text}], **more}


def _turn(talk: Conversation, turn: Turn, start_ns: int) -> Trace:
    who = talk.who
    common: dict[str, Value] = {
        "gen_ai.conversation.id": who.session,
        "user.id": who.user,
        "app.channel": who.channel,
        "app.language": who.code,
        "app.party_size": who.party,
    }
    build = TraceBuilder(talk.rng, common)
    asked: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.agent.name": "booking_agent",
        "gen_ai.agent.id": "agt_northway_booking",
        "gen_ai.agent.version": "2.3" if talk.model == FASTER_MODEL else "2.2",
        "gen_ai.input.messages": json_text([_text("user", turn.asked)]),
    }
    root = build.open("invoke_agent booking_agent", start_ns, asked)
    run = Running(talk, turn, build, root, start_ns + around(talk.rng, 3.0))
    talk.history.append(_text("user", turn.asked))
    error = _work(run)
    _finish(run, error)
    return build.done(PROJECT, "2.3.0" if talk.model == FASTER_MODEL else "2.2.4")


def _finish(run: Running, error: tuple[str, str] | None) -> None:
    build, turn, end = run.build, run.turn, run.now + around(run.rng, 5.0)
    told: dict[str, Value] = {}
    if error:
        build.fail(run.root, end - 1000, *error)
    else:
        told["gen_ai.output.messages"] = json_text([_text("assistant", turn.answered, finish_reason="stop")])
        run.talk.history.append(_text("assistant", turn.answered))
    outcome = turn.outcome
    build.evaluation(run.root, end, "task_success", float(outcome.success), "pass" if outcome.success else "fail", outcome.reason)
    if not error and run.rng.random() < 0.25:
        kept = run.rng.random() < (0.97 if outcome.success else 0.84)
        reason = "Nothing was changed without a yes." if kept else "Something was changed before the traveller agreed."
        build.evaluation(run.root, end, "policy_kept", float(kept), "yes" if kept else "no", reason)
    build.close(run.root, end, told)


def _work(run: Running) -> tuple[str, str] | None:
    """Chat and tools by turns; the error that ended the turn, if one did."""
    turn, talk = run.turn, run.talk
    if turn.outcome.trouble == "rate_limit":
        error = ("429", "rate_limit_error: This request would exceed your organization's rate limit of 4,000,000 input tokens per minute.")
        for attempt in range(3):
            _refused(run, *error)
            run.now += int(NS_PER_S * 2**attempt * run.rng.uniform(0.8, 1.2))
        return error
    if turn.outcome.trouble == "context":
        size = run.rng.randrange(200_400, 231_000)
        error = ("400", f"invalid_request_error: prompt is too long: {size} tokens > 200000 maximum")
        _refused(run, *error)
        return error
    if turn.unit == "delay_rebook" or (talk.who.group and turn.unit == "seats_together"):
        _chat(run, PLANNER, "Read the booking, find what fits the whole party, offer one option with its price.", None)
    calls = list(CALLS.get(turn.unit, ()))
    if turn.unit == "confirm":
        calls = [ON_CONFIRM.get(talk.who.intent, "get_booking")]
    elif turn.outcome.for_group and turn.unit in ("seats_together", "delay_rebook"):
        calls.append(ON_CONFIRM[turn.unit])  # it holds what it offers, and meets the limit
    for number, tool in enumerate(calls):
        if not _use(run, tool, number):
            break
    _chat(run, talk.model, turn.answered, None)
    return None


def _use(run: Running, tool: str, number: int) -> bool:
    """Has the model call a tool, again where it is wrong or fails; False when there is no use in going on."""
    outcome = run.turn.outcome
    if outcome.trouble == "loop" and tool in ("search_flights", "seat_map", "start_refund"):
        for _ in range(run.rng.choice(_LOOPS)):
            _call(run, tool, ("timeout", "inventory search did not answer within 5 s"), 5 * NS_PER_S + run.rng.randrange(9 * NS_PER_MS))
        return False
    if outcome.trouble == "timeout" and number == 0:
        return _call(
            run, tool, ("timeout", "reservation system did not answer within 10 s"), 10 * NS_PER_S + run.rng.randrange(9 * NS_PER_MS)
        )
    if outcome.trouble == "invalid" and number == 0:
        _call(run, tool, ("invalid_arguments", f"{next(iter(TOOLS[tool][1]))}: unknown format"), around(run.rng, 6))
    if outcome.for_group and tool in ("assign_seats", "change_flight"):
        _call(run, tool, ("invalid_arguments", f"passengers: at most 4 items, found {run.talk.who.party}"), around(run.rng, 7))
    return _call(run, tool, None, around(run.rng, 150 * (_SLOWER if run.now in run.talk.plan.slow_bookings else 1.0), 0.45))


def _request(run: Running, model: str) -> dict[str, Value]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai" if model == PLANNER else "anthropic",
        "gen_ai.request.model": model,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.request.temperature": 1.0 if model == PLANNER else 0.3,
        "gen_ai.request.stream": True,
        "gen_ai.prompt.name": "plan" if model == PLANNER else "booking-agent",
        "gen_ai.prompt.version": "5" if model == PLANNER else "31",
        "gen_ai.system_instructions": json_text([{"type": "text", "content": INSTRUCTIONS}]),
        "gen_ai.tool.definitions": definitions(),
        "gen_ai.input.messages": json_text(run.talk.history),
        "server.address": _HOST[model],
        "server.port": 443,
    }


def _refused(run: Running, error: str, message: str) -> None:
    span = run.build.open(f"chat {run.talk.model}", run.now, _request(run, run.talk.model), run.root, CLIENT)
    end = run.now + around(run.rng, 230)
    run.build.fail(span, end, error, message)
    run.now = run.build.close(span, end)


def _chat(run: Running, model: str, text: str, call: Message | None) -> None:
    """One answered model call: ``text``, or a tool ``call``."""
    request = _request(run, model)
    span = run.build.open(f"chat {model}", run.now, request, run.root, CLIENT)
    part = call or {"type": "text", "content": text}
    finish = "tool_call" if call else "stop"
    usage = _usage(run, model, request, json_text(part))
    first = around(run.rng, _FIRST_TOKEN_MS[model], 0.22)
    end = run.now + first + around(run.rng, 20 + int(str(usage["gen_ai.usage.output_tokens"])) * _MS_PER_TOKEN[model], 0.2)
    told: dict[str, Value] = {
        "gen_ai.response.model": _ANSWERED[model],
        "gen_ai.response.id": ("resp_" if model == PLANNER else "msg_01") + f"{run.rng.getrandbits(96):024x}",
        "gen_ai.response.finish_reasons": [finish],
        "gen_ai.response.time_to_first_chunk": first / NS_PER_S,
        "gen_ai.output.messages": json_text([{"role": "assistant", "parts": [part], "finish_reason": finish}]),
    }
    span.status.code = Status.STATUS_CODE_UNSET
    run.now = run.build.close(span, end, told | usage) + run.rng.randrange(300_000, 3_000_000)


def _usage(run: Running, model: str, request: dict[str, Value], said: str) -> dict[str, Value]:
    """Token counts that add up: what was read from and written to the cache is part of the input, reasoning is part of the output."""
    talk = run.talk
    prompt = 20 + sum(
        tokens(str(request[key])) for key in ("gen_ai.system_instructions", "gen_ai.tool.definitions", "gen_ai.input.messages")
    )
    out = tokens(said) + 4
    if model == PLANNER:
        reasoning = 64 * run.rng.randrange(2, 15)
        return {
            "gen_ai.usage.input_tokens": prompt,
            "gen_ai.usage.output_tokens": out + reasoning,
            "gen_ai.usage.reasoning.output_tokens": reasoning,
        }
    read = min(talk.cached, prompt)
    written = prompt - read if prompt >= _CACHE_LEAST else 0
    talk.cached = prompt if prompt >= _CACHE_LEAST else 0
    return {
        "gen_ai.usage.input_tokens": prompt,
        "gen_ai.usage.output_tokens": out,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_creation.input_tokens": written,
    }


def _call(run: Running, tool: str, error: tuple[str, str] | None, duration: int) -> bool:
    """The model asks for a tool and it runs; whether it worked."""
    arguments, key = _arguments(run, tool, error is not None), f"toolu_01{run.rng.getrandbits(80):020x}"
    call: Message = {"type": "tool_call", "id": key, "name": tool, "arguments": arguments}
    _chat(run, run.talk.model, "", call)
    told: dict[str, Value] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": TOOLS[tool][0],
        "gen_ai.tool.call.id": key,
        "gen_ai.tool.call.arguments": json_text(arguments),
    }
    span = run.build.open(f"execute_tool {tool}", run.now, told, run.root)
    end = run.now + duration
    result: dict[str, object] = {"error": error[1]} if error else _result(run, tool)
    if error:
        run.build.fail(span, end, *error)
    run.now = run.build.close(span, end, {} if error else {"gen_ai.tool.call.result": json_text(result)}) + run.rng.randrange(
        100_000, 900_000
    )
    run.talk.history.append({"role": "assistant", "parts": [call]})
    run.talk.history.append({"role": "tool", "parts": [{"type": "tool_call_response", "id": key, "response": result}]})
    return error is None


def _arguments(run: Running, tool: str, failing: bool) -> dict[str, object]:
    who, facts = run.talk.who, run.talk.who.facts
    passengers = who.party if failing else min(4, who.party)
    if tool in ("get_flight_status", "seat_map"):
        return {"flight": facts["flight"], "date": facts["date"]}
    if tool == "search_flights":
        return {"origin": facts["origin"], "destination": facts["goal"], "date": facts["date2"], "passengers": who.party}
    if tool == "trace_bag":
        return {"reference": facts["reference"]}
    more: dict[str, dict[str, object]] = {
        "change_name": {"first": facts["first"], "last": facts["surname"]},
        "assign_seats": {"seats": facts["seats"], "passengers": passengers},
        "change_flight": {"flight": facts["flight2"], "passengers": passengers},
        "add_baggage": {"bags": 1},
        "start_refund": {"reason": run.turn.unit},
        "note_service": {"service": "assistance"},
    }
    return {"booking": facts["booking"]} | more.get(tool, {})


def _result(run: Running, tool: str) -> dict[str, object]:
    who, facts = run.talk.who, run.talk.who.facts
    if tool == "get_booking":
        flights = [{"flight": facts["flight"], "from": facts["origin"], "to": facts["goal"], "date": facts["date"]}]
        return {
            "booking": facts["booking"],
            "passengers": who.party,
            "fare": run.rng.choice(("light", "economy", "flexible")),
            "flights": flights,
        }
    if tool == "get_flight_status":
        return {
            "flight": facts["flight"],
            "state": run.rng.choice(("on time", "delayed", "delayed")),
            "departure": facts["time"],
            "terminal": facts["terminal"],
        }
    if tool == "search_flights":
        option = {
            "flight": facts["flight2"],
            "date": facts["date2"],
            "via": facts["hub"],
            "free_seats": who.party + run.rng.randrange(0, 30),
        }
        return {"options": [option], "searched": run.rng.randrange(12, 60)}
    if tool == "seat_map":
        return {"flight": facts["flight"], "free": facts["seats"], "fee": facts["fee"]}
    if tool == "baggage_rules":
        return {"included": "1 x 23 kg", "second_bag": facts["fee"], "until": facts["date2"]}
    if tool == "trace_bag":
        return {"reference": facts["reference"], "at": facts["hub"], "next": facts["date2"]}
    return {"ok": True, "reference": facts["reference"]}
