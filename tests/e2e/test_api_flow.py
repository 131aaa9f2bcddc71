"""Flows through the API of a real server: pages and cursors, scores, saved views, prices, projects of any name, one form of error."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import served
from clew.core.clock import now_ns
from clew.web.urls import url

HOUR_NS = 3_600_000_000_000


def several(count: int, *, start_ns: int, **attributes: Any) -> ExportTraceServiceRequest:
    """Traces of one span each, a second apart."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(count):
        one = served.span_of(served.a_span(f"step {number}", start_ns=start_ns + number * 10**9, **attributes))
        one.end_time_unix_nano = one.start_time_unix_nano + number * 1_000_000
        spans.append(one)
    return request


def walked(clew: served.Clew, project: str, path: str, between: Any = None, **asked: Any) -> list[Any]:
    """Every row of a list, page by page; ``between`` is called after each page."""
    rows: list[Any] = []
    cursor = None
    while True:
        page = clew.of(project, path, cursor=cursor, **asked)
        assert len(page["items"]) <= asked["limit"]
        rows += page["items"]
        cursor = page["next"]
        if cursor is None:
            return rows
        if between is not None:
            between()


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sort", ["start", "latency", "cost", "tokens", "errors"])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_hold_every_trace_once_in_order(clew: served.Clew, sort: str, descending: bool) -> None:
    project = f"pages-{sort}-{descending}"
    sent = several(23, start_ns=now_ns() - HOUR_NS)
    clew.export(sent, project)
    rows = walked(clew, project, "/traces", limit=5, sort=sort, descending=descending)
    ids = [row["root"]["trace_id"] for row in rows]
    assert sorted(ids) == sorted(span.trace_id.hex() for span in sent.resource_spans[0].scope_spans[0].spans)
    if sort in ("start", "latency"):
        starts = [row["root"]["start_ns"] for row in rows]
        assert starts == sorted(starts, reverse=descending)


def test_pages_stay_stable_while_spans_arrive(clew: served.Clew) -> None:
    start = now_ns() - HOUR_NS
    sent = several(20, start_ns=start)
    clew.export(sent, "arriving")
    before = {span.trace_id.hex() for span in sent.resource_spans[0].scope_spans[0].spans}

    def arrive() -> None:
        clew.export(several(3, start_ns=now_ns() - 10**9), "arriving")

    for path, key in (("/traces", "root"), ("/spans", None)):
        rows = walked(clew, "arriving", path, arrive, limit=4, until_ns=start + HOUR_NS // 2)
        ids = [(row[key] if key else row)["trace_id"] for row in rows]
        assert len(ids) == len(set(ids))
        assert set(ids) == before


def test_sessions_and_findings_come_in_pages_too(clew: served.Clew) -> None:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    names = [f"session {number} {'é' * 400}" for number in range(7)]
    for name in names:
        spans.append(served.span_of(served.a_span("turn", session__id=name, input__value=f"where is the parcel, asks {name}")))
    clew.export(request, "talks")
    rows = walked(clew, "talks", "/sessions", limit=2)
    assert sorted(row["session_id"] for row in rows) == names
    for name in names[:2]:
        assert clew.of("talks", f"/sessions/{quote(name, safe='')}")["row"]["traces"] == 1
    hits = walked(clew, "talks", "/search", limit=3, text="the parcel")
    assert len(hits) == 7
    snippet = hits[0]["snippets"][0]
    assert snippet["text"][snippet["start"] : snippet["end"]] == "the parcel"


def test_a_cursor_that_was_changed_or_is_of_another_list_is_refused(clew: served.Clew) -> None:
    clew.export(several(6, start_ns=now_ns() - HOUR_NS), "cursors")
    good = clew.of("cursors", "/traces", limit=2)["next"]
    middle = len(good) // 2
    changed = good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]
    wrong = [changed, good[:-3], good + "x", "x", "=", "%00", "é" * 10, "[" * 400]
    for cursor in wrong:
        error = clew.of("cursors", "/traces", 400, limit=2, cursor=cursor)["error"]
        assert error["code"] == "bad_input"
        assert "cursor" in error["message"]
    assert clew.of("cursors", "/traces", 400, cursor=good, descending=False)["error"]["code"] == "bad_input"
    assert clew.of("cursors", "/spans", 400, cursor=good)["error"]["code"] == "bad_input"


