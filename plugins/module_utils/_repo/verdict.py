# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Verdicts: what the checks of a release came to, beside the releases, which never change.

The store may be public, so a verdict names no hosts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import (
    Store,
    disk_errors,
    make_directory,
)


@dataclass(frozen=True)
class Verdict:
    """What came of a snapshot's checks, or an image's tests; `snapshot` is the id of the release.

    `package_sets` is how many were solved; `reasons` say why it did not pass. `time` is ISO 8601, UTC.
    """

    snapshot: str
    passed: bool
    package_sets: int
    reasons: tuple[str, ...]
    time: str = ""


def read_verdict(store: Store, snapshot: str) -> Verdict | None:
    """The last verdict on this release, or None if it was never checked."""
    raw = read_json(store.checks / f"{snapshot}.json")
    return None if raw is None else Verdict(**{**raw, "reasons": tuple(raw["reasons"])})


def is_news(store: Store, verdict: Verdict) -> bool:
    """Whether this (without its time) is another verdict than the last one."""
    last = read_verdict(store, verdict.snapshot)
    return last is None or {**asdict(last), "time": ""} != {**asdict(verdict), "time": ""}


def record_verdict(store: Store, verdict: Verdict) -> None:
    """Keep it in place of the last one."""
    with disk_errors(store), store.lock():
        write_verdict(store, verdict)


def write_verdict(store: Store, verdict: Verdict) -> None:
    """The same, for who holds the store's lock."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    make_directory(store.checks)
    write_json(store.checks / f"{verdict.snapshot}.json", {**asdict(verdict), "time": now})
