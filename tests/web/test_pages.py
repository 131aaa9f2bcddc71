"""Every page works from its URL alone, without a script, over what was really sent."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.web.conftest import Send
from tests.web.inert import assert_inert
from tests.web.spans import Step, Trace, agent_trace

from clew.web.urls import url

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def shop(client: TestClient, send: Send) -> str:
    """A project of a few traces: 3 fine ones, 1 that failed, in two sessions."""
    send(
        "shop",
        agent_trace(1, ago_s=4_000),
        agent_trace(2, ago_s=3_000, words="Where is my parcel?", answer="In Oslo."),
        agent_trace(3, ago_s=2_000, session="visit-2", user="bo"),
        agent_trace(4, ago_s=1_000, session="visit-2", user="bo", error="the order is too old"),
    )
    return "shop"


def heading(html: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    assert found
    return unescape(found[1]).replace("\u00a0", " ")


def test_the_front_page_leads_to_the_project(client: TestClient, shop: str) -> None:
    assert client.get("/").headers["location"] == "/p/shop"


def test_production_says_how_much_failed_and_every_point_leads_to_its_traces(client: TestClient, shop: str) -> None:
    html = client.get("/p/shop").text
    assert heading(html) == "25% of 4 traces failed in the last 24 hours."
    shown = assert_inert(html)
    assert "gpt-4o" in shown
    hrefs = [unescape(href) for href in re.findall(r'<a href="(/p/shop/traces\?[^"]*from=[^"]*)"', html)]
    rows = [re.findall("data-row", client.get(href).text) for href in set(hrefs)]
    assert sum(len(row) for row in rows) == 4


@pytest.mark.parametrize("by", ["model", "name", "user", "kind", "service", "attr.session.id"])
def test_production_by_anything_opens_what_is_behind_a_line(client: TestClient, shop: str, by: str) -> None:
    html = client.get(f"/p/shop?by={by}").text
    assert_inert(html)
    links = re.findall(r'<a class="over" href="([^"]+)"', html)
    assert links
    assert all("data-row" in client.get(unescape(link)).text for link in links)


def test_the_list_is_filtered_sorted_and_shows_what_was_said(client: TestClient, shop: str) -> None:
    html = client.get("/p/shop/traces").text
    assert heading(html) == "4 traces so far."
    assert len(re.findall("data-row", html)) == 4
    assert "Where is my parcel?" in assert_inert(html)
    failed = client.get("/p/shop/traces?q=status+%3D+error").text
    assert heading(failed) == "1 trace that ended in error so far."
    oldest = client.get("/p/shop/traces?dir=asc").text
    assert re.findall('data-row="([^"]+)"', oldest) == re.findall('data-row="([^"]+)"', html)[::-1]


def test_a_long_list_goes_on_by_cursor_and_nothing_is_shown_twice(client: TestClient, send: Send) -> None:
    send("long", *[agent_trace(1_000 + i, ago_s=10 + i) for i in range(120)])
    seen: list[str] = []
    address: str | None = "/p/long/traces"
    while address:
        html = client.get(address, headers=FRAGMENT).text
        assert "<html" not in html
        seen += re.findall('data-row="([^"]+)"', html)
        more = re.search(r'class="more" href="([^"]+)"', html)
        address = unescape(more[1]) if more else None
    assert len(seen) == len(set(seen)) == 120
    assert heading(client.get("/p/long/verdict").text) == "120 traces so far; none failed."


def test_spans_are_listed_with_columns_of_ones_choice(client: TestClient, shop: str) -> None:
    html = client.get("/p/shop/traces?what=spans&q=kind+%3D+TOOL&cols=latency,user").text
    assert heading(html) == "4 tool spans so far."
    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([A-Za-z]+)', html) == ["Started", "Span", "Latency", "User"]
    chosen = client.get("/p/shop/traces?col=cost&col=user&q=x")
    assert chosen.headers["location"] == "/p/shop/traces?q=x&cols=cost%2Cuser"


def test_a_filter_that_cannot_be_read_is_shown_with_its_place(client: TestClient, shop: str) -> None:
    answer = client.get("/p/shop/traces?q=kind+%3D+LLLM")
    assert answer.status_code == 200
    assert heading(answer.text) == "This filter cannot be read."
    assert 'kind = <span class="at">L</span>LLM' in answer.text
    assert "did you mean LLM" in assert_inert(answer.text)


def test_what_could_be_typed_next_comes_as_data(client: TestClient, shop: str) -> None:
    found = client.get("/p/shop/complete?q=stat&at=4&scope=trace").json()
    assert found[0]["text"] == "status"
    assert (found[0]["start"], found[0]["end"]) == (0, 4)


def test_a_trace_is_a_tree_on_a_time_axis_with_one_step_opened(client: TestClient, shop: str) -> None:
    trace = agent_trace(4)
    html = client.get(f"/p/shop/traces/{trace.id}?list=q%3Dstatus%2B%253D%2Berror").text
    assert heading(html) == "Failed: refund_order said “the order is too old”."
    shown = assert_inert(html)
    assert "Arguments" in shown
    assert "traces that ended in error" in shown
    assert len(re.findall('data-span="', html)) == 4
    other = client.get(f"/p/shop/traces/{trace.id}?span={trace.span_id(3)}").text
    assert "I want my money back" in assert_inert(other)
    assert "calls refund_order" in re.sub(r"\s+", " ", assert_inert(other))


def test_the_neighbours_are_those_of_the_list_one_came_from(client: TestClient, shop: str) -> None:
    html = client.get(f"/p/shop/traces/{agent_trace(2).id}").text
    assert re.findall(r'href="([^"?]+)[^"]*" data-key="([jk])"', html) == [
        (f"/p/shop/traces/{agent_trace(1).id}", "j"),
        (f"/p/shop/traces/{agent_trace(3).id}", "k"),
    ]
    alone = client.get(f"/p/shop/traces/{agent_trace(4).id}?list=q%3Dstatus%2B%253D%2Berror").text
    assert 'data-key="j"' not in alone
    assert 'data-key="k"' not in alone


def test_the_detail_alone_comes_when_the_script_asks_for_it(client: TestClient, shop: str) -> None:
    trace = agent_trace(1)
    html = client.get(f"/p/shop/traces/{trace.id}?span={trace.span_id(1)}", headers={**FRAGMENT, "HX-Target": "detail"}).text
    assert html.lstrip().startswith("<aside")
    raw = client.get(f"/p/shop/traces/{trace.id}?span={trace.span_id(1)}&view=raw").text
    assert "gen_ai.request.model" in assert_inert(raw)


def test_folding_a_step_hides_what_is_below_it(client: TestClient, shop: str) -> None:
    trace = agent_trace(1)
    html = client.get(f"/p/shop/traces/{trace.id}?fold={trace.span_id(0)}").text
    assert len(re.findall('data-span="', html)) == 1


def test_a_long_trace_comes_in_chunks_that_fill_in_order(client: TestClient, send: Send) -> None:
    steps = (Step("root", {}, None, 0, 50_000), *(Step(f"step {i}", {}, 0, i * 10, 5) for i in range(1_234)))
    send("deep", Trace(77, steps))
    html = client.get(f"/p/deep/traces/{Trace(77, ()).id}").text
    loaded = re.findall(r'data-span="([^"]+)"', html)
    assert 100 <= len(loaded) <= 300
    found: list[str] = []
    for source in re.findall(r'data-src="([^"]+)"', html):
        found += re.findall(r'data-span="([^"]+)"', client.get(unescape(source), headers=FRAGMENT).text)
    assert found == [Trace(77, steps).span_id(i) for i in range(1_235)]


def test_a_session_reads_as_the_conversation_it_was(client: TestClient, shop: str) -> None:
    listed = client.get("/p/shop/sessions").text
    assert heading(listed) == "2 sessions so far; steps failed in 1 of them."
    html = client.get("/p/shop/sessions/visit-2").text
    shown = re.sub(r"\s+", " ", assert_inert(html))
    assert shown.index("I want my money back") < shown.index("calls refund_order") < shown.index("It is on its way")
    assert heading(html).startswith("2 turns in")


def test_search_marks_what_was_found_and_counts_a_trace_once(client: TestClient, shop: str) -> None:
    html = client.get("/p/shop/search?q=PARCEL").text
    assert "<mark>parcel</mark>" in html
    assert len(re.findall(f"/traces/{agent_trace(2).id}", html)) == 1
    assert heading(client.get("/p/shop/search?q=nowhere+at+all").text) == "“nowhere at all” does not occur so far."
    assert heading(client.get("/p/shop/search").text) == "Search what went in and what came out."


def test_a_view_is_saved_opened_removed_and_brought_back(client: TestClient, shop: str) -> None:
    query = "q=status+%3D+error"
    saved = client.post("/p/shop/views", data={"name": "Failures", "query": query})
    assert saved.headers["location"] == f"/p/shop/traces?{query}"
    html = client.get(saved.headers["location"]).text
    assert "Failures" in assert_inert(html)
    action = re.search(r'action="(/p/shop/views/[^/]+/remove)"', html)
    assert action
    gone = client.get(client.post(action[1]).headers["location"]).text
    assert "“Failures” is no longer saved." in assert_inert(gone)
    assert client.post(action[1]).status_code == 404


def test_the_theme_is_remembered_and_leads_back_to_this_server_only(client: TestClient) -> None:
    answer = client.post("/theme", data={"to": "dark", "back": "/p/shop?q=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/p/shop?q=1")
    assert 'data-theme="dark"' in client.get("/p/nowhere").text
    assert client.post("/theme", data={"to": "system", "back": "//evil.example"}).headers["location"] == "/"


def test_the_ledger_says_what_became_of_what_came_in(client: TestClient, shop: str) -> None:
    html = client.get("/ingest").text
    assert "Received = stored + duplicates + refused" in assert_inert(html)
    assert "are stored" in heading(html)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/p/nowhere", 404, "There is no project 'nowhere'"),
        ("/p/shop/traces/xyz", 400, "is not a trace id"),
        (f"/p/shop/traces/{'9' * 32}", 404, "There is no trace"),
        ("/p/shop/sessions/none", 404, "There is no session"),
        ("/p/shop?window=soon", 400, "wanted a number with min, h or d"),
        ("/p/shop?by=nothing", 400, "wanted one of"),
        ("/p/shop/traces?sort=speed", 400, "wanted one of"),
        ("/p/shop/traces?after=x", 400, "cursor"),
        ("/p/shop/traces?cols=x", 400, "wanted some of"),
        ("/p/shop/search?q=" + "x" * 5_000, 400, "wanted 1 to"),
        ("/nothing/here", 404, "There is no page"),
        ("/static/x/../../../etc/passwd", 404, ""),
        ("/static/x/nothing.css", 404, "There is no static file"),
    ],
)
def test_a_page_that_cannot_be_shown_says_why_and_what_to_do(client: TestClient, shop: str, path: str, status: int, words: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert words in assert_inert(answer.text)
    assert str(Path(__file__).parents[2]) not in answer.text
    assert "Traceback" not in answer.text


def test_data_keep_their_own_form_of_error(client: TestClient, shop: str) -> None:
    assert client.get("/api/v1/projects/nowhere/traces").json()["error"]["code"] == "not_found"


def test_hostile_words_are_text_on_every_page(client: TestClient, send: Send) -> None:
    project = HOSTILE.replace("/", "")  # the test client unquotes a path twice; a slash in a name is proved over a real server
    trace = agent_trace(666, words=HOSTILE, answer=HOSTILE, error=HOSTILE, session="v" + HOSTILE, user=HOSTILE, tool=HOSTILE)
    send(project, trace)
    home = url("/p", project)
    pages = ["", "/traces", "/traces?what=spans", f"/traces/{trace.id}", f"/traces/{trace.id}?view=raw", "/sessions", "/search?q=script"]
    pages += [
        "?by=user",
        f"/traces/{trace.id}?span={trace.span_id(3)}",
        url("/sessions", "v" + HOSTILE),
        "/traces?q=%22%3E%3Cscript%3E",
    ]
    for page in pages:
        answer = client.get(home + page)
        assert answer.status_code == 200, page
        assert_inert(answer.text)


def test_static_files_are_kept_for_ever_under_a_name_that_changes_with_them(client: TestClient, shop: str) -> None:
    html = client.get("/p/shop/traces").text
    for path in set(re.findall(r'"(/static/[^"]+)"', html)):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/000000000000/base.css").headers["cache-control"] == "no-cache"


def test_the_policy_of_the_edge_lets_only_our_own_files_run(client: TestClient, shop: str) -> None:
    policy = client.get("/p/shop").headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
