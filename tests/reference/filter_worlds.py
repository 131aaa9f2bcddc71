"""Small worlds of spans and scores, and filters about them, for Hypothesis; and the way of a world into a real store.

Values come from short lists, so that filters hit and miss about equally often, and hold what goes wrong elsewhere: letters in two cases
and several scripts, quotes, backslashes, control characters, unknown numbers, empty texts, whole numbers at the ends of int64.
"""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import strategies as st

from clew.core.jsontext import dumps
from clew.store import Encoded, Statement, Store
from clew.traces.filter import Count, FieldRef, Node, Not, Scope, Search, Test, Value
from clew.traces.filter.fields import FIELDS, KINDS, OPS, STATUSES, place_of, type_of
from clew.traces.filter.tree import all_of, any_of
from reference.filter_reference import Row, World, score_key

NOW_NS = 1_000_000_000_000
TEXTS = ("a", "B", "gpt-4o", "it's", 'say "hi"', "back\\slash", "退款", "Éa", "tab\there", "two\nlines", "nul\0end", "😀", "ß")
SENTENCES = (
    "", "a refund, please", "REFUND NOW", "das Maß ist voll", "我要退款 a", "école É", 'say "hi" it\'s', "back\\slash\ttab", "%_", "Жук",
)  # fmt: skip
NEEDLES = ("refund", "Refund", "REFUND,", " a ", "a refund, p", "退", "款 A", "éCOLE", "ж", "MASS", "ẞ", "\\", "%", '"', "\t", "now")
KEYS = ("n", "my key", "x.label", 'q"ключ')
WHOLES = (-1, 0, 1, 2, 3, 9_007_199_254_740_993, 2**63 - 1)
REALS = (0.5, -1.5, 1.0, 3.0, 2.25)
DURATIONS = (0, 1, 1_000_000, 2_000_000_000, 2_500_000_000)
COUNTS = (0, 1, 5, 1000)
NANOS = (0, 10_000, 1_000_000_000)
TRACES = tuple(f"{n:032x}" for n in (1, 2, 3, 4, 5, 0xFF_0D00_0000))
SPANS = tuple(f"{n:016x}" for n in range(1, 5))
SESSIONS = ("", "s1", "s2", "it's", "退款")

TEXT_COLUMNS = (
    "status_message", "error_type", "service", "environment", "provider", "model", "model_asked", "model_answered", "agent_name",
    "tool_name", "prompt_name", "prompt_version", "finish_reason", "user_id", "dialect", "cost_source",
)  # fmt: skip
TOKEN_COLUMNS = (
    "input_tokens", "uncached_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    "audio_input_tokens", "audio_output_tokens",
)  # fmt: skip
PLAIN_COLUMNS = (
    "start_ns", "end_ns", "duration_ns", "is_root", "name", "status", "kind", "session_id", "tags", "metadata", "counted", "cost_nanos",
    "ttft_ns", "marks", "input_text", "output_text", *TEXT_COLUMNS, *TOKEN_COLUMNS,
)  # fmt: skip
ID_COLUMNS = ("trace_id", "span_id", "parent_id")
ATTRIBUTE_COLUMNS = ("keys", "kinds", "texts", "wholes", "reals")

# ── worlds ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def plain_span(**changes: Any) -> Row:
    """A root span of which hardly anything is known, but for what is said."""
    texts, tokens = dict.fromkeys(TEXT_COLUMNS, ""), dict.fromkeys(TOKEN_COLUMNS)
    return {
        "trace_id": TRACES[0], "span_id": SPANS[0], "parent_id": "0" * 16, "is_root": True, "start_ns": NOW_NS, "end_ns": NOW_NS + 5,
        "duration_ns": 5, "name": "chat", "status": 0, "kind": "LLM", "session_id": "", "tags": [], "marks": [], "metadata": "",
        "counted": True, "cost_nanos": None, "ttft_ns": None, "input_text": "", "output_text": "", "attributes": [],
        **texts, **tokens, **changes,
    }  # fmt: skip


