"""When the demo ends in the tests about it."""

UNTIL_NS = 1_795_000_000_123_456_789  # Wednesday 18 November 2026, 11:06 UTC
