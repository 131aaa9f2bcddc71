"""Wilson's bounds for a share, whose number of trials may be only effective: from clusters, or part by part."""

from __future__ import annotations

import math


def score_bounds(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Wilson's bounds of ``share`` (0 to 1) in ``trials`` > 0, at a quantile of the normal or of Student's distribution.

    Reference: Brown, Cai, DasGupta (2001), Statistical Science 16, 101–133, equation (4).

    >>> low, high = score_bounds(0.3, 10, 1.959964)
    >>> round(low, 4), round(high, 4)
    (0.1078, 0.6032)
    """
    more = quantile * quantile / trials
    centre = (share + more / 2) / (1 + more)
    half = math.sqrt(share * (1 - share) * more + more * more / 4) / (1 + more)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
