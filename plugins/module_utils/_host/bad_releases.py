# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Releases that failed on this host: never offered to it again, unless forced."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths


@dataclass(frozen=True)
class BadRelease:
    """A release, why it is bad, and since when (ISO 8601, UTC)."""

    release: str
    reason: str
    since: str


def read_bad_releases() -> tuple[BadRelease, ...]:
    """All of them, oldest first."""
    return tuple(BadRelease(**value) for value in read_json(paths.BAD_RELEASES_FILE) or ())


def mark_bad(release: str, reason: str) -> None:
    """Remember that `release` failed here; the first reason stands."""
    known = read_bad_releases()
    if any(one.release == release for one in known):
        return
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    paths.ETC.mkdir(parents=True, exist_ok=True)
    write_json(paths.BAD_RELEASES_FILE, [asdict(one) for one in (*known, BadRelease(release, reason, now))])


def forget_bad(release: str) -> None:
    """Forget that `release` ever failed: it was forced, and did not fail this time."""
    known = read_bad_releases()
    left = [asdict(one) for one in known if one.release != release]
    if len(left) < len(known):
        write_json(paths.BAD_RELEASES_FILE, left)


def refuse_bad(release: str) -> None:
    """Raises HostError if `release` failed here before."""
    for one in read_bad_releases():
        if one.release == release:
            raise HostError(
                f"failed on this host at {one.since}: {one.reason}",
                where=f"release {release}",
                way_out="Pin another release, or set force if the cause is gone",
            )
