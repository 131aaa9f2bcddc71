"""From accepted to stored: answered once synced, booked once, never lost, slowed before refused."""

import threading
import time

import pytest

from clew.core.errors import Overloaded, StoreError, StoreFull
from clew.ingest import pipeline as module
from clew.ingest.check import Checked
from clew.ingest.journal import Entry, Journal, read_segment
from clew.ingest.ledger import Ledger
from clew.ingest.pipeline import Pipeline
from clew.traces import Frame, Outcome

LIMIT = 1 << 20


class Table:
    """Where the commits of a test go: counts frames, and can be held or made to fail."""

    def __init__(self):
        self.frames = []
        self.calls = 0
        self.open = threading.Event()
        self.open.set()
        self.errors = []
        self.poison = None

    def commit(self, frames):
        self.open.wait(10)
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        if self.poison is not None and any(frame.body == self.poison for frame in frames):
            raise StoreError("the engine cannot read it")
        self.frames += frames
        return Outcome(len(frames), 0)


class Gates:
    """A table whose commits wait, each until its own first body is let through."""

    def __init__(self):
        self.inside = []
        self.stored = []
        self.let = {}

    def commit(self, frames):
        name = frames[0].body
        self.let.setdefault(name, threading.Event())
        self.inside.append([frame.body for frame in frames])
        assert self.let[name].wait(10)
        self.stored += [frame.body for frame in frames]
        return Outcome(len(frames), 0)

    def free(self, name):
        self.let.setdefault(name, threading.Event()).set()


def request(body=b"x" * 100, refused=None):
    frame = Frame(body, 1, "service", "", 1)
    return Entry("spans", False, 1, "", "", body), Checked((frame,), 1, refused or {})


@pytest.fixture
def make(tmp_path):
    made = []

    def build(table, *, queue_bytes=LIMIT, queue_requests=100):
        pipeline = Pipeline(
            {"spans": table.commit}, Journal(tmp_path), Ledger(0), queue_bytes=queue_bytes, queue_requests=queue_requests, gather_ms=1
        )
        pipeline.start()
        made.append((pipeline, table))
        return pipeline

    yield build
    for pipeline, table in made:
        table.open.set()
        pipeline.stop()


def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def spans(pipeline):
    return pipeline.state().accounts["spans"]


def balanced(account):
    return account.received == account.stored + account.duplicates + sum(account.refused.values())


def test_an_answer_comes_once_the_request_is_synced_and_before_it_is_stored(make, tmp_path):
    table = Table()
    table.open.clear()
    pipeline = make(table)
    pipeline.submit(*request()).result(10)
    assert [entry.body for path in sorted(tmp_path.glob("*.journal")) for entry in read_segment(path)] == [b"x" * 100]
    assert table.frames == []
    table.open.set()
    until(lambda: spans(pipeline).stored == 1)


def test_what_was_stored_leaves_the_journal_at_an_orderly_end(make, tmp_path):
    table = Table()
    pipeline = make(table)
    for _ in range(5):
        pipeline.submit(*request()).result(10)
    pipeline.stop()
    assert len(table.frames) == 5
    assert list(tmp_path.glob("*.journal")) == []


def test_a_full_queue_refuses_and_the_ledger_balances(make):
    table = Table()
    table.open.clear()
    pipeline = make(table, queue_requests=2)
    for _ in range(2):
        pipeline.submit(*request())
    with pytest.raises(Overloaded) as raised:
        pipeline.submit(*request())
    assert raised.value.retry_after_s >= 1
    assert spans(pipeline).refused == {"overloaded": 1}
    table.open.set()
    until(lambda: spans(pipeline).stored == 2)
    assert balanced(spans(pipeline))


def test_an_empty_queue_takes_a_request_larger_than_its_limit(make):
    table = Table()
    pipeline = make(table, queue_bytes=10)
    pipeline.submit(*request()).result(10)
    until(lambda: spans(pipeline).stored == 1)


def test_answers_wait_while_much_is_waiting_to_be_stored(make, monkeypatch):
    monkeypatch.setattr(module, "SOFT_BYTES", 150)
    table = Table()
    table.open.clear()
    pipeline = make(table)
    first = pipeline.submit(*request())
    first.result(10)
    second = pipeline.submit(*request())
    time.sleep(0.1)
    assert not second.done()
    table.open.set()
    second.result(10)


def test_a_full_disk_while_storing_loses_nothing_and_is_tried_again(make, monkeypatch):
    monkeypatch.setattr(module, "RETRY_STORE_S", (0.01,))
    table = Table()
    table.errors = [StoreFull("full"), StoreFull("full"), StoreFull("full")]
    pipeline = make(table)
    pipeline.submit(*request()).result(10)
    until(lambda: spans(pipeline).stored == 1)
    assert table.calls == 4


