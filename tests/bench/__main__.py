# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the benchmarks named on the command line, or all that are here, and print their tables.

A benchmark is a module beside this one with `run(work: Path, packages: int)`, which returns what to print;
the same goes into report-<benchmark>-<packages>.txt in the cache.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

from bench.measure import Table

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "bench"
NO_BENCHMARKS = {"__init__", "__main__", "floor", "measure", "origin", "profile_groups", "synthetic"}


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
    os.nice(5)  # all sides alike
    for name in chosen.benchmark or names:
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}.") as work:
            run = importlib.import_module(f"bench.{name}").run
            tables: list[Table | str] = run(Path(work), chosen.packages)
        report = "".join(f"\n{table}\n" for table in tables)
        print(report, flush=True)
        (CACHE / f"report-{name}-{chosen.packages}.txt").write_text(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
