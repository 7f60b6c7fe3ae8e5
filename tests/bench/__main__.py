# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks named on the command line, or all that are here, and print their tables.

A benchmark is a module beside this one with `run(work: Path, packages: int) -> list[Table]`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from bench.measure import Table

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "bench"
NO_BENCHMARKS = {"__init__", "__main__", "measure", "origin"}


def main() -> int:
    """Entry point."""
    names = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NO_BENCHMARKS)
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("benchmark", nargs="*", metavar="BENCHMARK", help=", ".join(names))
    parser.add_argument("--packages", type=int, default=5000, help="size of the upstream (default 5000)")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.benchmark) - set(names))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(names)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in chosen.benchmark or names:
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}.") as work:
            tables: list[Table] = importlib.import_module(f"bench.{name}").run(Path(work), chosen.packages)
        for table in tables:
            print(f"\n{table}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
