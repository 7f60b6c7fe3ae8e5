# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wall time, CPU time and peak memory of commands, and tables of their medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Of a command and its children: seconds of wall and CPU time, MB at the peak of the largest one."""

    wall: float
    cpu: float
    peak: float

    def over(self, floor: Cost) -> Cost:
        """What it costs more than `floor`."""
        return Cost(self.wall - floor.wall, self.cpu - floor.cpu, self.peak - floor.peak)


class TooLong(Exception):
    """A command did not end in the time that it has."""


def measure(
    argv: Sequence[str | Path], env: Mapping[str, str], log: Path, limit: float | None = None
) -> Cost:
    """Run a command to its end; it must succeed. Raises TooLong after `limit` seconds."""
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in argv], env={**os.environ, **env}, stdout=output, stderr=output
        )
        killer = threading.Timer(limit or threading.TIMEOUT_MAX, process.kill)
        killer.daemon = True
        killer.start()
        try:
            _pid, status, usage = os.wait4(process.pid, 0)
        finally:
            killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begun
    if limit and wall >= limit:
        raise TooLong(f"did not end within {limit:.0f} s")
    assert process.returncode == 0, f"{argv[0]}: {log.read_text()[-2000:]}"
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def medians(runs: int, rows: Mapping[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """Field by field, of so many runs of each, one of each after the other: all see the same machine.

    What took too long once is run no more, and has no row.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in rows}
    for _run in range(runs):
        for name in list(costs):
            try:
                costs[name].append(rows[name]())
            except TooLong:
                del costs[name]
    return {
        name: Cost(*(statistics.median(getattr(cost, field.name) for cost in of) for field in fields(Cost)))
        for name, of in costs.items()
    }


@dataclass(frozen=True)
class Table:
    """Costs by name; ratios are to the row called `base`."""

    title: str
    base: str
    rows: Mapping[str, Cost]

    def __str__(self) -> str:
        """For a person."""
        base = self.rows[self.base]
        lines = [self.title, f"{'':<44} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'x wall':>7} {'x CPU':>7}"]
        lines += [
            f"{name:<44} {cost.wall:>8.2f} {cost.cpu:>8.2f} {cost.peak:>8.0f}"
            f" {cost.wall / base.wall:>7.2f} {cost.cpu / base.cpu:>7.2f}"
            for name, cost in self.rows.items()
        ]
        return "\n".join(lines)