def test_what_arrives_is_followed(clew: served.Clew) -> None:
    clew.export(several(2, start_ns=now_ns() - HOUR_NS), "tail")
    place = clew.of("tail", "/tail/traces")
    assert place["items"] == []
    clew.export(several(3, start_ns=now_ns() - HOUR_NS), "tail")
    news = clew.of("tail", "/tail/traces", after=place["next"])
    assert len(news["items"]) == 3
    assert clew.of("tail", "/tail/traces", after=news["next"])["items"] == []
    spans = clew.of("tail", "/tail/spans")["next"]
    clew.export(several(1, start_ns=now_ns() - HOUR_NS), "tail")
    assert len(clew.of("tail", "/tail/spans", after=spans)["items"]) == 1


def test_the_neighbours_of_a_trace_are_those_of_its_list(clew: served.Clew) -> None:
    clew.export(several(5, start_ns=now_ns() - HOUR_NS), "beside")
    ids = [row["root"]["trace_id"] for row in walked(clew, "beside", "/traces", limit=2)]
    assert clew.of("beside", f"/traces/{ids[2]}/neighbours") == {"before": ids[1], "after": ids[3]}
    assert clew.of("beside", f"/traces/{ids[0]}/neighbours") == {"before": None, "after": ids[1]}


# ── one span ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_span_is_read_back_by_its_identifiers_with_whole_numbers(clew: served.Clew) -> None:
    start = 1_790_000_000_123_456_789
    sent = served.a_span(
        "chat gpt-4o", start_ns=start, gen_ai__operation__name="chat", gen_ai__usage__input_tokens=2**53 + 1, odd=float("nan")
    )
    clew.export(sent, "one")
    trace, span = served.ids(sent)
    told = clew.of("one", f"/traces/{trace.upper()}/spans/{span.upper()}")
    assert told["row"]["start_ns"] == start
    assert told["row"]["tokens"]["input"] == 2**53 + 1
    assert told["canonical"]["kind"] == "LLM"
    assert {"key": "odd", "value": {"doubleValue": "NaN"}} in told["otlp"]["attributes"]
    view = clew.of("one", f"/traces/{trace}")
    assert view["nodes"][0]["span"]["span_id"] == span
    assert view["root_missing"] is False


def test_text_that_utf8_cannot_hold_costs_no_answer(clew: served.Clew) -> None:
    half = '[{"role":"user","content":"half \\ud800 a pair"}]'
    deep = "[" * 900 + "]" * 900
    sent = served.a_span(
        "chat", gen_ai__operation__name="chat", gen_ai__input__messages=half, gen_ai__output__messages=deep, input__value=half
    )
    clew.export(sent, "odd")
    trace, span = served.ids(sent)
    assert clew.of("odd", f"/traces/{trace}/spans/{span}")["otlp"]["name"] == "chat"
    for path in (f"/traces/{trace}", "/traces", "/sessions"):
        assert clew.get(f"/p/odd{path}").status_code == 200


# ── scores ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first", ["target", "score"])
@pytest.mark.parametrize("scope", ["span", "trace", "session"])
def test_a_score_finds_its_target_whichever_comes_first(clew: served.Clew, scope: str, first: str) -> None:
    project, session = f"scored-{scope}-{first}", f"visit {scope} {first}"
    sent = served.a_span("turn", session__id=session)
    trace, span = served.ids(sent)
    target = {"span": {"trace_id": trace, "span_id": span}, "trace": {"trace_id": trace}, "session": {"session_id": session}}[scope]
    score = {
        "project": project,
        "name": "task_success",
        "value": 1,
        "label": "yes",
        "source": "person",
        "author": "ann",
        "reason": "fine",
        **target,
    }
    for step in (first, "score" if first == "target" else "target"):
        if step == "target":
            clew.export(sent, project)
        else:
            assert clew.post_api("/scores", score, 201)["scope"] == scope
    opened = {
        "span": lambda: clew.of(project, f"/traces/{trace}/spans/{span}")["scores"],
        "trace": lambda: clew.of(project, f"/traces/{trace}")["scores"],
        "session": lambda: clew.of(project, f"/sessions/{quote(session, safe='')}")["scores"],
    }[scope]()
    assert [(one["name"], one["value"], one["label"], one["author"]) for one in opened if one["scope"] == scope] == [
        ("task_success", 1, "yes", "ann")
    ]
    if scope == "trace":
        assert len(clew.of(project, "/traces", filter="score.task_success >= 1")["items"]) == 1


