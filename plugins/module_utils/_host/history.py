# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What dnf remembers of changes: when, and by which command. Both flavours keep it in SQLite."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import nevra

_DNF4 = """
    SELECT rpm.name, rpm.epoch, rpm.version, rpm.release, rpm.arch, trans.dt_end, trans.cmdline
    FROM trans JOIN trans_item ON trans_item.trans_id = trans.id JOIN rpm ON rpm.item_id = trans_item.item_id
    ORDER BY trans.id
"""
_DNF5 = """
    SELECT pkg_name.name, rpm.epoch, rpm.version, rpm.release, arch.name, trans.dt_end, trans.description
    FROM trans JOIN trans_item ON trans_item.trans_id = trans.id JOIN rpm ON rpm.item_id = trans_item.item_id
    JOIN pkg_name ON pkg_name.id = rpm.name_id JOIN arch ON arch.id = rpm.arch_id
    ORDER BY trans.id
"""
_DATABASES = (
    (Path("/var/lib/dnf/history.sqlite"), _DNF4),
    (Path("/usr/lib/sysimage/libdnf5/transaction_history.sqlite"), _DNF5),
)


@dataclass(frozen=True)
class Entry:
    """When a package came or went (seconds since 1970, 0 if dnf does not say), and by which command."""

    time: int
    command: str


def read_history(databases: Collection[tuple[Path, str]] = _DATABASES) -> dict[str, Entry]:
    """The last time that each NEVRA came or went. What is no such database has nothing to tell."""
    found: dict[str, Entry] = {}
    for path, query in databases:
        for name, epoch, version, release, arch, time, command in _rows(path, query):
            key = nevra(name, epoch, version, release, arch)
            entry = Entry(time or 0, command or "")
            found[key] = max(found.get(key, entry), entry, key=lambda one: one.time)
    return found


def _rows(path: Path, query: str) -> list[tuple[str, int, str, str, str, int, str]]:
    if not path.exists():
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()
    except sqlite3.Error:
        return []
