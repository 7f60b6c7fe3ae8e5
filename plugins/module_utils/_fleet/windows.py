# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""When hosts may be started: weekly windows on a wall clock, less the freezes; pure.

Twice a year a wall clock skips an hour or shows one twice. A window then is the narrowest of its readings, so
that no reading of the clock puts a start outside of it; one that has no room left is skipped that day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HORIZON = 366 * 86400.0
_DAY = 86400.0

Span = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """Open from `start` on each of `days` (0 is Monday) until `end`, the next day if that is not later."""

    days: frozenset[int]
    start: time
    end: time
    zone: ZoneInfo

    def on(self, day: date) -> Span | None:
        """When it is open, in Unix seconds, if it begins on that day of its zone."""
        if day.weekday() not in self.days:
            return None
        last = day if self.end > self.start else day + timedelta(days=1)
        begin, end = max(self._readings(day, self.start)), min(self._readings(last, self.end))
        return (begin, end) if begin < end else None

    def _readings(self, day: date, at: time) -> list[float]:
        local = datetime.combine(day, at, self.zone)
        return [local.replace(fold=fold).timestamp() for fold in (0, 1)]


@dataclass(frozen=True)
class Freeze:
    """Nothing starts from `begin` until `end`, in Unix seconds."""

    begin: float
    end: float
    reason: str


@dataclass(frozen=True)
class Closed:
    """No host may be started now; asked again before `until` (0: nobody knows) the answer is the same."""

    reason: str
    until: float


def spans(windows: Sequence[Window], freezes: Sequence[Freeze], begin: float, until: float) -> Iterator[Span]:
    """The times between `begin` and `until` when hosts may be started, in order, as long as they can be."""
    frozen = sorted((freeze.begin, freeze.end) for freeze in freezes)
    for opens, closes in _merged(_windows(windows, begin, until)):
        at, end = max(opens, begin), min(closes, until)
        for freeze_begin, freeze_end in frozen:
            if freeze_begin >= end:
                break
            if at < freeze_begin:
                yield at, freeze_begin
            at = max(at, freeze_end)
        if at < end:
            yield at, end


def closed(
    windows: Sequence[Window], freezes: Sequence[Freeze], now: float, *, need: float = 0.0
) -> Closed | None:
    """Why no host may be started now, None if one may. `need` is how many seconds must be left."""
    here = next((span for span in spans(windows, freezes, now, now + _DAY + need) if span[0] == now), None)
    if here is not None and here[1] - now >= need:
        return None
    later = (begin for begin, end in spans(windows, freezes, now, now + _HORIZON) if end - begin >= need)
    until = next((begin for begin in later if begin > now), 0.0)
    opens = f"the next window opens at {stamp(until)}" if until else "none opens within a year"
    freeze = next((one for one in freezes if one.begin <= now < one.end), None)
    if freeze is not None:
        return Closed(f"frozen until {stamp(freeze.end)}: {freeze.reason}; {opens}", until)
    if here is not None:
        return Closed(
            f"the window closes in {here[1] - now:.0f} s, a host needs {need:.0f} s; {opens}", until
        )
    return Closed(f"outside of every window; {opens}", until)


def stamp(at: float) -> str:
    """A Unix time for a person, to the second, UTC."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _windows(windows: Sequence[Window], begin: float, until: float) -> Iterator[Span]:
    """In the order of their beginnings; without windows it is always open."""
    if not windows:
        yield begin, until
        return
    # A local date lies at most a day beside the UTC date, and a window may have begun a day earlier.
    day = datetime.fromtimestamp(begin, timezone.utc).date() - timedelta(days=2)
    last = datetime.fromtimestamp(until, timezone.utc).date() + timedelta(days=1)
    found: list[Span] = []
    while day <= last:
        found += [span for span in (window.on(day) for window in windows) if span is not None]
        # Windows of this day begin before those of the day after tomorrow, whatever their zones.
        ready = sorted(found)
        found = [span for span in ready if span[0] >= _midnight(day) - _DAY]
        yield from ready[: len(ready) - len(found)]
        day += timedelta(days=1)
    yield from sorted(found)


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), timezone.utc).timestamp()


def _merged(found: Iterator[Span]) -> Iterator[Span]:
    """Those that overlap or touch, made one."""
    current: Span | None = None
    for begin, end in found:
        if current is None:
            current = (begin, end)
        elif begin <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (begin, end)
    if current is not None:
        yield current
