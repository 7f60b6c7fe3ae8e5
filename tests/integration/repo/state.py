# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store, byte for byte: to see whether two runs came to the same one, or a look changed nothing."""

from __future__ import annotations

import stat
from pathlib import Path

from unit.harness import ModuleResult


def state(store: Path) -> dict[str, tuple[int, str | bytes]]:
    """Mode and content, or target, of every file and link below `store`; an empty directory is nothing."""
    found: dict[str, tuple[int, str | bytes]] = {}
    for path in store.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[str(path.relative_to(store))] = (0, str(path.readlink()))
        elif not stat.S_ISDIR(mode):
            found[str(path.relative_to(store))] = (stat.S_IMODE(mode), path.read_bytes())
    return found


def differing(one: dict[str, tuple[int, str | bytes]], other: dict[str, tuple[int, str | bytes]]) -> set[str]:
    """The paths where two states are not the same."""
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}


def faults(result: ModuleResult) -> list[tuple[str, str]]:
    """What and where, of all faults that store_verify found."""
    return [(fault["what"], fault["path"]) for fault in result.data["verify"]["faults"]]
