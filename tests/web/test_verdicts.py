"""Each page's first sentence says what the data say, in a person's words."""

from __future__ import annotations

import pytest
from tests.web import sample

from clew.traces.views import Status
from clew.web import verdicts

N = "\u00a0"


def test_a_trace_that_failed_names_the_deepest_error_not_those_that_pass_it_on() -> None:
    root = sample.node(sample.span(1, "agent", kind="AGENT", status="error", message="step failed"), 0, 1)
    tool = sample.node(
        sample.span(2, "book_reservation", parent=1, kind="TOOL", status="error", message="only one certificate can be used"), 1
    )
    verdict = verdicts.trace_verdict(sample.trace([root, tool]))
    assert verdict.text == "Failed: book_reservation said “only one certificate can be used”."
    assert verdict.tone == "bad"


def test_a_failure_without_words_names_the_step() -> None:
    verdict = verdicts.trace_verdict(sample.trace([sample.node(sample.span(1, "agent", status="error"))]))
    assert verdict.text == "Failed in agent."


@pytest.mark.parametrize(
    ("status", "scores", "text"),
    [
        ("ok", (), f"Finished without an error in 41.2{N}s."),
        ("ok", (sample.score("csat", value=1.0),), f"Finished without an error in 41.2{N}s."),
        ("ok", (sample.score("task success", "pass", 1.0),), f"Finished without an error in 41.2{N}s; task success says pass."),
        ("ok", (sample.score("task success", "fail", 0.0),), "Finished without an error, but task success says fail."),
        ("ok", (sample.score("judge", label="Fail"),), "Finished without an error, but judge says Fail."),
        ("error", (), "Finished, though get_user said “no such user”."),
        ("error", (sample.score("judge", label="fail"),), "Finished, but judge says fail; get_user said “no such user”."),
    ],
)
def test_a_trace_that_finished_says_what_was_wrong_all_the_same(status: Status, scores: tuple[verdicts.Score, ...], text: str) -> None:
    step = sample.node(sample.span(2, "get_user", parent=1, status=status, message="no such user" if status == "error" else ""), 1)
    assert verdicts.trace_verdict(sample.trace([sample.node(sample.span(1, "agent"), 0, 1), step], scores=scores)).text == text


def test_a_trace_without_its_root_says_so() -> None:
    verdict = verdicts.trace_verdict(sample.trace([sample.node(sample.span(2)), sample.node(sample.span(3))], root_missing=True))
    assert verdict.text == f"The root span has not arrived; 2{N}steps are here."


@pytest.mark.parametrize(
    ("failed", "n", "before", "text"),
    [
        (60, 2_000, (2_010, 58), f"3.0% of 2,000{N}traces failed in the last 24 hours, about as many as the day before."),
        (120, 2_000, (2_010, 58), f"6.0% of 2,000{N}traces failed in the last 24 hours, more than the day before (2.9%)."),
        (10, 2_000, (2_010, 58), f"0.5% of 2,000{N}traces failed in the last 24 hours, less than the day before (2.9%)."),
        (1, 8, (9, 2), f"12% of 8{N}traces failed in the last 24 hours, too few to tell apart from the day before (22%)."),
        (0, 40, None, f"None of 40{N}traces failed in the last 24 hours."),
        (0, 1, None, "The one trace in the last 24 hours did not fail."),
        (0, 0, None, "No traces in the last 24 hours."),
    ],
)
def test_production_is_compared_only_as_far_as_the_data_go(failed: int, n: int, before: tuple[int, int] | None, text: str) -> None:
    verdict = verdicts.overview_verdict(sample.overview(failed, n, before), "trace", "in the last 24 hours", "the day before")
    assert verdict.text == text


def test_a_list_is_said_from_its_filter() -> None:
    sentence = "traces that ended in error"
    assert verdicts.list_verdict("trace", sentence, "so far", 50, True).text == f"More than 50{N}traces that ended in error so far."
    assert verdicts.list_verdict("trace", sentence, "so far", 1, False).text == f"1{N}trace that ended in error so far."
    assert verdicts.list_verdict("trace", "all traces", "so far", 0, False).text == "No traces so far."
    assert verdicts.search_verdict("refund", 1, False, "so far").text == f"1{N}span holds “refund” so far."