def attribute_values() -> st.SearchStrategy[tuple[str, Any]]:
    return st.one_of(
        st.tuples(st.just("s"), st.sampled_from(("", "3", *TEXTS))),
        st.tuples(st.just("b"), st.booleans()),
        st.tuples(st.just("i"), st.sampled_from(WHOLES)),
        st.tuples(st.just("d"), st.sampled_from((*REALS, float("inf"), float("nan")))),
        st.tuples(st.sampled_from(("l", "m", "y")), st.just("raw")),
        st.tuples(st.just("no"), st.just("")),
    )


def metadata() -> st.SearchStrategy[str]:
    """JSON objects; numbers stay in what a double holds exactly."""
    value = st.one_of(
        st.none(), st.booleans(), st.sampled_from((-1, 0, 3, 0.5, 2.25)), st.sampled_from(TEXTS), st.just([1]), st.just({"n": 1})
    )
    return st.one_of(st.just(""), st.dictionaries(st.sampled_from(KEYS), value, max_size=3).map(dumps))


@st.composite
def spans(draw: st.DrawFn, ids: tuple[str, str]) -> Row:
    texts = {column: draw(st.sampled_from(("", "", *TEXTS[:4]))) for column in TEXT_COLUMNS}
    tokens = {column: draw(st.one_of(st.none(), st.sampled_from(COUNTS))) for column in TOKEN_COLUMNS}
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=3, unique=True))
    start, lasted = draw(st.sampled_from((10, 20, NOW_NS - 2_000_000_000, NOW_NS))), draw(st.sampled_from((*DURATIONS, -5)))
    root = draw(st.booleans())
    return {
        "trace_id": ids[0], "span_id": ids[1], "is_root": root, "parent_id": "0" * 16 if root else draw(st.sampled_from(SPANS)),
        "start_ns": start, "end_ns": start + lasted, "duration_ns": lasted, **texts, **tokens,
        "name": draw(st.sampled_from(("chat", "GET /", *TEXTS))), "status": draw(st.integers(0, 2)),
        "kind": draw(st.sampled_from(KINDS[:3])), "session_id": draw(st.sampled_from(SESSIONS)),
        "tags": draw(st.lists(st.sampled_from(TEXTS[:5]), max_size=2, unique=True)),
        "marks": draw(st.lists(st.sampled_from(TEXTS[:2]), max_size=1)),
        "metadata": draw(metadata()), "counted": draw(st.booleans()), "cost_nanos": draw(st.one_of(st.none(), st.sampled_from(NANOS))),
        "ttft_ns": draw(st.one_of(st.none(), st.sampled_from(DURATIONS))), "input_text": draw(st.sampled_from(SENTENCES)),
        "output_text": draw(st.sampled_from(SENTENCES)), "attributes": [(key, *draw(attribute_values())) for key in keys],
    }  # fmt: skip


@st.composite
def scores(draw: st.DrawFn) -> Row:
    """A score. Only the ids of its scope say what it is about; now and then it carries others as well."""
    scope = draw(st.sampled_from(("span", "trace", "session")))
    stray = draw(st.booleans())
    return {
        "scope": scope,
        "trace_id": draw(st.sampled_from(TRACES)) if scope != "session" or stray else "0" * 32,
        "span_id": draw(st.sampled_from(SPANS)) if scope == "span" or stray else "0" * 16,
        "session_id": draw(st.sampled_from(SESSIONS[1:])) if scope == "session" or stray else "",
        "name": draw(st.sampled_from(KEYS)),
        "identifier": draw(st.sampled_from(("", "second"))),
        **draw(judgements()),
        "received_ns": 1,
    }


def judgements() -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "value": st.one_of(st.none(), st.sampled_from((0.0, 0.5, 1.0, 3.0))),
            "label": st.sampled_from(("", "fail", "Éa")),
            "source": st.sampled_from(("person", "judge")),
        }
    )


