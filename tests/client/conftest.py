"""A local OTLP receiver, and a client that is set up against it and taken down after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import clew
from otlp_receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def init(receiver: Receiver) -> Iterator[Callable[..., None]]:
    """``clew.init`` against the receiver, with limits by keyword; shut down afterwards."""

    def start(project: str = "shop", *, endpoint: str | None = None, headers: dict[str, str] | None = None, **limits: Any) -> None:
        clew.init(project, endpoint=endpoint or receiver.url, headers=headers, limits=clew.Limits(**{"interval_s": 0.05, **limits}))

    yield start
    clew.shutdown(0.2)
