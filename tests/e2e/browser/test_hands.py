"""What a person does: by keyboard, by pointer, with and without a script."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.browser.conftest import DEEP, SLASHED, Look, send
from tests.web.spans import agent_trace

from clew.web.urls import url
from clew_process import Server

pytestmark = pytest.mark.browser


def test_a_list_is_walked_and_opened_by_keys_and_the_trace_knows_its_neighbours(look: Look) -> None:
    page = look("/p/shop-assistant/traces?q=errors+%3E+0")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("tr[data-row]").first).to_have_attribute("aria-selected", "true")
    first = page.locator("tr[data-row]").first.get_attribute("data-row") or ""
    second = page.locator("tr[data-row]").nth(1).get_attribute("data-row") or ""
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/traces/{first}*")
    page.keyboard.press("j")
    page.wait_for_url(f"**/traces/{second}*")
    page.keyboard.press("k")
    page.wait_for_url(f"**/traces/{first}*")


def test_steps_are_walked_by_arrows_and_folded(look: Look) -> None:
    page = look("/p/shop-assistant/traces?q=any(kind+%3D+RETRIEVER)")
    page.locator("tr[data-row] a.over").first.click()
    page.wait_for_selector(".step")
    page.locator(".step .pick").first.click()
    first, second = (page.locator(".step").nth(at).get_attribute("data-span") or "" for at in (0, 1))
    detail = page.locator("#detail")
    expect(detail).to_have_attribute("data-picked", first)
    page.keyboard.press("ArrowDown")
    expect(detail).to_have_attribute("data-picked", second)
    assert f"span={second}" in page.url
    before = page.locator(".step").count()
    page.keyboard.press("ArrowUp")
    expect(detail).to_have_attribute("data-picked", first)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".step")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".step")).to_have_count(before)


def test_the_filter_is_completed_coloured_and_said_in_english(look: Look) -> None:
    page = look("/p/shop-assistant/traces")
    page.keyboard.press("/")
    page.keyboard.type("stat")
    page.wait_for_selector(".filter .menu:not([hidden]) button")
    page.keyboard.press("Tab")
    expect(page.locator("[data-filter]")).to_have_value("status ")
    page.keyboard.type("= error")
    expect(page.locator(".paint .f")).to_have_text("status")
    expect(page.locator(".paint .v")).to_have_text("error")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=status*")
    expect(page.locator(".section h2").first).to_have_text("Traces that ended in error")


def test_all_keys_are_shown_and_rooms_are_reached_by_letters(look: Look) -> None:
    page = look("/p/shop-assistant")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog#keys")).to_be_hidden()
    for letter, room in (("t", "/traces"), ("s", "/sessions"), ("o", ""), ("f", "/search")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(re.compile(f"/p/shop-assistant{room}$"))
        page.wait_for_load_state("networkidle")


def test_a_point_of_a_chart_opens_what_is_behind_it(look: Look) -> None:
    page = look("/p/shop-assistant?window=7d")
    hit = page.locator(".chart").first.locator("a", has=page.locator("title", has_text=re.compile(r": [1-9]"))).last
    words = hit.get_attribute("aria-label") or ""
    counted = re.search(r": ([\d,]+)\s", words)
    assert counted
    hit.locator("rect").click()
    page.wait_for_url("**/traces?*from=*")
    page.wait_for_load_state("networkidle")
    expect(page.locator("h1")).to_contain_text(counted[1])


def test_a_long_list_grows_as_one_scrolls(look: Look) -> None:
    page = look("/p/shop-assistant/traces")
    before = page.locator("tr[data-row]").count()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("tr[data-row]").nth(before)).to_be_attached()
    rows = page.eval_on_selector_all("tr[data-row]", "rows => rows.map(row => row.dataset.row)")
    assert len(rows) == len(set(rows))


def test_new_traces_appear_while_one_follows(look: Look, server: Server) -> None:
    send(server, "followed", agent_trace(501, ago_s=60))
    page = look("/p/followed/traces")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.keyboard.press("l")
    page.wait_for_url("**live=1*")
    page.wait_for_selector("tbody[hx-trigger='every 2s']")
    send(server, "followed", agent_trace(502, ago_s=1))
    expect(page.locator("tr[data-row]")).to_have_count(2)


def test_the_theme_follows_the_system_until_one_chooses(look: Look) -> None:
    page = look("/p/shop-assistant/traces", theme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(21, 20, 19)"
    page.click("text=Light")
    page.wait_for_selector("html[data-theme=light]")
    assert page.evaluate(ground) == "rgb(251, 250, 248)"
    page.reload()
    assert page.evaluate(ground) == "rgb(251, 250, 248)"


def test_a_step_is_copied_as_json_and_as_a_command(look: Look) -> None:
    page = look("/p/shop-assistant/traces")
    page.locator("tr[data-row] a.over").first.click()
    page.wait_for_selector("#detail [data-copy-from]")
    page.keyboard.press("c")
    page.wait_for_selector("[data-copy-from]:has-text('Copied')")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["row"]["span_id"] == page.locator("#detail").get_attribute("data-picked")
    page.click("[data-copy-curl]")
    page.wait_for_selector("[data-copy-curl]:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl -s 'http://127.0.0.1")


def test_everything_is_reached_without_a_script(look: Look) -> None:
    page = look("/p/shop-assistant/traces", script=False)
    page.fill("[data-filter]", "errors > 0")
    page.press("[data-filter]", "Enter")
    page.wait_for_url("**q=errors*")
    page.locator("a.over").first.click()
    page.wait_for_url("**/traces/*")
    page.locator(".step .pick").last.click()
    page.wait_for_url("**span=*")
    assert page.locator("#detail h2").inner_text()
    page = look(f"/p/deep/traces/{DEEP.id}", script=False)
    page.click("text=Steps 901–1,000")
    page.wait_for_url("**from=900*")
    assert page.locator(f'[data-span="{DEEP.span_id(950)}"]').count() == 1
    page = look("/p/shop-assistant/search", script=False)
    page.fill("[data-filter]", "refund")
    page.press("[data-filter]", "Enter")
    page.wait_for_url("**q=refund*")
    assert page.locator("mark").count() > 0


def test_a_hostile_project_of_any_name_runs_nothing(look: Look) -> None:
    home, trace = url("/p", SLASHED), agent_trace(7)
    session = url("/p", SLASHED, "sessions")
    for path in (
        home,
        f"{home}/traces",
        f"{home}/traces/{trace.id}",
        f"{home}/traces/{trace.id}?view=raw",
        session,
        f"{home}/search?q=script",
    ):
        page = look(path)
        _scroll(page)
        assert page.evaluate("window.hit") is None
    page = look(session)
    page.locator("a.over").first.click()
    page.wait_for_url(re.compile(r"/sessions/."))
    assert page.evaluate("window.hit") is None
    assert "window.hit" in page.locator("main").inner_text()


def _scroll(page: Page) -> None:
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")


def test_print_leaves_out_what_only_a_screen_needs(look: Look) -> None:
    page = look("/p/shop-assistant?window=14d", theme="dark")
    page.emulate_media(media="print")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.locator(".filter")).to_be_hidden()
    expect(page.locator(".chart").first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
