"""Every page opens in both themes and at 380 px without an error, without running over, and without a serious finding of axe."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page
from tests.e2e.browser.conftest import DEEP, Look

from clew_process import Server

pytestmark = pytest.mark.browser

PAGES = {
    "production": "/p/{project}?window=14d",
    "production by user": "/p/{project}?window=all&by=user",
    "traces": "/p/{project}/traces",
    "spans": "/p/{project}/traces?what=spans&q=kind+%3D+LLM&sort=latency",
    "a filter with a mistake": "/p/{project}/traces?q=kind+%3D+LLLM+and",
    "a trace": "/p/{project}/traces/{trace}",
    "all of a step": "/p/{project}/traces/{trace}?view=raw&time=own",
    "sessions": "/p/{project}/sessions",
    "a session": "/p/{project}/sessions/{session}",
    "search": "/p/{project}/search?q=refund",
    "search without words": "/p/{project}/search",
    "nothing found": "/p/{project}/traces?window=1h&q=name+%3D+%22nothing%22",
    "ingest": "/ingest",
}


def address(server: Server, project: str, name: str) -> str:
    """A page's path, with a trace and a session of the project in it."""
    home = f"{server.url}/api/v1/projects/{project}"
    trace = httpx.get(f"{home}/traces?limit=1&q=errors+%3E+0", timeout=30).json()["items"][0]["root"]["trace_id"]
    session = httpx.get(f"{home}/sessions?limit=1", timeout=30).json()["items"][0]["session_id"]
    return PAGES[name].format(project=project, trace=trace, session=session)


def check(page: Page, axe: str | None = None) -> None:
    """No running over, a verdict of at most two lines, and nothing serious from axe."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page runs over its width"
    heading = page.locator("h1")
    assert heading.inner_text().strip()
    if axe:
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [item for item in found["violations"] if item["impact"] in ("serious", "critical")]
        assert not serious, [(item["id"], [node["html"][:120] for node in item["nodes"][:3]]) for item in serious]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_over_the_demo(look: Look, server: Server, axe: str, pictures: Path, name: str, theme: str) -> None:
    page = look(address(server, "shop-assistant", name), theme=theme)
    page.screenshot(path=pictures / f"{name.replace(' ', '-')}-{theme}.png")
    check(page, axe)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_at_380_px(look: Look, server: Server, axe: str, pictures: Path, name: str) -> None:
    page = look(address(server, "airline-agent", name), width=380, height=800)
    page.screenshot(path=pictures / f"{name.replace(' ', '-')}-380.png", full_page=True)
    check(page, axe)


@pytest.mark.field
@pytest.mark.parametrize("name", PAGES)
def test_a_page_over_the_real_airline_agent(look: Look, server: Server, airline: str, pictures: Path, name: str) -> None:
    page = look(address(server, airline, name))
    page.screenshot(path=pictures / f"{name.replace(' ', '-')}-airline.png")
    check(page)


def test_a_trace_of_ten_thousand_spans(look: Look, axe: str) -> None:
    page = look(f"/p/deep/traces/{DEEP.id}")
    check(page, axe)
    assert page.locator(".step").count() < 1_000
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_selector("text=step 9999")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight / 2)")
    page.wait_for_selector(f'[data-span="{DEEP.span_id(5_000)}"]')
    assert page.locator(".step").count() < 3_000
