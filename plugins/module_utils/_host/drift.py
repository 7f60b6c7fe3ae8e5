# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Packages that somebody else changed since the host was brought to its release."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.osaas.fleet.plugins.module_utils._host.history import Entry
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package, name_of


@dataclass(frozen=True)
class Change:
    """NEVRAs of a package before and now, None where there was or is none.

    `time` is ISO 8601 in UTC, `command` what dnf was called with; None if nobody knows (rpm tells neither of
    what is gone).
    """

    name: str
    before: str | None
    now: str | None
    time: str | None
    command: str | None


def changes_since(
    recorded: Collection[str], installed: Collection[Package], history: Mapping[str, Entry]
) -> list[Change]:
    """What differs from `recorded` NEVRAs, by name. A name with several versions gives a change for each."""
    times = {one.nevra: one.installed for one in installed if one.name != "gpg-pubkey"}
    gone, come = sorted(set(recorded).difference(times)), sorted(set(times).difference(recorded))
    found = []
    for nevra in come:
        before = next((one for one in gone if name_of(one) == name_of(nevra)), None)
        if before:
            gone.remove(before)
        found.append(_change(before, nevra, times[nevra], history.get(nevra)))
    found += [_change(nevra, None, 0, history.get(nevra)) for nevra in gone]
    return sorted(found, key=lambda one: one.name)


def _change(before: str | None, now: str | None, time: int, entry: Entry | None) -> Change:
    when = time or (entry.time if entry else 0)
    text = datetime.fromtimestamp(when, timezone.utc).isoformat(timespec="seconds") if when else None
    return Change(name_of(now or before or ""), before, now, text, (entry.command or None) if entry else None)