def test_a_score_given_again_replaces_the_older_and_another_identifier_stands_beside_it(clew: served.Clew) -> None:
    sent = served.a_span()
    clew.export(sent, "again")
    trace, _ = served.ids(sent)
    for value, identifier in ((0, ""), (0.5, ""), (1, "second reader")):
        body = {"project": "again", "name": "quality", "trace_id": trace, "value": value, "identifier": identifier}
        clew.post_api("/scores", body, 201)
    scores = clew.of("again", f"/traces/{trace}")["scores"]
    assert sorted((one["identifier"], one["value"]) for one in scores) == [("", 0.5), ("second reader", 1)]


REFUSED: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({}, 422, "name"),
    ({"name": "n", "value": 1}, 400, "session_id"),
    ({"name": "n", "value": 1, "span_id": "a" * 16}, 400, "trace_id"),
    ({"name": "n", "value": 1, "trace_id": "xyz"}, 400, "32 hex"),
    ({"name": "n", "value": 1, "trace_id": "0" * 32}, 400, "32 hex"),
    ({"name": "n", "trace_id": "a" * 32}, 400, "neither value nor label"),
    ({"name": " ", "value": 1, "trace_id": "a" * 32}, 400, "name is empty"),
    ({"name": "n", "value": "high", "trace_id": "a" * 32}, 422, "value"),
    ({"name": "n", "value": 1, "trace_id": "a" * 32, "source": "oracle"}, 422, "source"),
    ({"name": "n", "value": 1, "trace_id": "a" * 32, "sorce": "code"}, 422, "sorce"),
    ({"name": "n", "value": 1, "trace_id": "a" * 32, "time_ns": 2**63}, 422, "time_ns"),
    ({"name": "n", "value": 1, "session_id": "s" * 300}, 422, "session_id"),
    ({"name": "n", "value": 1, "session_id": "s", "project": "  "}, 400, "project"),
)


