"""How long the fuzzers run: a few seconds by default, more than a minute each in the slow part; CLEW_FUZZ_S sets other seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

SHORT_S, LONG_S = 2.0, 65.0


@pytest.fixture(params=["short", pytest.param("long", marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def fuzz(request: pytest.FixtureRequest) -> Callable[[Callable[[], object]], int]:
    """Calls a Hypothesis test again and again, each time with new examples, until its time is over; how often it was called."""
    seconds = float(os.environ.get("CLEW_FUZZ_S") or (SHORT_S if request.param == "short" else LONG_S))

    def run(once: Callable[[], object]) -> int:
        until, rounds = time.monotonic() + seconds, 0
        while rounds == 0 or time.monotonic() < until:
            once()
            rounds += 1
        return rounds

    return run
