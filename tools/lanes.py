# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run sections in two lanes side by side: one computes, the other boots hosts and mostly waits for them.

Each goes through its sections in order; the one that is done first helps the other.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tools.commands import run_commands
from tools.counts import Counts, counts
from tools.sections import Section

SKIPPED = 77  # the exit status of a section that this machine has no Python for
NEWS = 30.0  # seconds between two lines that say what runs
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Result = Literal["passed", "failed", "skipped", "not run"]


@dataclass(frozen=True)
class Outcome:
    """How a section ended, after how many seconds, and what pytest counted in it."""

    section: Section
    result: Result
    seconds: float = 0.0
    tests: Counts = field(default_factory=Counts)


class Lanes:
    """One run of sections. What a section prints is kept in `reports`, and shown whole when it ends."""

    def __init__(self, sections: Sequence[Section], reports: Path) -> None:
        self._sections, self._reports = sections, reports
        self._outcomes: dict[Section, Outcome] = {}
        self._running: dict[Section, float] = {}  # since when

    async def run(self) -> list[Outcome]:
        """Outcomes in the order of the sections.

        After a failure no section is begun, and what had begun comes to its end. When this is cancelled,
        what runs is ended.
        """
        computing = deque(section for section in self._sections if not section.boots_hosts)
        waiting = deque(section for section in self._sections if section.boots_hosts)
        news = asyncio.create_task(self._tell_news())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._lane(computing, waiting))
                group.create_task(self._lane(waiting, computing))
        finally:
            news.cancel()
        return [self._outcomes.get(section, Outcome(section, "not run")) for section in self._sections]

    async def _lane(self, own: deque[Section], other: deque[Section]) -> None:
        while (queue := own or other) and not self._failed():
            section = queue.popleft()
            self._running[section] = time.monotonic()
            self._outcomes[section] = await self._run_one(section)
            del self._running[section]

    def _failed(self) -> bool:
        return any(outcome.result == "failed" for outcome in self._outcomes.values())

    async def _run_one(self, section: Section) -> Outcome:
        report, log = self._file(section, "xml"), self._file(section, "log")
        report.unlink(missing_ok=True)
        try:
            with log.open("wb", buffering=0) as output:
                status = await run_commands(section, output, report)
        finally:
            print(f"\n{log.read_text(errors='replace')}", end="", flush=True)
        result: Result = "passed" if status == 0 else "skipped" if status == SKIPPED else "failed"
        outcome = Outcome(section, result, time.monotonic() - self._running[section], counts(report))
        print(f"<== {section.name}: {result} after {outcome.seconds:.1f} s", flush=True)
        return outcome

    def _file(self, section: Section, kind: str) -> Path:
        return self._reports / f"{section.name.replace(', ', '-').replace(' ', '-')}.{kind}"

    async def _tell_news(self) -> None:
        """Now and then, what runs, for how long, and the last that it said."""
        while True:
            await asyncio.sleep(NEWS)
            for section, since in self._running.items():
                last = _last_words(self._file(section, "log").read_text(errors="replace"))
                print(f"... {section.name}, {time.monotonic() - since:.0f} s: {last[:80]}", flush=True)


def _last_words(text: str) -> str:
    """The last line that is more than an ornament, without colours."""
    lines = reversed(COLOUR.sub("", text).splitlines())
    return next((line for line in lines if re.search(r"\w\w", line)), "")
