"""The edge of a server that has no log-in: who is let in, what a page may do, what an answer tells, and that text stays text."""

from __future__ import annotations

import json
import os
import re
import socket
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import served
from clew.web.urls import url

PAGES = ("/", "/ingest", "/p/edge", "/p/edge/traces", "/p/edge/sessions", "/p/edge/search?q=a", "/no-such-page", "/p/none", "/metrics")
POSTS = ("/v1/traces", "/v1/logs", "/v1/metrics", "/api/v1/scores", "/theme", "/p/edge/views")
OTHERS = ("null", "http://evil.example", "https://127.0.0.1.evil.example", "http://localhost:1", "file://", "[", "http://[")
MIB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def _project(clew: served.Clew) -> None:
    clew.export(served.a_span("first"), "edge")


def raw(clew: served.Clew, request: bytes) -> bytes:
    """What the server answers to bytes that no client would send."""
    port = int(clew.server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(request)
        answer = b""
        while piece := sock.recv(1 << 16):
            answer += piece
        return answer


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]", "[", "a b"]
)
def test_a_name_that_was_rebound_to_this_machine_is_refused(clew: served.Clew, host: str) -> None:
    for path in ("/", "/api/v1/projects", "/metrics"):
        answer = clew.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden"
        assert "edge" not in answer.text


def test_a_request_without_a_host_is_refused(clew: served.Clew) -> None:
    assert raw(clew, b"GET /api/v1/projects HTTP/1.0\r\n\r\n").split(b"\r\n")[0].endswith(b"403 Forbidden")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7464", "127.0.0.1", "[::1]:99"])
