"""What every test may ask for: the repository, the real data beside it, a running server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the project."""
    return ROOT


@pytest.fixture(scope="session")
def field_data() -> Path:
    """The real public data beside the project; the test is skipped where there is none."""
    folder = Path(os.environ.get("CLEW_FIELD_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the real public data are not beside the project (../shared/data, or CLEW_FIELD_DATA)")
    return folder
