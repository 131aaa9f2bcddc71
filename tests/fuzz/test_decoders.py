# ruff: noqa: PT017  (an error that is allowed, and what it must say: no particular one is expected)
"""The decoders of what strangers send: for any bytes an answer or one of our own errors, in bounded memory, never another exception."""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.core.errors import ClewError, FilterError, InputError, TooLarge
from clew.core.jsontext import dumps, loads_or_none
from clew.ingest.check import check_logs, check_traces
from clew.ingest.inflate import inflate
from clew.ingest.journal import Entry, Journal, read_segment
from clew.ingest.repair import repair_text
from clew.traces.cursor import Cursor, decode_cursor
from clew.traces.filter import compile_filter, complete, format_filter, parse, sentence
from clew.traces.otlp import json_to_logs, json_to_traces, logs_to_json, traces_to_json

Fuzz = Callable[[Callable[[], object]], int]
NOW = 1_790_000_000_000_000_000
LIMIT = 100_000  # bytes that a body may inflate to here
quick = settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))

# Keys and values that OTLP/JSON knows, in any wrong combination, so that the fuzzer comes past the first check.
KEYS = [
    "resourceSpans",
    "resourceLogs",
    "scopeSpans",
    "scopeLogs",
    "spans",
    "logRecords",
    "resource",
    "scope",
    "schemaUrl",
    "traceId",
    "spanId",
    "parentSpanId",
    "name",
    "kind",
    "flags",
    "startTimeUnixNano",
    "endTimeUnixNano",
    "timeUnixNano",
    "attributes",
    "key",
    "value",
    "stringValue",
    "intValue",
    "doubleValue",
    "boolValue",
    "bytesValue",
    "arrayValue",
    "kvlistValue",
    "values",
    "events",
    "links",
    "status",
    "code",
    "message",
    "droppedAttributesCount",
    "traceState",
    "body",
    "severityNumber",
    "severityText",
    "observedTimeUnixNano",
    "entityRefs",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "NaN", "-Infinity", "1544712660000000000", "AAE=", "0x1", "\ud800", ""]
    ),
)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=60,
)


def nearly(outer: str, middle: str, items: str) -> st.SearchStrategy[Any]:
    """A request whose frame is right and whose records are anything."""
    record = st.dictionaries(st.sampled_from(KEYS), NESTED, max_size=10)
    scope = st.one_of(NESTED, st.fixed_dictionaries({items: st.lists(record, max_size=4)}, optional={"scope": NESTED}))
    group = st.one_of(NESTED, st.fixed_dictionaries({middle: st.lists(scope, max_size=3)}, optional={"resource": NESTED}))
    return st.one_of(NESTED, st.fixed_dictionaries({outer: st.lists(group, max_size=3)}))


def taken_json(decode: Any, write: Any, check: Any, body: bytes) -> None:
    try:
        request, reasons = decode(body)
    except InputError as error:
        assert str(error)
        return
    assert all(isinstance(reason, str) and reason for reason in reasons)
    again, reasons_again = decode(write(request).encode())
    assert (again, reasons_again) == (request, []) or "NaN" in write(request)
    checked = check(request, "", lambda name: len(name) or 1, NOW)
    for frame in checked.frames:
        frame.encoded()


def test_otlp_json(fuzz: Fuzz) -> None:
    @quick
    @given(nearly("resourceSpans", "scopeSpans", "spans"))
    def traces(document: Any) -> None:
        taken_json(json_to_traces, traces_to_json, check_traces, json.dumps(document).encode())

    @quick
    @given(nearly("resourceLogs", "scopeLogs", "logRecords"))
    def logs(document: Any) -> None:
        taken_json(json_to_logs, logs_to_json, check_logs, json.dumps(document).encode())

    @quick
    @given(
        st.one_of(st.binary(max_size=200), st.text(alphabet='{}[]",:0 \\u', max_size=80).map(lambda text: text.encode("utf-8", "replace")))
    )
    def text(body: bytes) -> None:
        taken_json(json_to_traces, traces_to_json, check_traces, body)

    fuzz(lambda: (traces(), logs(), text()))


