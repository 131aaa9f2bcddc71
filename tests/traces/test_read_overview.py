"""The overview: sums, shares and quantiles of a window against the one before it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from clew.core.errors import FilterError, InputError
from clew.stats import RankBounds, quantile_ranks
from clew.store import Store, open_store
from clew.traces.read import overview
from clew.traces.views import Cost, Group, Overview
from stored_spans import BASE, S, call, keep, span

HOUR = 3_600
START = BASE - BASE % (HOUR * S)  # tests count from the full hour, so that steps begin where they say
SHIFT = (START - BASE) / S


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("overview"))
    yield store
    store.close()


def day(store: Store, project: int, **asked: object) -> Overview:
    window = {"since_ns": START, "until_ns": START + 24 * HOUR * S, "step_ns": HOUR * S}
    return overview(store, project, **{**window, **asked})  # type: ignore[arg-type]


def groups(view: Overview) -> dict[str, Group]:
    return {group.key: group for group in view.groups}


def test_each_step_holds_what_started_in_it(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, at=SHIFT), call(1, 2, 1, at=SHIFT + 1, tokens=100, nanos=2_000_000), span(2, 1, at=SHIFT + HOUR - 1, status=2),
        span(3, 1, at=SHIFT + HOUR), call(3, 2, 1, at=SHIFT + HOUR, tokens=10, nanos=None), span(4, 1, at=SHIFT + 24 * HOUR), span(5, 1, at=SHIFT - 1),
    )  # fmt: skip
    view = day(store, project)
    assert len(view.buckets) == 24
    first, second, third = view.buckets[:3]
    assert (first.start_ns, first.traces, first.spans, first.errors, first.tokens) == (START, 2, 3, 1, 110)
    assert first.cost == Cost(2_000, 1, 0)
    assert (second.traces, second.spans, second.tokens, second.cost) == (1, 2, 11, Cost(None, 0, 1))
    assert (third.traces, third.p50, third.cost) == (0, None, Cost(None, 0, 0))
    assert (view.traces, view.total.spans, view.total.tokens, view.total.cost) == (3, 5, 121, Cost(2_000, 1, 1))
    assert view.total.before is not None
    assert view.total.before.spans == 1


def test_quantiles_are_order_statistics_with_their_interval(store: Store) -> None:
    rng = np.random.default_rng(3)
    drawn = {hour: np.sort(rng.integers(1, 10**10, n)) for hour, n in ((0, 1), (1, 7), (2, 400))}
    spans = [
        span(1_000 * hour + number, 1, at=SHIFT + hour * HOUR, duration_ns=int(value))
        for hour, values in drawn.items()
        for number, value in enumerate(values, 1)
    ]
    view = day(store, keep(store, *spans))
    for hour, values in drawn.items():
        for q, found in ((0.5, view.buckets[hour].p50), (0.95, view.buckets[hour].p95), (0.99, view.buckets[hour].p99)):
            ranks = quantile_ranks(len(values), q)
            assert isinstance(ranks, RankBounds)
            assert found is not None
            assert found.n == len(values)
            assert found.value_ns == values[ranks.rank - 1]
            assert found.low_ns == (None if ranks.low is None else values[ranks.low - 1])
            assert found.high_ns == (None if ranks.high is None else values[ranks.high - 1])
    everything = np.sort(np.concatenate(list(drawn.values())))
    assert view.total.p50 is not None
    assert view.total.p50.value_ns == everything[-(-len(everything) // 2) - 1]


def test_a_trace_waits_for_its_root_not_for_its_parts(store: Store) -> None:
    project = keep(store, span(1, 1, at=SHIFT, lasted=9), *(span(1, own, 1, at=SHIFT, lasted=1) for own in range(2, 20)))
    (p50,) = {bucket.p50.value_ns for bucket in day(store, project).buckets if bucket.p50}
    assert p50 == 9 * S


def test_a_project_of_rootless_traces_is_told_by_their_earliest_spans(store: Store) -> None:
    project = keep(store, span(1, 1, 9, at=SHIFT, lasted=5, status=2), span(1, 2, 1, at=SHIFT + 1), span(2, 1, 9, at=SHIFT + 2, lasted=3))
    view = day(store, project)
    assert view.extra["rootless"] is True
    assert (view.traces, view.buckets[0].errors, view.buckets[0].spans) == (2, 1, 3)
    assert view.buckets[0].p50 is not None
    assert view.buckets[0].p50.value_ns == 3 * S


def test_groups_stand_beside_the_same_of_the_period_before(store: Store) -> None:
    project = keep(
        store,
        *(call(number, 1, at=SHIFT + number, model="new", status=2 if number < 3 else 0) for number in range(1, 11)),
        *(call(100 + number, 1, at=SHIFT - HOUR, model="new") for number in range(1, 5)),
        *(call(200 + number, 1, at=SHIFT + 5, model="old", lasted=4) for number in range(1, 4)),
        *(call(300 + number, 1, at=SHIFT - HOUR, model="gone") for number in range(1, 3)),
        span(400, 1, at=SHIFT),
    )
    view = day(store, project)
    assert [group.key for group in view.groups] == ["new", "old", "gone"]
    new, old, gone = view.groups
    assert (new.spans, new.error_share.count, new.error_share.n, new.tokens) == (10, 2, 10, 1_100)
    assert new.error_share.low is not None
    assert new.error_share.low < 0.2 < (new.error_share.high or 0)
    assert new.before is not None
    assert (new.before.spans, new.before.cost) == (4, Cost(4_000, 4, 0))
    assert new.before.p50 is not None
    assert (old.before, old.p50 and old.p50.value_ns) == (None, 4 * S)
    assert (gone.spans, gone.error_share.value, gone.p50) == (0, None, None)


def test_a_user_is_given_the_cost_of_the_whole_trace(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, at=SHIFT, user_id="ada", lasted=6),
        call(1, 2, 1, at=SHIFT),
        call(1, 3, 1, at=SHIFT),
        span(2, 1, at=SHIFT),
        call(2, 2, 1),
    )
    view = day(store, project, group_by="user")
    assert list(groups(view)) == ["ada"]
    ada = groups(view)["ada"]
    assert (ada.spans, ada.tokens, ada.cost, ada.error_share.n) == (3, 220, Cost(2_000, 2, 0), 1)
    assert ada.p50 is not None
    assert ada.p50.value_ns == 6 * S
    assert view.extra["unit"] == "trace"
    assert view.users == 1


def test_any_attribute_groups(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, at=SHIFT, attributes={"app.release": "1"}), call(1, 2, 1, at=SHIFT), span(2, 1, at=SHIFT, attributes={"app.release": "2"}),
        span(3, 1, at=SHIFT, attributes={"other": "1"}), span(4, 1, at=SHIFT, attributes={"app.release": "1"}),
    )  # fmt: skip
    assert {key: group.error_share.n for key, group in groups(day(store, project, group_by="attr.app.release")).items()} == {"1": 2, "2": 1}
    assert groups(day(store, project, group_by="attr.nowhere")) == {}


def test_a_filter_narrows_everything(store: Store) -> None:
    project = keep(
        store,
        span(1, 1, at=SHIFT),
        call(1, 2, 1, at=SHIFT, model="a"),
        span(2, 1, at=SHIFT),
        call(2, 2, 1, at=SHIFT, model="b", session_id="s"),
    )
    view = day(store, project, filter_text="model = a")
    assert (view.traces, view.total.spans, list(groups(view)), view.sessions) == (1, 2, ["a"], 0)
    assert view.sentence != day(store, project).sentence
    with pytest.raises(FilterError):
        day(store, project, filter_text="model ~")


def test_a_window_without_spans_is_empty_not_zero(store: Store) -> None:
    view = day(store, 12_345)
    assert (view.traces, view.total.p50, view.total.error_share.value, view.total.cost.micros, view.groups) == (0, None, None, None, ())


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"group_by": "colour"}, "group by"),
        ({"group_by": "attr."}, "group by"),
        ({"until_ns": START}, "not after its start"),
        ({"step_ns": 0}, "step"),
        ({"step_ns": S}, "steps"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_can(store: Store, asked: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        day(store, 1, **asked)


def test_the_step_follows_the_window(store: Store) -> None:
    steps = {
        hours: overview(store, 1, since_ns=START, until_ns=START + hours * HOUR * S).step_ns // (60 * S)
        for hours in (1, 24, 24 * 14, 24 * 365)
    }
    assert steps == {1: 1, 24: 60, 24 * 14: 360, 24 * 365: 10_080}