def test_the_names_of_this_machine_are_served(clew: served.Clew, host: str) -> None:
    assert clew.get("/api/v1/projects", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.parametrize("path", POSTS)
def test_pages_of_other_origins_change_nothing(clew: served.Clew, path: str, origin: str) -> None:
    before = clew.api("/ingest")["accounts"]
    body = served.a_span().SerializeToString()
    answer = clew.post(path, content=body, headers={"Origin": origin, "Content-Type": "text/plain"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert clew.api("/ingest")["accounts"] == before


def test_deleting_from_another_origin_is_refused_and_from_our_own_page_it_is_not(clew: served.Clew) -> None:
    clew.post_api("/projects/edge/views", {"page": "traces", "name": "mine", "query": ""}, 204)
    view = clew.of("edge", "/views", page="traces")[0]["id"]
    path = f"/api/v1/projects/edge/views/{view}"
    assert clew.delete(path, headers={"Origin": "null"}).status_code == 403
    assert clew.delete(path, headers={"Origin": clew.server.url}).status_code == 200


def test_our_own_pages_post_their_forms(clew: served.Clew) -> None:
    own = {"Origin": clew.server.url}
    answer = clew.post("/theme", data={"to": "dark", "back": "//evil.example"}, headers=own)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    answer = clew.post("/p/edge/views", data={"name": "errors", "query": "q=errors"}, headers=own)
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/edge/traces?q=errors")


@pytest.mark.parametrize("path", [*PAGES, "/api/v1/projects", "/api/v1/none", "/v1/traces", "/api/v1/openapi.json"])
def test_every_answer_has_the_guards_headers_and_no_banner(clew: served.Clew, path: str) -> None:
    headers = clew.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers
    assert "x-powered-by" not in headers
    assert "access-control-allow-origin" not in headers


def test_no_other_origin_is_told_that_it_may_read(clew: served.Clew) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = clew.options("/v1/traces", headers=asked)
    assert answer.status_code in (403, 404, 405)
    assert not [name for name in answer.headers if name.startswith("access-control")]


WRONG = (
    "/no-such-page",
    "/api/v1/nothing",
    "/api/v1/projects/none/traces",
    "/api/v1/projects/edge/traces/zz",
    "/api/v1/projects/edge/traces?filter=%00(",
    "/api/v1/projects/edge/traces?since_ns=-1",
    "/api/v1/projects/edge/traces?cursor=../../etc/passwd",
    "/p/none/traces",
    "/p/edge/traces?q=kind%20%3D%20(",
    "/p/edge/traces?from=x",
    "/p/edge/traces/" + "0" * 32,
    "/static/../../../../etc/passwd",
    "/static/%2e%2e%2f%2e%2e%2fpyproject.toml",
)


@pytest.mark.parametrize("path", WRONG)
def test_an_error_tells_no_path_of_the_machine_and_no_code(clew: served.Clew, path: str) -> None:
    answer = clew.get(path)
    assert answer.status_code < 500
    told = answer.text
    for secret in (os.getcwd(), str(clew.server.environ["CLEW_DATA"]), "site-packages", "Traceback", ".py", "chdb", "SELECT"):
        assert secret not in told
    if path.startswith("/api/"):
        assert set(answer.json()) == {"error"}
        assert {"code", "message"} <= set(answer.json()["error"])


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_long_is_refused_whether_it_tells_its_length_or_not(clew: served.Clew, told: bool) -> None:
    body = json.dumps({"project": "edge", "name": "n", "session_id": "s", "reason": "x" * (MIB + 1)}).encode()
    pieces = (body[at : at + 65536] for at in range(0, len(body), 65536))
    answer = clew.post("/api/v1/scores", content=body if told else pieces, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert clew.api("/health") == {"status": "ok"}


def test_a_body_of_almost_the_limit_is_read(clew: served.Clew) -> None:
    body = {"project": "edge", "name": "n", "session_id": "s", "value": 1, "reason": "x" * 99_000}
    assert clew.post_api("/scores", body, 201)["scope"] == "session"


def test_bytes_that_are_not_http_are_answered_and_tell_nothing(clew: served.Clew) -> None:
    answer = raw(clew, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    assert b"uvicorn" not in answer
    assert clew.api("/health") == {"status": "ok"}


# ── a hostile span ───────────────────────────────────────────────────────────────────────────────────────────────────────────

SCRIPT = "<script>alert(1)</script>"
BREAK = "\"'><img src=x onerror=alert(1)>"
SCHEME = "javascript:alert(1)"
BAD = f"{SCRIPT}{BREAK}{SCHEME}"
SESSION = f"s/{BAD}"
PROJECT = f"p {BAD}"


class Inert(HTMLParser):
    """Reads a page and collects what a hostile text could have become."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("iframe", "object", "embed", "base") or (tag == "img" and told.get("src") == "x"):
            self.found.append(f"<{tag}>")
        if tag == "script" and not (told.get("src") or "").startswith("/static/"):
            self.found.append(f"<script {told}>")
        for name, value in attrs:
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.found.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post") and re.match(
                r"\s*(javascript|data|vbscript):", value or "", re.I
            ):
                self.found.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile() -> ExportTraceServiceRequest:
    messages = json.dumps(
        [{"role": BAD, "parts": [{"type": "text", "content": BAD}, {"type": BAD, "content": BAD}]}, {"role": "user", "content": BAD}]
    )
    request = served.a_span(
        BAD,
        gen_ai__operation__name="chat",
        gen_ai__input__messages=messages,
        gen_ai__output__messages=messages,
        gen_ai__request__model=BAD,
        gen_ai__response__model=BAD,
        gen_ai__provider__name=BAD,
        gen_ai__agent__name=BAD,
        gen_ai__tool__name=BAD,
        gen_ai__conversation__id=SESSION,
        gen_ai__usage__input_tokens=3,
        user__id=BAD,
        **{BAD: BAD, "half": '"\\ud800"', "tag.tags": [BAD]},
    )
    resource = request.resource_spans[0].resource
    resource.attributes.add(key="service.name").value.string_value = BAD
    resource.attributes.add(key="deployment.environment.name").value.string_value = BAD
    request.resource_spans[0].scope_spans[0].scope.name = BAD
    span = served.span_of(request)
    span.status.code, span.status.message = 2, BAD
    event = span.events.add(name="exception")
    for key in ("exception.type", "exception.message", "exception.stacktrace"):
        event.attributes.add(key=key).value.string_value = BAD
    return request


@pytest.fixture(scope="module")
def bad_trace(clew: served.Clew) -> str:
    request = hostile()
    clew.export(request, PROJECT)
    trace, span = served.ids(request)
    score = {"project": PROJECT, "name": BAD, "label": BAD, "reason": BAD, "author": BAD, "trace_id": trace, "span_id": span, "value": 0}
    clew.post_api("/scores", score, 201)
    clew.post_api(f"/projects/{segment(clew)}/views", {"page": "traces", "name": BAD[:60], "query": "q=" + BAD}, 204)
    return trace


def segment(clew: served.Clew) -> str:
    return next(str(project["segment"]) for project in clew.api("/projects") if project["name"] == PROJECT)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "/traces",
        "/traces?what=spans",
        "/traces?gone=<script>alert(1)</script>",
        "/traces?q=<script>alert(1)</script>",
        "/traces/TRACE",
        "/traces/TRACE?view=raw",
        "/traces/TRACE/steps",
        "/sessions",
        "/sessions/SESSION",
        "/search?q=alert(1)",
        "/search?q=<script>",
        "?by=user",
        "?by=name",
    ],
)
def test_text_of_a_hostile_span_is_shown_and_does_nothing(clew: served.Clew, bad_trace: str, page: str) -> None:
    path = page.replace("TRACE", bad_trace).replace("/sessions/SESSION", url("", "sessions", SESSION))
    for headers in ({}, {"HX-Request": "true"}, {"HX-Request": "true", "HX-Target": "detail"}):
        answer = clew.get(f"/p/{segment(clew)}{path}", headers=headers)
        assert answer.status_code == 200, answer.text[:500]
        reader = Inert()
        reader.feed(answer.text)
        assert reader.found == []
        assert headers or page.endswith("steps") or "alert(1)" in reader.text


def test_an_error_page_shows_what_was_asked_as_text(clew: served.Clew) -> None:
    for path in (f"/{quote(SCRIPT)}", f"/p/{quote(SCRIPT, safe='')}", f"/p/edge/traces?from={quote(SCRIPT)}"):
        answer = clew.get(path)
        reader = Inert()
        reader.feed(answer.text)
        assert (answer.status_code >= 400, reader.found) == (True, [])


def test_the_api_gives_a_hostile_span_as_json_that_no_browser_takes_for_a_page(clew: served.Clew, bad_trace: str) -> None:
    trace = clew.of_segment(segment(clew), f"/traces/{bad_trace}")
    span = trace["nodes"][0]["span"]["span_id"]
    answer = clew.get(f"/api/v1/projects/{segment(clew)}/traces/{bad_trace}/spans/{span}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["row"]["name"] == BAD
    session = clew.get(f"/api/v1/projects/{segment(clew)}/sessions/{quote(SESSION, safe='')}")
    assert session.json()["row"]["session_id"] == SESSION


def test_a_file_name_cannot_carry_a_header(clew: served.Clew, bad_trace: str) -> None:
    request = served.a_span()
    request.resource_spans[0].resource.attributes.add(key="clew.project.name").value.string_value = '日a"\u202e\r\nX-Own: 1; b=c.exe'
    clew.export(request)
    name = next(project["segment"] for project in clew.api("/projects") if "exe" in project["name"])
    told = clew.get(f"/api/v1/projects/{name}/export", params={"form": "jsonl"}).headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="[\w.-]+"', told, re.ASCII)