@st.composite
def worlds(draw: st.DrawFn, *, least: int = 1, most: int = 8) -> World:
    """Spans and scores; some scores were given a second time, later."""
    ids = draw(st.lists(st.tuples(st.sampled_from(TRACES), st.sampled_from(SPANS)), min_size=least, max_size=most, unique=True))
    first = draw(st.lists(scores(), min_size=least, max_size=most, unique_by=score_key))
    again = [{**row, **draw(judgements()), "received_ns": 2} for row in first if draw(st.booleans())]
    return World([draw(spans(pair)) for pair in ids], [*first, *again])


# ── filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def field_refs(scope: Scope) -> list[FieldRef]:
    """Every field of a scope, those of open families with every key."""
    plain = [FieldRef(field.name) for field in FIELDS if not field.family and field.place(scope)]
    keyed = [FieldRef(name, key) for name in ("attr", "metadata") for key in KEYS]
    scored = [FieldRef(name, key, part) for name in ("score", "trace.score") for key in KEYS for part in ("", "label", "source")]
    bare = [FieldRef(name) for name in ("score", "trace.score")]
    refs = [*plain, *keyed, *[ref for ref in (*scored, *bare) if place_of(ref, scope)]]
    if scope == "trace":
        refs += [rooted for ref in refs if place_of(rooted := FieldRef(ref.name, ref.key, ref.part, root=True), scope)]
    return refs


def values(ref: FieldRef, op: str) -> st.SearchStrategy[Value]:
    texts = st.sampled_from((*TEXTS[:4] * 4, *TEXTS)).map(lambda text: Value("text", text))
    if op in ("~", "!~"):
        return st.sampled_from(NEEDLES).map(lambda text: Value("text", text))
    match type_of(ref):
        case "choice":
            return st.sampled_from(KINDS[:3] if ref.name == "kind" else STATUSES).map(lambda text: Value("text", text))
        case "id":
            return st.sampled_from(TRACES if ref.name == "trace" else SPANS).map(lambda text: Value("text", text))
        case "flag":
            return st.booleans().map(lambda flag: Value("flag", flag))
        case "count":
            return st.sampled_from((*COUNTS, 2)).map(lambda number: Value("whole", number))
        case "duration":
            return st.sampled_from(DURATIONS).map(lambda number: Value("whole", number))
        case "money":
            return st.sampled_from(NANOS).map(lambda number: Value("whole", number))
        case "number":
            return st.sampled_from((Value("whole", 0), Value("whole", 3), Value("real", 0.5)))
        case "moment":
            return st.sampled_from((10, 20, NOW_NS)).map(lambda moment: Value("moment", moment))
        case "since":
            return st.sampled_from((Value("ago", 1), Value("ago", 2_000_000_000), Value("moment", 20), Value("moment", NOW_NS)))
        case "dynamic":
            numbers = st.sampled_from((*[Value("whole", whole) for whole in WHOLES], Value("real", 0.5), Value("real", 2.25)))
            reals = numbers.filter(lambda value: ref.name == "attr" or abs(float(value.raw)) < 2**53)
            return reals if op in ("<", "<=", ">", ">=") else st.one_of(reals, texts, st.booleans().map(lambda flag: Value("flag", flag)))
    return st.sampled_from(SENTENCES[1:]).map(lambda text: Value("text", text)) if ref.name in ("input", "output") else texts


def value_lists(ref: FieldRef, op: str) -> st.SearchStrategy[tuple[Value, ...]]:
    """As many values as the operator takes."""
    if op in ("exists", "missing"):
        return st.just(())
    return st.lists(values(ref, op), min_size=1, max_size=3 if op in ("in", "not in") else 1).map(tuple)


@st.composite
def tests(draw: st.DrawFn, scope: Scope) -> Test:
    ref = draw(st.sampled_from(field_refs(scope)))
    op = draw(st.sampled_from(OPS[type_of(ref)]))
    return Test(ref, op, draw(value_lists(ref, op)))


