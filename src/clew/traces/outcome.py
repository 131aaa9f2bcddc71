"""What became of the records of one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """``duplicates`` were known already; ``replaced`` of them were fuller than the stored copy, which they replace."""

    stored: int
    duplicates: int
    replaced: int = 0
    scores: int = 0
    scores_refused: Mapping[str, int] = field(default_factory=dict)
