"""JSON in one form everywhere: compact, UTF-8, sorted only where a hash is taken of it."""

from __future__ import annotations

import json
from typing import Any

Json = Any  # what json.loads gives back


def dumps(value: Any) -> str:
    """Compact JSON text; NaN and infinities are refused, they are not JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def loads_or_none(text: str) -> Any:
    """The value, or None where the text is not JSON. For input whose form is not in our hands.

    Half of a surrogate pair, which JSON can spell and UTF-8 cannot, becomes U+FFFD: what comes out of here can always be written.
    """
    try:
        value = json.loads(text)
        return _well_formed(value) if _HALF_PAIR in text.lower() else value
    except (ValueError, RecursionError):
        return None


_HALF_PAIR = "\\ud"


def _well_formed(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    return {_well_formed(key): _well_formed(item) for key, item in value.items()} if isinstance(value, dict) else value
