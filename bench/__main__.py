"""Every benchmark of docs/benchmarks.md, one after another: ``python -m bench [ingest|read|cost|client|peers …]``."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = {
    "ingest": ["bench.ingest"],
    "read": ["bench.read", "--spans", "1000000"],
    "cost": ["bench.cost"],
    "client": ["bench.client"],
    "peers": ["bench.peers", "--cache", ".make/peers"],
}


def main(names: list[str]) -> int:
    """Runs those that are named, or all; the number of those that failed."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        print(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 1
    return sum(subprocess.run([sys.executable, "-m", *BENCHMARKS[name]], check=False).returncode != 0 for name in names or BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
