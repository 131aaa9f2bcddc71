"""Charts, glyphs and the tree's layout are exact and safe."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web import sample

from clew.core.clock import NS_PER_S
from clew.web import charts, figures, glyphs, production, tree
from clew.web.compare import compare_shares

HOSTILE = '<script>alert("1")</script>&\''
HOUR = 3_600 * NS_PER_S


def slots(n: int) -> list[charts.Slot]:
    return [charts.Slot(sample.T0 + i * HOUR, sample.T0 + (i + 1) * HOUR, f"/?a={i}&b=<", HOSTILE) for i in range(n)]


def test_a_chart_is_well_formed_and_escapes_what_it_is_given() -> None:
    series = (charts.Series(HOSTILE, "blue", (1.0, None, 3.0), (0.5, None, 2.0), (2.0, None, 4.0)),)
    text = charts.lines(slots(3), series, zone=UTC, label=figures.short, words=HOSTILE)
    root = ET.fromstring(text)
    assert "<script" not in text
    assert [link.get("href") for link in root.iter("a")] == ["/?a=0&b=<", "/?a=1&b=<", "/?a=2&b=<"]
    assert "style" not in text


def test_a_value_that_is_not_known_is_a_gap_not_a_zero() -> None:
    series = (charts.Series("", "", (1.0, 2.0, None, 4.0, 5.0)),)
    root = ET.fromstring(charts.lines(slots(5), series, zone=UTC, label=figures.short, words="x"))
    assert len(root.findall(".//path[@class='line']")) == 2


def test_a_band_does_not_squeeze_its_line() -> None:
    series = (charts.Series("", "", (1.0, 1.0), (0.5, 0.5), (100.0, 100.0)),)
    frame, _ = charts._frame(slots(2), series, (560, 170), 8, 0.0, charts.nice_top)
    assert frame.top <= 3.0


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_the_upper_edge_is_round_and_holds_the_highest_value(most: float) -> None:
    top, grid = charts.nice_top(most)
    assert top >= most
    assert top <= most * 4
    assert 2 <= len(grid) <= 5


def test_ticks_stay_on_round_hours_when_the_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = round(datetime(2025, 10, 25, 12, tzinfo=zone).timestamp()) * NS_PER_S
    labels = [text for _, text in charts.time_ticks(start, start + 30 * HOUR, zone)]
    assert labels == ["12:00", "18:00", "26 Oct", "06:00", "12:00"]


def test_the_glyphs_of_a_table_share_one_scale_around_zero() -> None:
    worse = compare_shares(sample.share(40, 100), sample.share(10, 100))
    same = compare_shares(sample.share(500, 10_000), sample.share(510, 10_000))
    scale = glyphs.common_scale([worse, same])
    assert scale[0] == -scale[1]
    assert (worse.verdict, same.verdict) == ("worse", "same")
    dot = ET.fromstring(glyphs.difference(worse, scale, "x")).find(".//circle")
    assert dot is not None
    assert float(dot.get("cx", "0")) > 75


@given(st.integers(0, 200), st.integers(1, 200), st.integers(0, 200), st.integers(1, 200))
def test_the_interval_of_a_difference_holds_the_difference_and_turns_with_it(a: int, n: int, b: int, m: int) -> None:
    now, before = sample.share(min(a, n), n), sample.share(min(b, m), m)
    there, back = compare_shares(now, before), compare_shares(before, now)
    assert there.value is not None
    assert there.low is not None
    assert there.high is not None
    assert back.high is not None
    assert -1 <= there.low <= there.value <= there.high <= 1
    assert back.high == pytest.approx(-there.low)


def test_newcombes_published_example() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, example (a): 56/70 against 48/80, method 10.
    found = compare_shares(sample.share(56, 70), sample.share(48, 80))
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.0524, abs=5e-5)
    assert found.high == pytest.approx(0.3339, abs=5e-5)


def test_a_folded_step_hides_what_is_below_it_and_says_how_many() -> None:
    nodes = [
        sample.node(sample.span(1), 0, 2),
        sample.node(sample.span(2, parent=1), 1, 2),
        sample.node(sample.span(3, parent=2), 2),
        sample.node(sample.span(4, parent=2), 2),
        sample.node(sample.span(5, parent=1), 1),
    ]
    assert tree.visible(nodes, {f"{2:016x}"}) == [(0, 0), (1, 2), (4, 0)]
    assert tree.visible(nodes, {f"{1:016x}"}) == [(0, 4)]
    assert len(tree.visible(nodes, ())) == 5


def test_bars_stay_on_the_axis_whatever_the_clocks_said() -> None:
    early = sample.node(sample.span(1, start_s=-5, took_s=2))
    late = sample.node(sample.span(2, start_s=50, took_s=100))
    backwards = sample.node(sample.span(3, start_s=3, took_s=-1))
    steps = tree.lay_out([early, late, backwards], [(0, 0), (1, 0), (2, 0)], sample.T0, sample.T0 + 10 * NS_PER_S)
    assert all(0 <= step.left <= 100 and 0 <= step.width <= 100 - step.left + 1e-9 for step in steps)


@given(st.integers(min_value=1, max_value=10**17))
def test_a_time_axis_has_few_round_ticks(length: int) -> None:
    found = tree.ticks(length)
    assert found[0] == (0.0, "0")
    assert len(found) <= 6
    assert all(0 <= at <= 90 for at, _ in found)


def test_the_overview_draws_five_charts_and_a_line_a_group() -> None:
    whole = sample.overview()
    cards = production.chart_cards(whole, UTC, lambda start, end: f"/t?from={start}&to={end}")
    assert [card.title for card in cards] == ["Traces", "Latency", "Failed", "Tokens", "Cost"]
    for card in cards:
        assert len(list(ET.fromstring(card.svg).iter("a"))) == 4
    (line,) = production.group_lines([sample.group("gpt-4o", 1_000, 80, (1_000, 20))], lambda key: f"/?q={key}")
    assert (line.verdict, line.tone) == ("worse", "bad")


def test_a_group_is_opened_by_a_filter_that_quotes_its_key() -> None:
    assert production.group_filter("model", 'a"b') == 'model = "a\\"b"'
    assert production.group_filter("attr.my key", "x") == 'attr."my key" = "x"'
    assert production.narrowed("a = 1 or b = 2", "c = 3") == "(a = 1 or b = 2) and c = 3"
    assert production.narrowed("", "c = 3") == "c = 3"
