"""In processes of their own: import is light, the end of a process loses nothing, a fork sends once, and a dead server delays no exit."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otlp_receiver import Receiver, Reply, attributes

HEAVY = ("fastapi", "chdb", "numpy", "opentelemetry", "google", "requests", "asyncio", "pydantic")


def run(code: str, endpoint: str, *arguments: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
    """Runs a program whose client sends to the endpoint."""
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environ, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def test_importing_clew_takes_under_300_ms_and_the_standard_library_only() -> None:
    code = f"""
import sys, time
started = time.perf_counter()
import clew
print(time.perf_counter() - started, [name for name in {HEAVY!r} if name in sys.modules])
"""
    times = []
    for _ in range(5):
        told, heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split(maxsplit=1)
        times.append(float(told))
        assert heavy.strip() == "[]"
    assert min(times) < 0.3


def test_spans_are_flushed_at_exit(receiver: Receiver) -> None:
    done = run("import clew; clew.init('shop')\nwith clew.span('last'): pass", receiver.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert [span.name for span in receiver.spans()] == ["last"]


def test_the_resource_names_the_project_and_the_service(receiver: Receiver) -> None:
    run("import clew; clew.init('shop', environment='test')\nwith clew.span('s'): pass", receiver.url)
    resource = attributes(receiver.requests()[0].resource_spans[0].resource)
    assert (resource["clew.project.name"], resource["service.name"], resource["deployment.environment.name"]) == ("shop", "shop", "test")


def test_spans_are_flushed_when_the_program_fails_or_exits(receiver: Receiver) -> None:
    for end in ("raise RuntimeError('x')", "sys.exit(3)"):
        done = run(f"import clew, sys; clew.init('shop')\nwith clew.span('last'): {end}", receiver.url)
        assert done.returncode in (1, 3)
    assert [span.name for span in receiver.spans()] == ["last", "last"]


@pytest.mark.parametrize("hanging", [False, True])
def test_a_dead_or_hanging_server_delays_no_exit_and_is_told_in_one_line(hanging: bool) -> None:
    with Receiver(lambda taken: Reply(after_s=20)) as slow:
        endpoint = slow.url if hanging else "http://127.0.0.1:9"
        started = time.perf_counter()
        code = "import clew; clew.init('shop')\nfor n in range(2000):\n  with clew.span('s'): pass"
        done = run(code, endpoint)
        took = time.perf_counter() - started
    assert done.returncode == 0
    assert took < (5.0 if hanging else 3.0)  # of which the time at exit is bounded by Limits.exit_timeout_s = 2
    assert len(done.stderr.splitlines()) <= 1
    assert "Traceback" not in done.stderr


def test_clew_joins_a_provider_that_is_already_there(receiver: Receiver) -> None:
    code = """
import clew
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
mine = InMemorySpanExporter()
provider = TracerProvider(resource=Resource.create({"service.name": "theirs"}))
provider.add_span_processor(SimpleSpanProcessor(mine))
trace.set_tracer_provider(provider)
clew.init("shop"); clew.init("shop")
with provider.get_tracer("t").start_as_current_span("outer"), clew.span("inner"):
    pass
assert trace.get_tracer_provider() is provider
print([span.name for span in mine.get_finished_spans()])
"""
    assert run(code, receiver.url).stdout.strip() == "['inner', 'outer']"
    resource = attributes(receiver.requests()[0].resource_spans[0].resource)
    assert (resource["service.name"], resource["clew.project.name"]) == ("theirs", "shop")
    assert len(receiver.spans()) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_sends_every_span_once_from_parent_and_child(receiver: Receiver) -> None:
    code = """
import clew, os, sys, threading
clew.init("shop", limits=clew.Limits(interval_s=60))
def busy():
    for n in range(300):
        with clew.span("before"): pass
threads = [threading.Thread(target=busy) for _ in range(4)]
for thread in threads: thread.start()
pids = []
for child in range(5):
    pid = os.fork()
    if pid == 0:
        with clew.span("child"): pass
        assert clew.delivery().spans_waiting == 1, clew.delivery()
        sys.exit(0)
    pids.append(pid)
for thread in threads: thread.join()
for pid in pids: assert os.waitpid(pid, 0)[1] == 0
with clew.span("parent"): pass
"""
    done = run(code, receiver.url)
    assert done.returncode == 0, done.stderr
    names = [span.name for span in receiver.spans()]
    assert {name: names.count(name) for name in set(names)} == {"before": 1200, "child": 5, "parent": 1}
    assert len({span.span_id for span in receiver.spans()}) == len(names)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_flush_when_they_end(receiver: Receiver, method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"""
import multiprocessing, clew
def work(number):
    clew.init("shop")
    with clew.span(f"work{{number}}"): pass
if __name__ == "__main__":
    clew.init("shop")
    with clew.span("main"): pass
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=work, args=(number,)) for number in range(3)]
    for child in children: child.start()
    for child in children: child.join()
"""
    )
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    subprocess.run([sys.executable, str(program)], env=environ, check=True, timeout=60)
    assert sorted(span.name for span in receiver.spans()) == ["main", "work0", "work1", "work2"]


def test_the_environment_turns_the_client_off(receiver: Receiver) -> None:
    code = """
import os, sys
os.environ["CLEW_DISABLED"] = "1"
import clew
clew.init("shop")
with clew.span("s"): pass
print("opentelemetry" in sys.modules)
"""
    assert run(code, receiver.url).stdout.strip() == "False"
    assert receiver.taken == []
