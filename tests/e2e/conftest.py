"""One server for the tests of one file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import served


@pytest.fixture(scope="module")
def clew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[served.Clew]:
    """A server with nothing in it."""
    with served.served(tmp_path_factory.mktemp("clew")) as client:
        yield client
