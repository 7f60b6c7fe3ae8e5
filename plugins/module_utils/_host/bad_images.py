# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Deployments that failed on this host: remembered, and refused unless forced."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import digest_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths


@dataclass(frozen=True)
class BadImage:
    """A deployment, why it is bad, and since when (ISO 8601, UTC)."""

    digest: str
    release: str
    reason: str
    when: str


def failures(
    entries: Collection[BootEntry], reports: Mapping[str, Mapping[str, t.Any]], booted: str
) -> dict[str, tuple[str, str]]:
    """Reason and time, by digest, of what failed to boot: entries without tries, and what reports tell of.

    `reports` are by digest. What is `booted` (the name of an entry) is still on trial: it may yet be blessed.
    What another entry, with other kernel arguments, boots well is not bad.
    """
    found = {}
    for entry in entries:
        digest = digest_of(entry)
        if not digest or entry.name == booted:
            continue
        report = reports.get(digest)
        if report is not None:
            found[digest] = (f"unhealthy: {'; '.join(report['failures'])}", str(report["when"]))
        elif entry.given_up:
            tries = "try" if entry.tries_done == 1 else "tries"
            found[digest] = (f"did not come up in {entry.tries_done} {tries}", "")
    well = {digest_of(entry) for entry in entries if entry.name == booted or entry.tries_left is None}
    return {digest: why for digest, why in found.items() if digest not in well}


def read_bad(paths: ImagePaths) -> tuple[BadImage, ...]:
    """Those that are remembered, oldest first."""
    return tuple(BadImage(**one) for one in read_json(paths.bad) or ())


def read_reports(paths: ImagePaths, entries: Collection[BootEntry]) -> dict[str, Mapping[str, t.Any]]:
    """What failed boots left, by digest; a torn report counts as one too."""
    found: dict[str, Mapping[str, t.Any]] = {}
    for digest in {digest_of(entry) for entry in entries} - {""}:
        path = paths.report(digest)
        if path.exists():
            try:
                raw = read_json(path)
                found[digest] = {"failures": [str(one) for one in raw["failures"]], "when": str(raw["when"])}
            except (ValueError, KeyError, TypeError):
                found[digest] = {"failures": ["its report cannot be read"], "when": ""}
    return found


def known_bad(
    known: Collection[BadImage], failed: Mapping[str, tuple[str, str]], releases: Mapping[str, str], now: str
) -> tuple[BadImage, ...]:
    """What is remembered after a look: the first reason stands. `releases` are ids, by digest."""
    before = {one.digest for one in known}
    new = [
        BadImage(digest, releases.get(digest, ""), reason, when or now)
        for digest, (reason, when) in sorted(failed.items())
        if digest not in before
    ]
    return (*known, *new)


def now() -> str:
    """The time as it is remembered."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def remember(paths: ImagePaths, bad: Collection[BadImage]) -> None:
    """Write them down."""
    paths.state.mkdir(parents=True, exist_ok=True)
    write_json(paths.bad, [asdict(one) for one in bad])


def forget(paths: ImagePaths, digest: str) -> None:
    """It came up healthy, or is forced: it is not bad any more."""
    known = read_bad(paths)
    left = [one for one in known if one.digest != digest]
    if len(left) < len(known):
        remember(paths, left)
    paths.report(digest).unlink(missing_ok=True)


def refuse_bad(bad: Collection[BadImage], digest: str) -> None:
    """Raises HostError if it failed here."""
    for one in bad:
        if one.digest == digest:
            raise HostError(
                f"failed on this host at {one.when}: {one.reason}",
                where=f"release {one.release or digest}",
                way_out="Deploy another release, or set force if the cause is gone",
            )