def wire(numbers: Iterable[int]) -> st.SearchStrategy[bytes]:
    """Protobuf's own form with any content: fields of known numbers, lengths that fit and lengths that do not."""

    def varint(value: int) -> bytes:
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes([*out, value])

    def field(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
        told = st.builds(
            lambda number, value, lie: varint(number << 3 | 2) + varint(max(0, len(value) + lie)) + value,
            st.sampled_from(list(numbers)),
            inner,
            st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, -1, 1000]),
        )
        plain = st.builds(
            lambda number, value: varint(number << 3) + varint(value), st.sampled_from(list(numbers)), st.integers(0, 2**64 - 1)
        )
        fixed = st.builds(
            lambda number, value: varint(number << 3 | 1) + value, st.sampled_from(list(numbers)), st.binary(min_size=8, max_size=8)
        )
        return st.lists(st.one_of(told, told, plain, fixed), max_size=5).map(b"".join)

    leaf = st.one_of(
        st.binary(max_size=20), st.text(max_size=8).map(str.encode), st.just(b"\x01" * 16), st.just(b"\x02" * 8), st.just(b"\xff\xfe")
    )
    return st.recursive(leaf, field, max_leaves=40)


def test_protobuf_is_checked_and_mended(fuzz: Fuzz) -> None:
    @quick
    @given(st.one_of(wire(range(1, 17)), st.binary(max_size=100)))
    def once(body: bytes) -> None:
        for kind, check in ((ExportTraceServiceRequest, check_traces), (ExportLogsServiceRequest, check_logs)):
            try:
                checked = check(body, "", lambda name: len(name) or 1, NOW)
                assert checked.received >= 0
                for frame in checked.frames:
                    kind.FromString(frame.body)
            except InputError as error:
                assert "protobuf" in str(error)
            try:
                mended, count = repair_text(body, kind.DESCRIPTOR)
                assert len(mended) <= 3 * len(body) + 10 * count + 1000
            except InputError:
                pass

    fuzz(once)


def test_bodies_inflate_within_the_limit(fuzz: Fuzz) -> None:
    plain = st.one_of(st.binary(max_size=300), st.integers(0, 3 * LIMIT).map(bytes))
    coders: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": zstandard.ZstdCompressor().compress,
        "identity": bytes,
    }

    @quick
    @given(plain, st.sampled_from(sorted(coders)))
    def whole(data: bytes, coding: str) -> None:
        body = coders[coding](data)
        if len(data) <= LIMIT:
            assert inflate(body, coding, LIMIT) == data
        else:
            try:
                inflate(body, coding, LIMIT)
                raise AssertionError("more than the limit was inflated")
            except TooLarge:
                pass

    @quick
    @given(plain, st.sampled_from(["gzip", "deflate", "zstd"]), st.integers(0, 400), st.binary(max_size=4), st.booleans())
    def broken(data: bytes, coding: str, at: int, noise: bytes, cut: bool) -> None:
        body = coders[coding](data)
        at = min(at, len(body))
        changed = body[:at] if cut else body[:at] + noise + body[at + len(noise) :]
        try:
            assert len(inflate(changed, coding, LIMIT)) <= LIMIT
        except InputError as error:
            assert str(error)

    @quick
    @given(st.binary(max_size=200), st.text(max_size=12))
    def anything(body: bytes, coding: str) -> None:
        for name in (coding, "gzip", "deflate", "zstd"):
            try:
                assert len(inflate(body, name, LIMIT)) <= LIMIT
            except InputError as error:
                assert str(error)

    fuzz(lambda: (whole(), broken(), anything()))


WORDS = [
    "kind",
    "latency",
    "model",
    "input",
    "output",
    "score.task_success",
    "attr.app.tenant",
    "errors",
    "tokens",
    "cost",
    "session",
    "user",
    "and",
    "or",
    "not",
    "in",
    "(",
    ")",
    ",",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "~",
    "!~\n",
    "LLM",
    "error",
    "2s",
    "5ms",
    "0.5",
    "1e9",
    '"refund"',
    '"a',
    'b"',
    "'x'",
    '"\\"',
    "count",
    "any",
    "all",
    "true",
    "false",
    "null",
    "-1",
    "99999999999999999999",
    "$0.10",
    "now-1h",
    "2026-01-01",
    "tag",
    '"店"',
    "",
]


