"""The shop assistant's traces, one a turn, in the OpenInference dialect: guardrail, retrieval, model calls, tools and their HTTP calls."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from clew.core.clock import NS_PER_MS, NS_PER_S, to_datetime
from clew.demo.plan import Plan, around
from clew.demo.shop_retrieval import retrieve
from clew.demo.shop_talk import Customer, customer, turns
from clew.demo.shop_text import CALLS, GUARDED, RETRIEVES, TEMPLATES, TOOLS, system_prompt, tool_schema
from clew.demo.spans import CLIENT, SERVER, Trace, TraceBuilder, Value, json_text, put
from clew.demo.talk import Turn
from clew.demo.words import tokens

PROJECT = "shop-assistant"
MODEL, DEAR_MODEL = "gpt-4.1-mini", "o3-pro"
_ANSWERED = {MODEL: "gpt-4.1-mini-2025-04-14", DEAR_MODEL: "o3-pro-2025-06-10"}
_CACHE_STEP, _CACHE_LEAST = 128, 1024  # the provider caches prefixes of 1,024 tokens and more, in steps of 128

Message = dict[str, Any]


@dataclass
class Conversation:
    """What lasts from turn to turn."""

    rng: random.Random
    plan: Plan
    who: Customer
    model: str
    history: list[Message] = field(default_factory=list)
    cached: int = 0  # tokens of the longest prompt the provider has seen


@dataclass
class Running:
    """One turn while its spans are made; ``now`` is the moment up to which things have happened."""

    talk: Conversation
    turn: Turn
    build: TraceBuilder
    root: Span
    version: str
    system: str
    now: int
    documents: str = ""


def session(rng: random.Random, plan: Plan, start_ns: int) -> Iterator[tuple[Trace, Turn, Customer]]:
    """All traces of one conversation."""
    who = customer(rng, plan, start_ns)
    dear = who.tenant == "lumen-home" and start_ns in plan.dear_model
    talk = Conversation(rng, plan, who, DEAR_MODEL if dear else MODEL)
    now = start_ns
    for turn in turns(rng, plan, who, start_ns):
        trace = _turn(talk, turn, now, "v7" if start_ns >= plan.prompt_v7_ns else "v6")
        yield trace, turn, who
        now = trace.end_ns + around(rng, 28_000, 0.5)


def _common(who: Customer, version: str) -> dict[str, Value]:
    about = {"tenant": who.tenant, "language": who.code, "prompt": version, "intent": who.intent}
    return {
        "session.id": who.session,
        "user.id": who.user,
        "app.tenant": who.tenant,
        "app.language": who.code,
        "metadata": json_text(about),
        "tag.tags": [who.tenant, who.code, version],
    }


def _turn(talk: Conversation, turn: Turn, start_ns: int, version: str) -> Trace:
    build = TraceBuilder(talk.rng, _common(talk.who, version))
    asked: dict[str, Value] = {"openinference.span.kind": "CHAIN", "input.value": turn.asked, "input.mime_type": "text/plain"}
    route: dict[str, Value] = {"http.request.method": "POST", "http.route": "/chat", "server.port": 8080}
    root = build.open("answer_customer", start_ns, asked | route, kind=SERVER)
    clock = f"{to_datetime(start_ns):%Y-%m-%d %H:%M} UTC"
    system = system_prompt(version, talk.who.tenant, clock, first=start_ns < talk.plan.caching_on_ns)
    run = Running(talk, turn, build, root, version, system, start_ns + around(talk.rng, 2.0))
    _guardrail(run, "check_input", turn.asked)
    if turn.unit in RETRIEVES:
        run.documents, run.now = retrieve(build, root, run.now, turn, talk.who, slow=run.now in talk.plan.slow_search)
    talk.history.append({"role": "user", "content": turn.asked})
    answered = _converse(run)
    if answered:
        talk.history.append({"role": "assistant", "content": turn.answered})
        if turn.unit in GUARDED:
            _guardrail(run, "check_output", turn.answered)
    _finish(run, answered)
    return build.done(PROJECT, "4.12.0" if version == "v7" else "4.11.2")


def _finish(run: Running, answered: bool) -> None:
    end = run.now + around(run.talk.rng, 4.0)
    turn, build = run.turn, run.build
    if answered:
        run.root.status.code = Status.STATUS_CODE_OK
        build.close(run.root, end, {"output.value": turn.answered, "output.mime_type": "text/plain", "http.response.status_code": 200})
    else:
        build.fail(run.root, end - 1000, "AssistantUnavailable", "no answer: the model refused three times")
        build.close(run.root, end, {"http.response.status_code": 503})
    outcome = turn.outcome
    build.evaluation(run.root, end, "task_success", float(outcome.success), "pass" if outcome.success else "fail", outcome.reason)
    if answered:
        at = "annotations.0.annotation."
        told: dict[str, Value] = {at + "name": "language_match", at + "annotator_kind": "CODE", at + "identifier": "language-check"}
        told[at + "score"] = 0.0 if outcome.wrong_language else 1.0
        told[at + "label"] = "other language" if outcome.wrong_language else "same language"
        put(run.root, told)


def _guardrail(run: Running, name: str, text: str) -> None:
    span = run.build.open(name, run.now, {"openinference.span.kind": "GUARDRAIL", "input.value": text}, run.root)
    verdict = {"allowed": True, "personal_data": ["order number"] if run.talk.who.facts["order"] in text else []}
    run.now = run.build.close(
        span, run.now + around(run.talk.rng, 31), {"output.value": json_text(verdict), "output.mime_type": "application/json"}
    )


def _converse(run: Running) -> bool:
    """Model calls and tools by turns until there is an answer; False when the model cannot be reached."""
    outcome, rng = run.turn.outcome, run.talk.rng
    if outcome.trouble == "rate_limit":
        for attempt in range(3):
            _refused(run, attempt)
        return False
    for number, tool in enumerate(CALLS.get(run.turn.unit, ())):
        arguments = _arguments(run, tool)
        bad = (
            dict(arguments, order_id=f"#{arguments['order_id']}")
            if outcome.trouble == "invalid" and number == 0 and "order_id" in arguments
            else None
        )
        for given in [bad, arguments] if bad else [arguments]:
            call = {"id": f"call_{rng.getrandbits(72):018x}", "name": tool, "arguments": json_text(given)}
            _model_call(run, "", call)
            if not _tool_call(run, call, given is bad, outcome.trouble == "timeout" and tool == "lookup_order"):
                _model_call(run, run.turn.answered, None)
                return True
    _model_call(run, run.turn.answered, None)
    return True


def _refused(run: Running, attempt: int) -> None:
    """A call that the provider turned away for exceeding the rate limit."""
    span = run.build.open(
        "ChatCompletion", run.now, _request(run) | {"server.address": "api.openai.com", "server.port": 443}, run.root, CLIENT
    )
    end = run.now + around(run.talk.rng, 190)
    message = "Error code: 429 - Rate limit reached for requests in organization: limit 500 per min. Please try again in 2s."
    run.build.fail(span, end, "RateLimitError", message)
    run.build.close(span, end, {"http.response.status_code": 429})
    run.now = end + int(NS_PER_S * 2**attempt * run.talk.rng.uniform(0.9, 1.3))


def _request(run: Running) -> dict[str, Value]:
    talk = run.talk
    messages: list[Message] = [{"role": "system", "content": run.system}]
    if run.documents:
        messages.append({"role": "system", "content": f"Help texts and articles for this question:\n{run.documents}"})
    return {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.system": "openai",
        "llm.model_name": talk.model,
        "llm.invocation_parameters": json_text({"model": talk.model, "temperature": 0.2, "max_completion_tokens": 600}),
        "llm.prompt_template.template": TEMPLATES[run.version][:200],
        "llm.prompt_template.version": run.version,
        "prompt.id": "shop-answer",
        **_flat("llm.input_messages", [*messages, *talk.history]),
    }


def _flat(prefix: str, messages: list[Message]) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for i, message in enumerate(messages):
        at = f"{prefix}.{i}.message."
        out[at + "role"] = message["role"]
        if message.get("content"):
            out[at + "content"] = message["content"]
        if "tool_call_id" in message:
            out[at + "tool_call_id"] = message["tool_call_id"]
        if "call" in message:
            call = message["call"]
            out[at + "tool_calls.0.tool_call.id"] = call["id"]
            out[at + "tool_calls.0.tool_call.function.name"] = call["name"]
            out[at + "tool_calls.0.tool_call.function.arguments"] = call["arguments"]
    return out


def _model_call(run: Running, text: str, call: dict[str, str] | None) -> None:
    """One answered chat completion: either ``text`` or a tool ``call``."""
    talk, rng = run.talk, run.talk.rng
    if rng.random() < (0.3 if run.now in talk.plan.rate_limited else 0.002):
        _refused(run, 0)
    span = run.build.open(
        "ChatCompletion", run.now, _request(run) | {"server.address": "api.openai.com", "server.port": 443}, run.root, CLIENT
    )
    schemas = [tool_schema(name) for name in TOOLS]
    reply: Message = {"role": "assistant", "content": text} | ({"call": call} if call else {})
    usage = _usage(run, schemas, text or (call["arguments"] + call["name"] if call else ""))
    end = run.now + _latency(run, usage)
    told: dict[str, Value] = {f"llm.tools.{i}.tool.json_schema": schema for i, schema in enumerate(schemas)}
    told |= _flat("llm.output_messages", [reply]) | usage
    told |= {"llm.response.model_name": _ANSWERED[talk.model], "llm.finish_reason": "tool_calls" if call else "stop"}
    span.status.code = Status.STATUS_CODE_OK
    if text and run.documents and rng.random() < 0.7:
        grounded = min(1.0, max(0.0, rng.gauss(0.86 if run.turn.outcome.success else 0.55, 0.12)))
        run.build.evaluation(span, end, "groundedness", round(grounded, 2), "", "Share of statements that the help texts support.")
    run.now = run.build.close(span, end, told) + rng.randrange(200_000, 2_000_000)
    if call:
        talk.history.append({"role": "assistant", "call": call})


def _usage(run: Running, schemas: list[str], said: str) -> dict[str, Value]:
    """Token counts that add up: cached tokens are part of the prompt, reasoning is part of the completion."""
    talk, rng = run.talk, run.talk.rng
    prompt = tokens(run.system) + (tokens(run.documents) if run.documents else 0) + sum(map(tokens, schemas)) + 12
    for message in talk.history:
        prompt += 4 + tokens(message.get("content") or message.get("call", {}).get("arguments", ""))
    seen = min(talk.cached, prompt) if run.now >= talk.plan.caching_on_ns else 0
    cached = seen // _CACHE_STEP * _CACHE_STEP if seen >= _CACHE_LEAST and rng.random() < 0.9 else 0
    talk.cached = max(talk.cached, prompt)
    reasoning = rng.randrange(4, 26) * 64 if talk.model == DEAR_MODEL else 0
    completion = tokens(said) + 6 + reasoning
    return {
        "llm.token_count.prompt": prompt,
        "llm.token_count.completion": completion,
        "llm.token_count.total": prompt + completion,
        "llm.token_count.prompt_details.cache_read": cached,
        "llm.token_count.completion_details.reasoning": reasoning,
    }


def _latency(run: Running, usage: dict[str, Value]) -> int:
    completion, prompt = int(str(usage["llm.token_count.completion"])), int(str(usage["llm.token_count.prompt"]))
    if run.talk.model == DEAR_MODEL:
        return around(run.talk.rng, 2500 + completion * 9.0, 0.3)
    return around(run.talk.rng, 260 + prompt * 0.05 + completion * 7.5, 0.28)


def _arguments(run: Running, tool: str) -> dict[str, str]:
    facts = run.talk.who.facts
    if tool == "track_parcel":
        return {"tracking": facts["tracking"]}
    if tool == "check_stock":
        return (
            {"article_id": facts["item_id"], "size": facts["size"]} if run.turn.unit == "wrong_size" else {"article_id": facts["item_id"]}
        )
    if tool == "check_voucher":
        return {"code": facts["code"]}
    more = {
        "start_refund": {"article_id": facts["item_id"], "reason": "damaged"},
        "create_return_label": {"exchange_to": facts["size"]},
        "change_address": {"address": f"{facts['street']}, {facts['city']}"},
        "send_document": {"kind": "confirmation"},
    }
    return {"order_id": facts["order"]} | more.get(tool, {})


def _result(run: Running, tool: str) -> dict[str, object]:
    facts, rng = run.talk.who.facts, run.talk.rng
    if tool == "lookup_order":
        article = {"id": facts["item_id"], "name": facts["item"], "price": facts["amount"]}
        parcel = {"carrier": facts["carrier"], "tracking": facts["tracking"], "to": facts["city"]}
        return {
            "order_id": facts["order"],
            "state": "open" if run.turn.unit in ("cancel", "address") else "delivered",
            "articles": [article],
            "parcels": [parcel],
        }
    if tool == "refund_status":
        return {
            "return_booked": facts["date"],
            "state": rng.choice(("paid", "paid", "in review")),
            "amount": facts["amount"],
            "to": facts["pay"],
        }
    if tool == "check_stock":
        return {"article_id": facts["item_id"], "in_stock": rng.randrange(1, 60), "sizes": [facts["size"], facts["size2"]]}
    if tool == "track_parcel":
        return {"tracking": facts["tracking"], "last_scan": f"{facts['city']} depot", "when": facts["date2"], "due": facts["date3"]}
    if tool == "check_voucher":
        return {"code": facts["code"], "valid_until": facts["date3"], "from": 60, "reduced_articles": False}
    return {"ok": True, "reference": f"R-{rng.getrandbits(28):07X}"}


def _tool_call(run: Running, call: dict[str, str], invalid: bool, timeout: bool) -> bool:
    """Runs a tool; False when there is no use in going on. An invalid argument is told to the model, which corrects it."""
    rng, build, tool = run.talk.rng, run.build, call["name"]
    asked: dict[str, Value] = {
        "openinference.span.kind": "TOOL",
        "tool.name": tool,
        "tool.id": call["id"],
        "tool.parameters": call["arguments"],
    }
    span = build.open(tool, run.now, asked | {"input.value": call["arguments"], "input.mime_type": "application/json"}, run.root)
    answer: dict[str, object] = {}
    if invalid:
        message, end = "order_id must be 8 digits, found a '#'", run.now + around(rng, 3)
        build.fail(span, end, "ValidationError", message)
        answer = {"error": message}
    else:
        end, answer = _http(run, span, tool, timeout)
    run.now = build.close(span, end, {"output.value": json_text(answer), "output.mime_type": "application/json"}) + rng.randrange(
        100_000, 900_000
    )
    run.talk.history.append({"role": "tool", "content": json_text(answer), "tool_call_id": call["id"]})
    return not timeout


def _http(run: Running, span: Span, tool: str, timeout: bool) -> tuple[int, dict[str, object]]:
    """The tool's own call to the shop's systems."""
    rng, build = run.talk.rng, run.build
    service = "parcels" if tool == "track_parcel" else "catalog" if tool == "check_stock" else "orders"
    method = "GET" if tool in ("lookup_order", "refund_status", "check_stock", "track_parcel", "check_voucher") else "POST"
    told: dict[str, Value] = {"http.request.method": method, "server.address": f"{service}.shop.internal", "server.port": 8443}
    start = run.now + rng.randrange(300_000, 1_500_000)
    http = build.open(f"{method} /{service}/{{id}}", start, told | {"url.path": f"/{service}/{run.talk.who.facts['order']}"}, span, CLIENT)
    if timeout:
        end = start + 8 * NS_PER_S + rng.randrange(20 * NS_PER_MS)
        message = f"{service} did not answer within 8 s"
        build.fail(http, end, "TimeoutError", message)
        build.fail(span, build.close(http, end), "TimeoutError", message)
        return end + rng.randrange(100_000, 900_000), {"error": message}
    end = build.close(http, start + around(rng, 85, 0.5), {"http.response.status_code": 200})
    return end + rng.randrange(100_000, 900_000), _result(run, tool)
