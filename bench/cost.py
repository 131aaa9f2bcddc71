"""How fast the engine prices a commit's spans: ``python -m bench.cost``.

Prints, for commits of several sizes over five models, the best of several rounds: the milliseconds of looking the prices up and of the
statement that prices the rows beside the same statement without prices, and the priced spans a second.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from clew.store import Statement, Store, open_store
from clew.traces.cost import CardCache, cost_sql

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 9

STAGE = Statement(
    "stage",
    """
    CREATE OR REPLACE TABLE bench_staging ENGINE = Memory AS
    SELECT
        toUInt32(1) AS project_id, ['openai', 'anthropic', 'google', 'deepseek', 'aws.bedrock'][1 + number % 5] AS provider,
        ['gpt-4o', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'deepseek-chat', 'amazon.nova-pro-v1:0'][1 + number % 5] AS model_asked,
        '' AS model_answered, toInt64(1762000000000000000 + number * 1000000) AS start_ns,
        toNullable(toInt64(100 + number % 5000)) AS input_tokens, CAST(NULL, 'Nullable(Int64)') AS uncached_tokens,
        toNullable(toInt64(number % 100)) AS cache_read_tokens, CAST(NULL, 'Nullable(Int64)') AS cache_write_tokens,
        toNullable(toInt64(10 + number % 500)) AS output_tokens, CAST(NULL, 'Nullable(Int64)') AS reasoning_tokens,
        CAST(NULL, 'Nullable(Int64)') AS audio_input_tokens, CAST(NULL, 'Nullable(Int64)') AS audio_output_tokens,
        if(number % 10 = 0, toNullable(toInt64(123)), NULL) AS sender_cost_nanos
    FROM numbers({rows:UInt64})
    """,
)
SEEN = Statement("seen", "SELECT DISTINCT project_id, provider, model_answered, model_asked FROM bench_staging")


def best_ms(run: Callable[[], object]) -> float:
    """The best round: what the work costs when nothing else takes the machine."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return min(times) * 1000


def measure(store: Store, rows: int) -> str:
    """One line of the table."""
    store.facts.execute(STAGE, rows=rows)
    cache, seen = CardCache(store), store.facts.rows(SEEN)
    cards = cache.parameters(seen)
    priced = ", ".join(f"{sql} AS new_{name}" for name, sql in cost_sql().items())
    plain = Statement("plain", "SELECT start_ns, input_tokens, output_tokens FROM bench_staging")
    costed = Statement("costed", f"SELECT start_ns, input_tokens, output_tokens, {priced} FROM bench_staging")
    lookup = best_ms(lambda: cache.parameters(seen))
    without = best_ms(lambda: store.facts.arrow(plain))
    with_cost = best_ms(lambda: store.facts.arrow(costed, **cards))
    return f"{rows:>8,}  {lookup:>10.2f}  {without:>10.1f}  {with_cost:>10.1f}  {rows / (lookup + with_cost) * 1000:>14,.0f}"


def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        try:
            print(f"{'spans':>8}  {'look-up ms':>10}  {'plain ms':>10}  {'priced ms':>10}  {'priced spans/s':>14}")
            for rows in SIZES:
                print(measure(store, rows), flush=True)
        finally:
            store.close()


if __name__ == "__main__":
    main()