def test_while_the_disk_is_full_senders_are_told_and_those_who_wait_are_answered(make, monkeypatch):
    monkeypatch.setattr(module, "RETRY_STORE_S", (0.3,))
    monkeypatch.setattr(module, "SOFT_BYTES", 50)
    table = Table()
    table.errors = [StoreFull("the disk is full")]
    table.open.clear()
    pipeline = make(table)
    waiting = pipeline.submit(*request())
    table.open.set()
    waiting.result(10)
    with pytest.raises(StoreFull, match="the disk is full"):
        pipeline.submit(*request())
    until(lambda: spans(pipeline).stored == 1)
    pipeline.submit(*request()).result(10)
    until(lambda: spans(pipeline).stored == 2)
    assert balanced(spans(pipeline))


def test_ending_while_the_disk_is_full_leaves_the_journal_for_the_next_start(make, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "RETRY_STORE_S", (0.01,))
    table = Table()
    table.errors = [StoreFull("the disk is full")] * 1_000
    pipeline = make(table)
    pipeline.submit(*request(b"kept")).result(10)
    pipeline.stop()
    assert [entry.body for path in sorted(tmp_path.glob("*.journal")) for entry in read_segment(path)] == [b"kept"]


def test_one_request_that_cannot_be_stored_does_not_hold_the_others(make, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "RETRY_STORE_S", (0.01,))
    table = Table()
    table.open.clear()
    table.poison = b"poison"
    pipeline = make(table)
    for body in (b"a", b"b", b"poison", b"c"):
        pipeline.submit(*request(body)).result(10)
    table.open.set()
    until(lambda: spans(pipeline).received == 4)
    assert sorted(frame.body for frame in table.frames) == [b"a", b"b", b"c"]
    assert balanced(spans(pipeline))
    (kept,) = (tmp_path / "unreadable").iterdir()
    assert [entry.body for entry in read_segment(kept)] == [b"poison"]


def test_beside_a_group_on_its_way_only_a_full_one_is_begun(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "GROUP_BYTES", 300)
    table = Gates()
    pipeline = Pipeline({"spans": table.commit}, Journal(tmp_path), Ledger(0), queue_bytes=LIMIT, queue_requests=99, gather_ms=1)
    pipeline.start()
    pipeline.submit(*request(b"1" * 100)).result(10)
    until(lambda: table.inside == [[b"1" * 100]])
    pipeline.submit(*request(b"2" * 100)).result(10)
    pipeline.submit(*request(b"3" * 100)).result(10)
    time.sleep(0.1)
    assert len(table.inside) == 1, "a small group does not make a commit of its own beside another"
    pipeline.submit(*request(b"4" * 100)).result(10)
    until(lambda: len(table.inside) == 2)
    assert table.inside[1] == [b"2" * 100, b"3" * 100, b"4" * 100]
    for number in b"1234":
        table.free(bytes([number]) * 100)
    pipeline.stop()
    assert sorted(table.stored) == [bytes([number]) * 100 for number in b"1234"]
    assert list(tmp_path.glob("*.journal")) == []


def test_the_journal_keeps_an_older_group_while_a_younger_one_is_stored_first(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "GROUP_BYTES", 100)
    monkeypatch.setattr("clew.ingest.journal.SEGMENT_BYTES", 1)  # a segment for every write
    table = Gates()
    pipeline = Pipeline({"spans": table.commit}, Journal(tmp_path), Ledger(0), queue_bytes=LIMIT, queue_requests=99, gather_ms=1)
    pipeline.start()
    for name in (b"1", b"2"):
        pipeline.submit(*request(name * 100)).result(10)
        until(lambda name=name: [name * 100] in table.inside)
    table.free(b"2" * 100)
    until(lambda: pipeline.state().queued_requests == 1)
    kept = [entry.body for path in sorted(tmp_path.glob("*.journal")) for entry in read_segment(path)]
    assert b"1" * 100 in kept, "what is not stored yet must be found after a crash"
    table.free(b"1" * 100)
    pipeline.stop()
    assert sorted(table.stored) == [b"1" * 100, b"2" * 100]
    assert list(tmp_path.glob("*.journal")) == []


def test_what_a_crash_left_is_stored_at_the_next_start(tmp_path):
    left = Journal(tmp_path)
    left.append([request(b"one")[0], request(b"two")[0]])
    table = Table()
    pipeline = Pipeline({"spans": table.commit}, Journal(tmp_path), Ledger(0), queue_bytes=LIMIT, queue_requests=9, gather_ms=1)
    assert pipeline.recover(read_segment, lambda entry: request(entry.body)[1]) == 2
    assert [frame.body for frame in table.frames] == [b"one", b"two"]
    assert list(tmp_path.glob("*.journal")) == []


def test_refused_records_are_booked_with_those_that_were_kept(make):
    pipeline = make(Table())
    entry, checked = request(refused={"span id is not 8 bytes, or all zero": 2})
    pipeline.submit(entry, checked).result(10)
    until(lambda: spans(pipeline).received == 3)
    assert spans(pipeline).refused == {"span id is not 8 bytes, or all zero": 2}
    assert balanced(spans(pipeline))
