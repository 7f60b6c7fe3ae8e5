# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The btrfs subvolume that is the root of this host, and the file system that it is in."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths

_MOUNTS = Path("/proc/self/mountinfo")
_TOP_LEVEL = 5  # btrfs(5): the id of the subvolume that holds all others


@dataclass(frozen=True)
class RootVolume:
    """`subvolume` is its path from the top level, without a slash before it; `device` holds all."""

    device: str
    subvolume: str


def root_volume(mounts: Path = _MOUNTS) -> RootVolume | None:
    """What is mounted on /; None if that is no subvolume of btrfs below the top level. See proc(5)."""
    found = None
    for line in mounts.read_text(encoding="utf-8").splitlines():
        before, _dash, after = line.partition(" - ")
        root, place = before.split()[3:5]
        kind, device = after.split()[:2]
        if place == "/":  # the last line counts: it may be mounted over
            found = RootVolume(_plain(device), _plain(root).lstrip("/")) if kind == "btrfs" else None
    return found if found and found.subvolume else None


def need_root_volume() -> RootVolume:
    """root_volume(), which raises HostError where there is none."""
    root = root_volume()
    if root is None:
        raise HostError(
            "is no subvolume of btrfs", where="/", way_out="Leave restore_point out, or make its root one"
        )
    return root


@contextlib.contextmanager
def top_level(runner: Runner, root: RootVolume) -> Iterator[Path]:
    """The whole file system that the root is in, mounted as long as the block lasts."""
    place = paths.TOP_LEVEL
    place.mkdir(parents=True, exist_ok=True)
    if os.path.ismount(place):  # by a call that was killed
        runner.run(["umount", str(place)])
    runner.run(["mount", "-t", "btrfs", "-o", f"subvolid={_TOP_LEVEL}", root.device, str(place)])
    try:
        yield place
    finally:
        runner.run(["umount", str(place)])


def _plain(field: str) -> str:
    r"""Spaces and their like are written as \040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)
