"""Sends OTLP spans to a server as exporters do and says what was acknowledged.

    python -m bench.load --url http://127.0.0.1:7464 --clients 4 --seconds 20 --rate max
    python -m bench.load --url 127.0.0.1:4317 --protocol grpc --rate 20000 --span-bytes 12000

Every request has fresh trace and span ids. One that fails for a time (connection lost, 429, 502, 503, 504) is sent again, the same bytes,
after what Retry-After asks for or a growing pause, until it is acknowledged or the run is over. With ``--log FILE`` each acknowledged
request is one line of JSON, {"trace id": ["span id", …], …}, written out before the client sends its next. SIGTERM and SIGINT end the run
early; the result is printed. With a rate the latency counts from the moment a request was due: every request that waits shows a stall.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, Any

from bench.senders import GrpcSender, HttpSender, Sender
from bench.traffic import Template, default_batch, pool

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


@dataclass
class Result:
    """What one client saw."""

    latencies_s: list[float] = field(default_factory=list)
    spans: int = 0
    sent_bytes: int = 0
    rejected: int = 0
    refused: int = 0  # requests that the server refused for good
    given_up: int = 0  # requests not acknowledged when the run ended
    retries: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    last_ack: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What every client does."""

    templates: list[Template]
    gzip: bool
    interval_s: float  # 0 = as fast as acknowledgements come
    requests: int  # each client's share; 0 = until the time is over
    until: float
    grace_s: float


class Log:
    """Acknowledged requests, a line each, in the file before ``write`` returns."""

    def __init__(self, path: str | None) -> None:
        self.file: IO[str] | None = open(path, "a", encoding="ascii") if path else None  # noqa: SIM115 - lives as long as the process
        self.lock = threading.Lock()

    def write(self, template: Template, nonce: bytes) -> None:
        if self.file is None:
            return
        line = json.dumps(template.ids_of(nonce), separators=(",", ":")) + "\n"
        with self.lock:
            self.file.write(line)
            self.file.flush()


class Client:
    """One connection and its share of the load."""

    def __init__(self, number: int, sender: Sender, plan: Plan, log: Log, stop: threading.Event, seed: int | None) -> None:
        self.sender, self.plan, self.log, self.stop = sender, plan, log, stop
        self.rng = random.Random(os.urandom(16) if seed is None else f"{seed}:{number}")
        self.offset = number
        self.result = Result()

    def run(self) -> None:
        plan, begin = self.plan, time.monotonic()
        due = begin + plan.interval_s * self.rng.random()
        sent = 0
        while not self.stop.is_set() and time.monotonic() < plan.until and (not plan.requests or sent < plan.requests):
            if plan.interval_s:
                if self.stop.wait(max(0.0, due - time.monotonic())) or time.monotonic() >= plan.until:
                    break
                since, due = due, due + plan.interval_s
            else:
                since = time.monotonic()
            if not self._one(plan.templates[(self.offset + sent * 7) % len(plan.templates)], since):
                break
            sent += 1
        self.sender.close()

    def _one(self, template: Template, since: float) -> bool:
        """Send one request until it is settled; False when there was no time left for that."""
        nonce = self.rng.randbytes(8)
        make = template.gzipped if self.plan.gzip else template.plain
        body, pause = make(nonce, time.time_ns()), _FIRST_PAUSE_S
        while True:
            answer = self.sender.send(body)
            self.result.sent_bytes += len(body)
            if answer.ok:
                self._acknowledged(template, nonce, answer.rejected, since)
                return True
            self.result.errors[answer.status] += 1
            if not answer.retryable:
                self.result.refused += 1
                return True
            wait = pause * self.rng.uniform(0.5, 1.5) if answer.retry_after_s is None else answer.retry_after_s
            pause = min(_LONGEST_PAUSE_S, pause * 2)
            if time.monotonic() + wait > self.plan.until + self.plan.grace_s or self.stop.wait(wait):
                self.result.given_up += 1
                return False
            self.result.retries += 1

    def _acknowledged(self, template: Template, nonce: bytes, rejected: int, since: float) -> None:
        now = time.monotonic()
        self.result.latencies_s.append(now - since)
        self.result.spans += template.spans - rejected
        self.result.rejected += rejected
        self.result.last_ack = now
        if not rejected:
            self.log.write(template, nonce)


