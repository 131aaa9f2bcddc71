"""Benchmarks: each module is a command, and `docs/benchmarks.md` says which one made which table."""
