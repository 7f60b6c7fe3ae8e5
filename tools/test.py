# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks and tests of the collection in two lanes, quickest first; begin no more after a failure."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from typing import get_args

from tools.lanes import Lanes, Outcome
from tools.sections import Part, sections
from tools.venv import CACHE, ROOT

REPORTS = CACHE / "reports"


def main() -> int:
    """`python -m tools.test [PART …]`: those parts, or all."""
    parser = argparse.ArgumentParser(prog="python -m tools.test", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(get_args(Part))}; without one, all of them")
    wanted = parser.parse_args().part or get_args(Part)
    if unknown := set(wanted) - set(get_args(Part)):
        parser.error(
            f"no part is called {', '.join(sorted(unknown))}; choose from {', '.join(get_args(Part))}"
        )
    REPORTS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    chosen = [section for section in sections(ROOT / "tests") if section.part in wanted]
    outcomes = asyncio.run(Lanes(chosen, REPORTS).run())
    print(summary(outcomes, time.monotonic() - began), flush=True)
    return int(any(outcome.result == "failed" for outcome in outcomes))


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The closing table, and a last line as pytest writes it; `seconds`: of the whole, by the wall clock."""
    width = max(len(outcome.section.name) for outcome in outcomes)
    lines = ["", f"{'section':<{width}} {'result':<8} {'seconds':>8} {'tests':>6}"]
    lines += [
        f"{outcome.section.name:<{width}} {outcome.result:<8} {outcome.seconds:>8.1f}"
        f" {outcome.tests.passed or '':>6}"
        for outcome in outcomes
    ]
    passed = sum(outcome.tests.passed for outcome in outcomes)
    skipped = sum(outcome.tests.skipped for outcome in outcomes)
    failed = sum(outcome.result == "failed" for outcome in outcomes)
    total = sum(outcome.seconds for outcome in outcomes)
    lines += ["", f"In two lanes: {total:.0f} s of sections in {seconds:.0f} s."]
    lines += [f"{passed} passed, {failed} failed, {skipped} skipped in {seconds:.0f}s"]
    return "\n".join(lines)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