@st.composite
def counts(draw: st.DrawFn) -> Count:
    op = draw(st.sampled_from(("=", "!=", "<", "<=", ">", ">=")))
    return Count(draw(trees("span")), op, draw(st.integers(-1, 3)))


def trees(scope: Scope) -> st.SearchStrategy[Node]:
    """Filters in normal form: ands within ands and ors within ors are flat."""
    leaves = st.one_of(tests(scope), tests(scope), tests(scope), st.sampled_from(NEEDLES).map(Search))
    if scope != "span":
        leaves = st.one_of(leaves, counts())
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: all_of(tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: any_of(tuple(parts))),
        ),
        max_leaves=5,
    )


# ── into a store ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_TYPES = {
    **dict.fromkeys(PLAIN_COLUMNS, "String"),
    **dict.fromkeys(TOKEN_COLUMNS, "Nullable(Int64)"),
    **dict.fromkeys(("start_ns", "end_ns", "duration_ns"), "Int64"),
    **dict.fromkeys(("cost_nanos", "ttft_ns"), "Nullable(Int64)"),
    **dict.fromkeys(("is_root", "counted"), "Bool"),
    **dict.fromkeys(("tags", "marks"), "Array(String)"),
    "status": "UInt8",
}
_SPANS = Statement(
    "load_world",
    f"INSERT INTO spans (project_id, {', '.join((*ID_COLUMNS, *PLAIN_COLUMNS))}, attr.key, attr.kind, attr.str, attr.int, attr.dbl)"
    f" SELECT {{project_id:UInt32}}, {', '.join(f'unhex({column})' for column in ID_COLUMNS)}, {', '.join(PLAIN_COLUMNS)},"
    f" {', '.join(ATTRIBUTE_COLUMNS[:4])}, arrayMap(bits -> reinterpretAsFloat64(bits), reals) FROM /*slot:source*/",
)
_SPANS_FORM = ", ".join(
    [
        *(f"{column} String" for column in ID_COLUMNS),
        *(f"{column} {_TYPES[column]}" for column in PLAIN_COLUMNS),
        "keys Array(String), kinds Array(String), texts Array(String), wholes Array(Int64), reals Array(Int64)",
    ]
)
_SCORES = Statement(
    "load_scores",
    "INSERT INTO scores SELECT {project_id:UInt32}, 'id', scope, unhex(trace_id), unhex(span_id), session_id, name, identifier, value,"
    " label, source, '', '', '', '', 0, received_ns FROM /*slot:source*/",
)
_SCORES_FORM = (
    "scope String, trace_id String, span_id String, session_id String, name String, identifier String, value Nullable(Float64),"
    " label String, source String, received_ns Int64"
)


def keep(store: Store, project_id: int, world: World) -> None:
    """Writes a world into a project of a store."""
    store.facts.load(_SPANS, Encoded([_lines([_flat(span) for span in world.spans])], "JSONEachRow", _SPANS_FORM), project_id=project_id)
    for received in sorted({score["received_ns"] for score in world.scores}):  # what comes later comes in a part of its own
        rows = [score for score in world.scores if score["received_ns"] == received]
        store.facts.load(_SCORES, Encoded([_lines(rows)], "JSONEachRow", _SCORES_FORM), project_id=project_id)


def _lines(rows: list[Row]) -> bytes:
    return "".join(dumps(row) + "\n" for row in rows).encode()


def _flat(span: Row) -> Row:
    """The row with its attributes as parallel arrays; doubles go as their bits, for JSON knows no NaN."""
    attributes = span["attributes"]
    return {column: span[column] for column in (*ID_COLUMNS, *PLAIN_COLUMNS)} | {
        "keys": [key for key, _, _ in attributes],
        "kinds": [kind for _, kind, _ in attributes],
        "texts": [value if kind in "slmy" else "" for _, kind, value in attributes],
        "wholes": [int(value) if kind in "bi" else 0 for _, kind, value in attributes],
        "reals": [struct.unpack("<q", struct.pack("<d", value if kind == "d" else 0.0))[0] for _, kind, value in attributes],
    }