def _percentiles(latencies_s: list[float]) -> dict[str, float | None]:
    ordered = sorted(latencies_s)

    def at(share: float) -> float | None:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1) if ordered else None

    return {"p50": at(0.50), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)}


def summary(args: argparse.Namespace, results: list[Result], begin: float) -> dict[str, Any]:
    """All clients' results as one JSON object."""
    latencies = [latency for result in results for latency in result.latencies_s]
    spans = sum(result.spans for result in results)
    # The rate is over the time from the first request to the last acknowledgement: a tail of retries counts, an idle end does not.
    elapsed = max((result.last_ack for result in results), default=0.0) - begin
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "url": args.url,
        "protocol": args.protocol,
        "clients": args.clients,
        "batch": args.batch,
        "span_bytes": args.span_bytes,
        "rate": args.rate,
        "elapsed_s": round(max(elapsed, 0.0), 3),
        "requests_acked": len(latencies),
        "spans_acked": spans,
        "spans_per_s": round(spans / elapsed, 1) if elapsed > 0 else None,
        "ack_ms": _percentiles(latencies),
        "sent_mb": round(sum(result.sent_bytes for result in results) / 1e6, 1),
        "rejected_spans": sum(result.rejected for result in results),
        "refused_requests": sum(result.refused for result in results),
        "unacknowledged_requests": sum(result.given_up for result in results),
        "retries": sum(result.retries for result in results),
        "errors": dict(sum((result.errors for result in results), Counter())),
        "sender_cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
    }


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:7464", help="HTTP: base address or full path; gRPC: host:port")
    parser.add_argument("--protocol", choices=("http", "grpc"), default="http")
    parser.add_argument("--clients", type=int, default=4, help="connections, one thread each (default 4)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long to send (default 20)")
    parser.add_argument("--requests", type=int, default=0, help="stop after so many requests (default: when the time is over)")
    parser.add_argument("--rate", default="max", help="spans a second over all clients, or max (default)")
    parser.add_argument("--span-bytes", type=int, default=1500, help="mean size of a span before compression (default 1500)")
    parser.add_argument("--batch", type=int, help="spans a request (default 300, fewer where that passes 4 MB)")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds after the end in which a request is still retried (default 10)")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for an answer (default 30)")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="sent with every request")
    parser.add_argument("--log", metavar="FILE", help="append every acknowledged request's ids to FILE")
    parser.add_argument("--seed", type=int, default=1, help="of the contents (default 1)")
    parser.add_argument("--id-seed", type=int, help="of the ids (default: fresh ones in every run)")
    args = parser.parse_args(argv)
    args.batch = args.batch or default_batch(args.span_bytes)
    if args.rate != "max" and not args.rate.replace(".", "", 1).isdigit():
        parser.error(f"--rate {args.rate!r} is neither a number of spans a second nor 'max'")
    return args


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    templates, log, stop = pool(args.seed, args.span_bytes, args.batch), Log(args.log), threading.Event()
    headers = dict(item.split("=", 1) for item in args.header)
    kind = GrpcSender if args.protocol == "grpc" else HttpSender
    interval = 0.0 if args.rate == "max" else args.clients * args.batch / float(args.rate)
    begin = time.monotonic()
    share = -(-args.requests // args.clients)
    plan = Plan(templates, args.protocol == "http", interval, share, begin + args.seconds, args.grace)
    clients = [Client(i, kind(args.url, headers, args.timeout), plan, log, stop, args.id_seed) for i in range(args.clients)]
    threads = [threading.Thread(target=client.run) for client in clients]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(summary(args, [client.result for client in clients], begin)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
