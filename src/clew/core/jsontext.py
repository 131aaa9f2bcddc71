"""JSON in one form everywhere: compact, UTF-8, sorted only where a hash is taken of it."""

from __future__ import annotations

import json
from typing import Any

Json = Any  # what json.loads gives back


def dumps(value: Any) -> str:
    """Compact JSON text; NaN and infinities are refused, they are not JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def loads_or_none(text: str) -> Any:
    """The value, or None where the text is not JSON. For input whose form is not in our hands."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
