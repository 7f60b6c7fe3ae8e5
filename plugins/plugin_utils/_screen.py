# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a person sees of a rollout that runs: a few lines, drawn anew with every event; pure."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_GAUGE = 24  # cells
_HOSTS = 6  # in flight, that are named
_FAILURES = 4  # that are shown


@dataclass
class Screen:
    """One run of a rollout. Times are Unix seconds.

    `flight` has each host in flight with its phase and since when, `failures` each host that has failed with
    its state and the reason.
    """

    title: str
    begun: float
    progress: Mapping[str, t.Any]
    done_before: int
    state: str = "running"
    reason: str = ""
    flight: dict[str, tuple[str, float]] = field(default_factory=dict)
    failures: dict[str, tuple[str, str]] = field(default_factory=dict)

    def phase(self, host: str, phase: str, now: float) -> None:
        """The host is in a phase; its clock goes on when it has been in that already."""
        if self.flight.get(host, ("", now))[0] != phase:
            self.flight[host] = (phase, now)

    def record(self, host: str, state: str, reason: str) -> None:
        """The host's state, and why if that is a failure's."""
        if reason or host in self.failures:
            self.failures[host] = (state, reason or self.failures[host][1])

    def lines(self, width: int, now: float) -> list[str]:
        """None is longer than `width`."""
        why = f" ({self.reason})" if self.reason else ""
        found = [f"{self.title}: {self.state}{why}, {_span(now - self.begun)}"]
        found += _waves(self.progress["waves"])
        found += [f"  {_phases(self.flight)}; {_budgets(self.progress)}"]
        found += self._hosts(now)
        found += [f"  {self._pace(now)}"]
        shown = list(self.failures.items())[-_FAILURES:]
        found += [f"  {host} {state}: {reason}" for host, (state, reason) in shown]
        if len(self.failures) > len(shown):
            found.append(f"  and {len(self.failures) - len(shown)} more have failed")
        return [_cut(line, width) for line in found]

    def _hosts(self, now: float) -> list[str]:
        eldest = sorted(self.flight.items(), key=lambda item: item[1][1])
        named = [f"{host} {phase} {_span(now - since)}" for host, (phase, since) in eldest[:_HOSTS]]
        more = [f"{len(eldest) - _HOSTS} more"] if len(eldest) > _HOSTS else []
        return [f"  {', '.join(named + more)}"] if named else []

    def _pace(self, now: float) -> str:
        """When all hosts would be done if they went on as they did so far in this run."""
        done = sum(wave["done"] for wave in self.progress["waves"])
        left = sum(wave["hosts"] - wave["done"] - wave["failed"] for wave in self.progress["waves"])
        told = f"{left} {'host is' if left == 1 else 'hosts are'} left" if left else "no host is left"
        if not left or done <= self.done_before or self.state != "running":
            return told
        seconds = left * (now - self.begun) / (done - self.done_before)
        day = "%H:%M" if seconds < 43200 else "%Y-%m-%d %H:%M"
        return (
            f"{left} hosts are left: at this pace until {time.strftime(day, time.localtime(now + seconds))}"
        )


def _waves(waves: Sequence[Mapping[str, t.Any]]) -> list[str]:
    wide = max((len(wave["name"]) for wave in waves), default=0)
    found = []
    for wave in waves:
        hosts, done, failed = max(wave["hosts"], 1), wave["done"], wave["failed"]
        filled = done * _GAUGE // hosts
        # Whoever failed must be seen, however many there are.
        broken = max((done + failed) * _GAUGE // hosts - filled, 1) if failed else 0
        gauge = "#" * filled + "x" * broken + "." * (_GAUGE - filled - broken)
        lost = f", {failed} failed" if failed else ""
        found.append(f"  {wave['name']:<{wide}}  {gauge}  {done} of {wave['hosts']} done{lost}")
    return found


def _phases(flight: Mapping[str, tuple[str, float]]) -> str:
    counts: dict[str, int] = {}
    for phase, _since in flight.values():
        counts[phase] = counts.get(phase, 0) + 1
    listed = ", ".join(f"{count} {phase}" for phase, count in sorted(counts.items()))
    return f"in flight {len(flight)}{f' ({listed})' if listed else ''}"


def _budgets(progress: Mapping[str, t.Any]) -> str:
    return (
        f"unavailable {progress['unavailable']} of at most {progress['max_unavailable']},"
        f" failed {progress['failed']} of at most {progress['error_budget']}"
    )


def _span(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    whole = max(int(seconds), 0)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60}:{whole % 60:02}"


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}…"