def test_filters_are_read_or_refused_at_a_character(fuzz: Fuzz) -> None:
    texts = st.one_of(
        st.lists(st.sampled_from([word.strip() for word in WORDS]), max_size=14).map(" ".join),
        st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=3)), max_size=10).map("".join),
        st.text(max_size=60),
        st.integers(1, 400).map(lambda depth: "(" * depth + "kind = LLM" + ")" * depth),
        st.integers(1, 400).map(lambda depth: "not " * depth + "kind = LLM"),
    )

    @quick
    @given(texts, st.sampled_from(["span", "trace", "session"]), st.integers(0, 80))
    def once(text: str, scope: Any, at: int) -> None:
        for proposal in complete(text, at, scope):
            assert 0 <= proposal.start <= proposal.end <= max(len(text), at)
        try:
            tree = parse(text, scope)
        except FilterError as error:
            assert 0 <= error.position <= len(text)
            assert str(error)
            return
        assert sentence(tree, scope)
        assert parse(format_filter(tree), scope) == tree
        try:
            compile_filter(tree, scope, now_ns=NOW)
        except FilterError as error:
            assert 0 <= error.position <= len(text)

    fuzz(once)


def test_cursors_come_back_and_changed_ones_are_refused(fuzz: Fuzz) -> None:
    order = "trace start DESC"

    @quick
    @given(
        st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(max_size=30)),
        st.lists(st.text(max_size=40), max_size=3),
        st.integers(0, 500),
        st.text(max_size=2),
    )
    def once(value: int | str, ids: list[str], at: int, noise: str) -> None:
        cursor = Cursor(order, value, tuple(ids))
        text = cursor.encode()
        assert decode_cursor(text, order) == cursor
        at = min(at, len(text))
        changed = text[:at] + noise + text[at + len(noise) :]
        try:
            assert decode_cursor(changed, order) == cursor
        except InputError as error:
            assert "cursor" in str(error)

    @quick
    @given(st.text(max_size=100))
    def anything(text: str) -> None:
        try:
            decode_cursor(text, order)
            raise AssertionError("a cursor that nobody handed out was taken")
        except InputError as error:
            assert "cursor" in str(error)

    fuzz(lambda: (once(), anything()))


def test_the_journal_reads_what_was_whole_and_nothing_else(fuzz: Fuzz, tmp_path: Path) -> None:
    entries = st.lists(
        st.builds(
            Entry,
            st.sampled_from(["spans", "logs"]),
            st.booleans(),
            st.integers(0, 2**63 - 1),
            st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace").decode()),
            st.sampled_from(["", "gzip"]),
            st.binary(max_size=80),
        ),
        min_size=1,
        max_size=6,
    )
    folders = iter(range(10**9))

    @settings(quick, max_examples=40)
    @given(entries, st.integers(0, 2000), st.binary(max_size=6), st.sampled_from(["cut", "change", "append"]))
    def once(sent: list[Entry], at: int, noise: bytes, damage: str) -> None:
        folder = tmp_path / str(next(folders))
        journal = Journal(folder)
        journal.append(sent)
        journal.rotate()  # a minute makes some ten thousand journals: each open file and folder would stay
        segments = sorted(path for path in folder.iterdir() if path.is_file())
        segment = segments[0]
        assert list(read_segment(segment)) == sent
        data = segment.read_bytes()
        at = min(at, len(data))
        damaged = {"cut": data[:at], "change": data[:at] + noise + data[at + len(noise) :], "append": data + noise}[damage]
        segment.write_bytes(damaged)
        read = list(read_segment(segment))
        shutil.rmtree(folder)
        whole = next(
            (number for number, (one, other) in enumerate(zip(read, sent, strict=False)) if one != other), min(len(read), len(sent))
        )
        assert whole == len(read), "an entry was read that was not written"

    fuzz(once)


def test_json_inside_attributes_is_read_or_left(fuzz: Fuzz) -> None:
    @quick
    @given(
        st.one_of(NESTED.map(json.dumps), st.text(max_size=80), st.integers(1, 5000).map(lambda depth: "[" * depth), st.just("9" * 5000))
    )
    def once(text: str) -> None:
        value = loads_or_none(text)
        try:
            dumps(value).encode()
        except (ValueError, RecursionError) as error:
            assert not isinstance(error, UnicodeEncodeError), "text came out that cannot be written"

    fuzz(once)


def test_errors_of_ours_have_one_root() -> None:
    assert issubclass(InputError, ClewError)
