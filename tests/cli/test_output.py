"""What the terminal shows: units a person would choose, unknown apart from zero, nothing that a terminal would obey."""

from __future__ import annotations

import io
import json

import pytest
from rich.cells import cell_len
from rich.console import Console

from clew.cli import output


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "–"),
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (1_500_000, "1.5 ms"),
        (2_340_000_000, "2.34 s"),
        (7_200_000_000_000, "7,200 s"),
        (-5_000_000, "-5 ms"),
    ],
)
def test_a_duration_has_the_unit_that_a_person_would_choose(ns: int | None, text: str) -> None:
    assert output.duration(ns) == text


@pytest.mark.parametrize(
    ("micros", "unknown", "text"),
    [
        (None, 0, "–"),
        (0, 0, "$0.00"),
        (1, 0, "$0.000001"),
        (12_300, 0, "$0.0123"),
        (500_000, 0, "$0.50"),
        (1_234_567_890, 0, "$1,234.57"),
        (500_000, 3, "≥ $0.50"),
        (None, 3, "–"),
    ],
)
def test_money_is_dollars_and_unknown_is_not_zero(micros: int | None, unknown: int, text: str) -> None:
    assert output.money(micros, unknown) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0, "0"), (1234567, "1,234,567"), (0.51234, "0.512")])
def test_numbers_have_their_thousands_apart(value: float | None, text: str) -> None:
    assert output.number(value) == text


def test_a_moment_that_no_calendar_has_is_shown_as_it_came() -> None:
    assert output.moment((1 << 63) - 1).endswith(" ns") or output.moment((1 << 63) - 1).startswith("2262")
    assert len(output.moment(1_700_000_000_123_456_789)) == len("2023-11-14 22:13:20.123")


def test_a_hostile_text_cannot_steer_the_terminal() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=200)
    console.print(output.plain("\x1b[2Jgone \x9b31m\x07 [bold]markup[/bold]\nsecond\tline"))
    shown = screen.getvalue()
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
    assert "\x07" not in shown
    assert "[bold]markup[/bold] second line" in shown


def test_a_block_keeps_its_lines() -> None:
    assert output.block("one\ntwo\x1b[0m").plain == "one\ntwo\N{REPLACEMENT CHARACTER}[0m"


COLUMNS = [output.Column("trace"), output.Column("name", cut=True), output.Column("cost", right=True), output.Column("input", cut=True)]
ROWS = [["0123456789abcdef", "answer", "$1.50", "Where is my order? " * 9], ["fedcba9876543210", "a", "–", "日本語" * 30]]


@pytest.mark.parametrize("screen", [60, 80, 120, 500])
def test_a_table_fills_the_screen_and_cuts_only_what_may_be_cut(screen: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(output, "stdout", Console(file=out, width=screen, highlight=False))
    monkeypatch.setenv("COLUMNS", str(screen))
    output.print_table(COLUMNS, ROWS)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert all(cell_len(line) <= screen for line in lines)
    for row, line in zip(ROWS, lines[1:], strict=True):
        assert row[0] in line
        assert row[1] in line
        assert row[2] in line
        assert ("…" in line) is (screen < 200)


def test_on_a_screen_that_is_too_narrow_ids_stay_whole() -> None:
    widths = output.column_widths(COLUMNS, ROWS, 20)
    assert widths == [16, 6, 5, output.CUT_LEAST]


def test_no_column_is_wider_than_it_needs_to_be() -> None:
    assert output.column_widths(COLUMNS, ROWS, 10_000) == [16, 6, 5, 180]
    assert output.column_widths(COLUMNS, [], 80) == [5, 4, 4, 5]


def test_json_is_one_line_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"text": "日本語", "n": [1, None]})
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert "日本語" in printed
    assert json.loads(printed) == {"text": "日本語", "n": [1, None]}
