# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Checks of the file systems."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.check import Check, Seen, State
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.size import missing_space

_LONGEST = 1024**2  # bytes of a file that are looked at


def file(runner: Runner, check: Check, before: State) -> Seen:
    """Its file is there, and has its text."""
    path, wanted = Path(check.options["path"]), check.options.get("contains")
    if not path.exists():
        return Seen(False, f"{path} does not exist")
    if wanted:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return Seen(wanted in stream.read(_LONGEST), f"{path}: looked for {wanted!r}")
    return Seen(True, f"{path} exists")


def mount(runner: Runner, check: Check, before: State) -> Seen:
    """A file system is mounted at its path, and did not become read-only."""
    path = Path(check.options["path"])
    if not path.is_mount():
        return Seen(False, f"nothing is mounted at {path}", {"read_only": False})
    read_only = bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    fell = read_only and not before.get("read_only", False)
    return Seen(not fell, f"{path} is mounted{' read-only' if read_only else ''}", {"read_only": read_only})


def free_space(runner: Runner, check: Check, before: State) -> Seen:
    """Its file system has so much left."""
    stats = os.statvfs(check.options["path"])
    free, total = stats.f_bavail * stats.f_frsize, stats.f_blocks * stats.f_frsize
    complaint = missing_space(check.options["minimum"], free=free, total=total)
    return Seen(not complaint, f"{check.options['path']}: {complaint or 'enough free space'}")
