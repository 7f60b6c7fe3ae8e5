# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A control group for what is booted: systemd makes its own groups below the one that it is started in."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError

MOUNTS = Path("/proc/self/mounts")
GROUPS = Path("/proc/self/cgroup")
PREFIX = "osaas-boot-"
SECONDS = 10.0  # for what was killed to be gone


@contextmanager
def own_cgroup() -> Iterator[None]:
    """Be in a new group, which ends with all that is left in it; those of killed builders are swept away.

    Raises InputError without cgroup v2.
    """
    before = _current()
    groups = [top / f"{PREFIX}{os.getpid()}" for top, _ours in before]
    for top, _ours in before:
        for left in top.glob(f"{PREFIX}*"):
            with suppress(OSError):  # it is in use
                _sweep(left)
    try:
        for group in groups:
            group.mkdir(exist_ok=True)
            _enter(group)
        yield
    finally:
        for top, ours in before:
            _enter(top / ours)
        with suppress(FileNotFoundError):
            (groups[0] / "cgroup.kill").write_text("1", encoding="utf-8")
        for group in groups:
            _remove(group)


def _current() -> list[tuple[Path, str]]:
    """Where hierarchies that systemd uses are mounted, cgroup v2 first, and our group in each."""
    mounts = [line.split() for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
    unified = [Path(one[1]) for one in mounts if one[2] == "cgroup2"]
    named = [Path(one[1]) for one in mounts if one[2] == "cgroup" and "name=systemd" in one[3].split(",")]
    if not unified:
        raise InputError("cgroup v2 is not mounted here, which a boot needs", where=str(MOUNTS))
    ours = [line.split(":", 2) for line in GROUPS.read_text(encoding="utf-8").splitlines()]
    found = {controllers: group.lstrip("/") for _number, controllers, group in ours}
    tops = [("", unified[0]), *(("name=systemd", top) for top in named[:1])]
    return [(top, found.get(name, "")) for name, top in tops]


def _enter(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")


def _remove(group: Path) -> None:
    """Wait until its processes are gone, and take it away."""
    end = time.monotonic() + SECONDS
    while group.exists():
        try:
            _sweep(group)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _sweep(group: Path) -> None:
    for directory, _directories, _files in os.walk(group, topdown=False):
        Path(directory).rmdir()
