"""Makes two weeks of believable traffic of two AI products, with facts planted in it, and sends it to a running server. Reads no store."""

from clew.demo import airline, shop
from clew.demo.generate import DEFAULT_SESSIONS, generate

PROJECTS = (shop.PROJECT, airline.PROJECT)

__all__ = ["DEFAULT_SESSIONS", "PROJECTS", "generate"]
