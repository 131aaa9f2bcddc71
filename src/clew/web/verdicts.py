"""What a page says first: one sentence made from the data, as a person would say it. Pure functions of the views."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clew.traces.views import Overview, Score, SessionRow, Share, TraceView
from clew.web import figures
from clew.web.compare import Difference, compare_shares
from clew.web.tree import step_name

PASSED = frozenset({"pass", "passed", "true", "yes", "good", "correct", "success", "ok"})
FAILED = frozenset({"fail", "failed", "false", "no", "bad", "incorrect", "failure", "error"})


@dataclass(frozen=True)
class Verdict:
    """The page's first sentence. ``tone`` is good, bad or '' and colours nothing by itself."""

    text: str
    tone: str = ""


def score_tone(score: Score) -> str:
    """good, bad or ''. A bare number has no colour: 1 is the best of a share and the worst of five stars."""
    label = score.label.strip().lower()
    return "good" if label in PASSED else "bad" if label in FAILED else ""


def telling(scores: Iterable[Score]) -> list[Score]:
    """The scores in the order in which they matter on one line: what failed, what passed, what only says something."""
    return sorted(scores, key=lambda score: ("bad", "good", "").index(score_tone(score)))


def score_text(score: Score) -> str:
    """A score's judgement: its label, else its number, else the dash."""
    if score.label:
        return score.label
    if score.value is None:
        return figures.DASH
    return f"{score.value:g}".replace("-", figures.MINUS)


def quoted(text: str, limit: int = 90) -> str:
    """Someone's words in quotation marks, on one line."""
    return f"“{figures.clip(text, limit)}”"


def trace_verdict(view: TraceView) -> Verdict:
    """What became of a trace: the failure and where, a score that says no, or how long it took."""
    steps = len(view.nodes)
    failed = [node for node in view.nodes if node.span.status == "error"]
    root = view.row.root
    if view.root_missing:
        tail = f"; {_steps(len(failed))} of them failed" if failed else ""
        return Verdict(
            f"The root span has not arrived; {_steps(steps)} {'is' if steps == 1 else 'are'} here{tail}.", "bad" if failed else ""
        )
    if root.status == "error":
        # The deepest error is the one that the others pass on.
        first = max(failed, key=lambda node: (node.depth, -node.span.start_ns), default=None)
        cause = first.span if first else root
        return Verdict(_failure("Failed", step_name(cause), cause.status_message or cause.error_type), "bad")
    wrong = next((score for score in view.scores if score_tone(score) == "bad"), None)
    said = _said(step_name(failed[0].span), failed[0].span.status_message, len(failed) - 1) if failed else ""
    if wrong is not None:
        judged = f"{figures.clip(wrong.name, 60)} says {figures.clip(score_text(wrong), 40)}"
        return Verdict(f"Finished, but {judged}; {said}." if said else f"Finished without an error, but {judged}.", "bad")
    if said:
        return Verdict(f"Finished, though {said}.", "bad")
    right = next((score for score in view.scores if score_tone(score) == "good"), None)
    judged = f"; {figures.clip(right.name, 60)} says {figures.clip(score_text(right), 40)}" if right else ""
    return Verdict(f"Finished without an error in {figures.duration(view.end_ns - view.start_ns)}{judged}.", "good")


def _said(name: str, message: str, more: int) -> str:
    what = f"{figures.clip(name, 60)} said {quoted(message, 70)}" if message else f"{figures.clip(name, 60)} failed"
    return f"{what} and {more} more failed" if more else what


def _failure(word: str, name: str, message: str) -> str:
    said = f"{figures.clip(name, 60)} said {quoted(message)}" if message else f"in {figures.clip(name, 60)}"
    return f"{word}: {said}." if message else f"{word} {said}."


def _steps(n: int) -> str:
    return figures.plural(n, "step")


def subject(n: int, sentence: str, noun: str, *, limit: int = 110) -> str:
    """How many of what: a filter's sentence (``traces that ended in error``) with its number in front, cut where it is long."""
    phrase = sentence.removeprefix("all ") or f"{noun}s"
    if n == 1:
        phrase = re.sub(rf"\b{noun}s\b", noun, phrase, count=1)
    return f"{figures.count(n)}{figures.NBSP}{figures.clip(phrase, limit)}"