@pytest.mark.parametrize(("score", "status", "told"), REFUSED)
def test_a_score_that_cannot_be_kept_is_refused_with_the_reason(clew: served.Clew, score: dict[str, Any], status: int, told: str) -> None:
    error = clew.post_api("/scores", {"project": "refused", **score}, status)["error"]
    assert told in error["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"value": NaN}', b"[" * 100_000, b'{"project":"\\ud800","name":"n","session_id":"s","value":1}'],
)
def test_a_body_that_is_no_score_is_refused_in_the_one_form(clew: served.Clew, body: bytes) -> None:
    answer = clew.post("/api/v1/scores", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert set(answer.json()["error"]) == {"code", "message"}


# ── views and prices ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_list_is_saved_under_a_name_replaced_and_removed(clew: served.Clew) -> None:
    clew.export(served.a_span(), "kept")
    for query in ("q=errors", "q=cost"):
        clew.post_api("/projects/kept/views", {"page": "traces", "name": "  My   view ", "query": query}, 204)
    views = clew.of("kept", "/views", page="traces")
    assert [(view["name"], view["query"]) for view in views] == [("My view", "q=cost")]
    assert clew.of("kept", "/views", page="sessions") == []
    path = f"/api/v1/projects/kept/views/{views[0]['id']}"
    gone = clew.delete(path)
    assert (gone.status_code, gone.json()["name"]) == (200, "My view")
    assert clew.delete(path).json()["error"]["code"] == "not_found"
    assert clew.post_api("/projects/kept/views", {"page": "traces", "name": "  ", "query": ""}, 400)["error"]["code"] == "bad_input"


def test_an_own_price_changes_costs_when_they_are_worked_out_again(clew: served.Clew) -> None:
    sent = served.a_span(
        "chat",
        gen_ai__operation__name="chat",
        gen_ai__request__model="own-model",
        gen_ai__usage__input_tokens=1000,
        gen_ai__usage__output_tokens=100,
    )
    clew.export(sent, "priced")
    trace, span = served.ids(sent)
    path = f"/traces/{trace}/spans/{span}"
    assert clew.of("priced", path)["row"]["cost_micros"] is None
    price = clew.post_api("/projects/priced/prices", {"model": "own-model", "rates": {"input": "2", "output": "10"}}, 201)
    assert clew.of("priced", "/prices") == [price]
    assert clew.of("priced", path)["row"]["cost_micros"] is None
    assert clew.post_api("/projects/priced/recompute", {}, 200)["changed"] == 1
    row = clew.of("priced", path)["row"]
    assert (row["cost_micros"], row["cost_source"]) == (3000, "own price")
    assert clew.delete(f"/api/v1/projects/priced/prices/{price['id']}").status_code == 204
    assert clew.delete(f"/api/v1/projects/priced/prices/{price['id']}").status_code == 404
    assert clew.post_api("/projects/priced/recompute", {}, 200)["changed"] == 1
    assert clew.of("priced", path)["row"]["cost_micros"] is None
    told = clew.post_api("/projects/priced/prices", {"model": "m", "rates": {"inptu": 1}}, 400)["error"]["message"]
    assert "'inptu'" in told


# ── projects of any name ─────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = ("shop eu", "a/b", "/", "..", ".", "~1", "~", "~a/b", "100%", "a%2Fb", "?q=1#x", "店 🧵", "‮rtl", "é" * 200, "a\\b", "+", "a&b=c;d")


@pytest.mark.parametrize("name", NAMES)
def test_a_project_of_any_name_is_reached_by_api_and_pages(clew: served.Clew, name: str) -> None:
    request = served.a_span("here", session__id="s/1")
    request.resource_spans[0].resource.attributes.add(key="clew.project.name").value.string_value = name
    clew.export(request)
    trace, span = served.ids(request)
    found = next(project for project in clew.api("/projects") if project["name"] == name)
    for segment in (found["segment"], f"~{found['id']}"):
        assert clew.of_segment(segment, f"/traces/{trace}/spans/{span}")["row"]["name"] == "here"
        assert clew.of_segment(segment, "/sessions/s%2F1")["project"] == name
    for path in ((), ("traces",), ("traces", trace), ("sessions",), ("sessions", "s/1"), ("search",)):
        answer = clew.get(url("/p", name, *path))
        assert answer.status_code == 200, (path, answer.text[:300])
    linked = clew.get(url("/p", name, "traces")).text
    assert url("/p", name, "traces", trace) in linked
    assert clew.get(f"/p/~{found['id']}/traces").status_code == 200


def test_an_unknown_project_is_not_found_and_none_is_made(clew: served.Clew) -> None:
    before = clew.api("/projects")
    for segment in ("nobody", "~999999", "~" + "9" * 30, "~nobody", quote("é" * 300)):
        assert clew.of_segment(segment, "/traces", 404)["error"]["code"] == "not_found"
    assert clew.api("/projects") == before


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_filter_points_at_the_character(clew: served.Clew) -> None:
    clew.export(served.a_span(), "wrong")
    error = clew.of("wrong", "/traces", 400, filter="kind == LLM")["error"]
    assert error["code"] == "bad_filter"
    assert error["position"] == 5
    assert error["expected"]
    assert clew.of("wrong", "/export", 400, filter="(")["error"]["code"] == "bad_filter"


ERRORS = (
    ("GET", "/api/v1/nothing", 404, "not_found"),
    ("PUT", "/api/v1/projects", 405, "method_not_allowed"),
    ("GET", "/api/v1/projects/wrong/traces?limit=0", 422, "invalid"),
    ("GET", "/api/v1/projects/wrong/traces?limit=501", 422, "invalid"),
    ("GET", "/api/v1/projects/wrong/traces?sort=name", 422, "invalid"),
    ("GET", "/api/v1/projects/wrong/traces/xyz", 422, "invalid"),
    ("GET", "/api/v1/projects/wrong/overview?since_ns=5&until_ns=5", 400, "bad_input"),
    ("GET", "/api/v1/projects/wrong/overview?group_by=nothing", 400, "bad_input"),
    ("GET", "/api/v1/projects/wrong/search?text=%20", 400, "bad_input"),
    ("GET", "/api/v1/projects/wrong/sessions/none", 404, "not_found"),
    ("GET", f"/api/v1/projects/wrong/traces/{'a' * 32}/spans/{'b' * 16}", 404, "not_found"),
)


@pytest.mark.parametrize(("method", "path", "status", "code"), ERRORS)
def test_every_error_has_the_one_form(clew: served.Clew, method: str, path: str, status: int, code: str) -> None:
    clew.export(served.a_span(trace=b"\x01" * 16), "wrong")
    answer = clew.request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["message"]


def test_a_wrong_method_is_told_which_there_are(clew: served.Clew) -> None:
    assert clew.put("/api/v1/projects/any/prices").headers["allow"] == "GET, POST"


def test_a_long_trace_is_read_whole(clew: served.Clew) -> None:
    request, trace = ExportTraceServiceRequest(), os.urandom(16)
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(6_000):
        one = served.span_of(served.a_span(f"step {number}", trace=trace))
        one.parent_span_id = spans[number // 3].span_id if number else b""
        spans.append(one)
    clew.export(request, "long")
    view = clew.of("long", f"/traces/{trace.hex()}")
    assert len(view["nodes"]) == 6_000
    assert view["row"]["spans"] == 6_000
