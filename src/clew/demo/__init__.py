"""Makes two weeks of believable traffic of two AI products, with facts planted in it, as OTLP requests. Opens no store."""

from clew.demo.facts import Fact, planted_facts
from clew.demo.generate import DEFAULT_SESSIONS, PROJECTS, generate

__all__ = ["DEFAULT_SESSIONS", "PROJECTS", "Fact", "generate", "planted_facts"]