def nothing(sentence: str, noun: str, *, limit: int = 110) -> str:
    """``No traces that ended in error``."""
    return f"No {figures.clip(sentence.removeprefix('all ') or noun + 's', limit)}"


def overview_verdict(overview: Overview, noun: str, window_words: str, before_words: str) -> Verdict:
    """How much of the window failed, and whether that is more than before."""
    share = overview.total.error_share
    if not share.n:
        return Verdict(f"{nothing(overview.sentence, noun)} {window_words}.")
    many = subject(share.n, overview.sentence, noun)
    if share.count == 0:
        text = f"None of {many} failed {window_words}" if share.n > 1 else f"The one {noun} {window_words} did not fail"
    else:
        text = f"{figures.share(share.value)} of {many} failed {window_words}"
    before = overview.total.before
    if before is None or not before.error_share.n or not before_words:
        return Verdict(text + ".")
    if share.count == 0 and before.error_share.count == 0:
        return Verdict(f"{text}, and none {before_words}.", "good")
    difference = compare_shares(share, before.error_share)
    tone = {"worse": "bad", "better": "good"}.get(difference.verdict, "")
    return Verdict(f"{text}, {_against(difference, before.error_share, before_words)}.", tone)


def _against(difference: Difference, before: Share, words: str) -> str:
    was = figures.share(before.value)
    if difference.verdict == "worse":
        return f"more than {words} ({was})"
    if difference.verdict == "better":
        return f"less than {words} ({was})"
    if difference.verdict == "same":
        return f"about as many as {words}"
    return f"too few to tell apart from {words} ({was})"


def list_verdict(noun: str, sentence: str, window_words: str, shown: int, more: bool) -> Verdict:
    """What a list holds, said from its filter and its first page."""
    if not shown:
        return Verdict(f"{nothing(sentence, noun)} {window_words}.")
    return Verdict(f"{'More than ' if more else ''}{subject(shown, sentence, noun)} {window_words}.")


def counted_verdict(noun: str, sentence: str, window_words: str, total: int, failed: int) -> Verdict:
    """How many a list holds in all and how many of them failed."""
    if not total:
        return Verdict(f"{nothing(sentence, noun)} {window_words}.")
    if total == 1:
        tail = "it failed" if failed else "it did not fail"
    else:
        tail = "none failed" if not failed else "all failed" if failed == total else f"{figures.count(failed)} failed"
    return Verdict(f"{subject(total, sentence, noun)} {window_words}; {tail}.")


def session_verdict(row: SessionRow, turns_of_user: int, scores: Sequence[Score]) -> Verdict:
    """How one session went. ``scores`` are its own and those of its traces."""
    turns = figures.plural(turns_of_user, "turn")
    length = figures.duration(row.end_ns - row.start_ns)
    wrong = next((score for score in scores if score_tone(score) == "bad"), None)
    if wrong is not None:
        return Verdict(f"{turns} in {length}; {figures.clip(wrong.name, 60)} says {figures.clip(score_text(wrong), 40)}.", "bad")
    if row.errors:
        return Verdict(f"{turns} in {length}; {figures.plural(row.errors, 'step')} failed.", "bad")
    return Verdict(f"{turns} in {length}, no step failed.", "good")


def sessions_verdict(rows: Sequence[SessionRow], window_words: str, sentence: str, more: bool) -> Verdict:
    """How many sessions there are and in how many something failed."""
    base = list_verdict("session", sentence, window_words, len(rows), more).text
    failed = sum(1 for row in rows if row.errors)
    if not rows:
        return Verdict(base)
    of = "of the newest " if more else "of them "
    newest = figures.count(len(rows)) if more else ""
    tail = f"no step failed in any {of}{newest}".strip() if not failed else f"steps failed in {figures.count(failed)} {of}{newest}".strip()
    return Verdict(f"{base[:-1]}; {tail}.", "")


def search_verdict(words: str, hits: int, more: bool, window_words: str) -> Verdict:
    """How often the words were found."""
    if not words.strip():
        return Verdict("Search what went in and what came out.")
    if not hits:
        return Verdict(f"{quoted(words, 60)} does not occur {window_words}.")
    many = f"More than {figures.plural(hits, 'span')}" if more else figures.plural(hits, "span")
    return Verdict(f"{many} {'holds' if hits == 1 and not more else 'hold'} {quoted(words, 60)} {window_words}.")
