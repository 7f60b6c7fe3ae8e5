# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What /proc knows: when the host booted, and which services still run files that were replaced."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_OF_PACKAGES = ("/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/opt/")
_DELETED = " (deleted)"


def boot_id() -> str:
    """New at every boot; the proof that a reboot took place."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def boot_time(proc: Path = _PROC) -> float:
    """Seconds since 1970 when PID 1 started: right in a container too, where `btime` is its machine's."""
    after_name = (proc / "1/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    started = int(after_name[19]) / os.sysconf(
        "SC_CLK_TCK"
    )  # field 22 of proc_pid_stat(5), counted after field 2
    for line in (proc / "stat").read_text(encoding="ascii").splitlines():
        if line.startswith("btime "):
            return int(line.split()[1]) + started
    return 0.0


def stale_units(proc: Path = _PROC) -> frozenset[str]:
    """Services with a process that maps a file of a package which is no longer on disk."""
    units = set()
    for directory in proc.glob("[0-9]*"):
        try:
            maps = (directory / "maps").read_text(encoding="utf-8", errors="replace")
            if maps_replaced_file(maps):
                units.add(unit_of((directory / "cgroup").read_text(encoding="utf-8")))
        except OSError:
            continue  # it ended while we looked
    return frozenset(units - {""})


def maps_replaced_file(maps: str) -> bool:
    """Whether /proc/PID/maps names a deleted file below the directories that packages own."""
    return any(
        line.endswith(_DELETED) and line[line.find("/") :].startswith(_OF_PACKAGES)
        for line in maps.splitlines()
    )


def unit_of(cgroup: str) -> str:
    """The service in /proc/PID/cgroup (v1, v2 or hybrid), empty for what runs outside of one."""
    for line in cgroup.splitlines():
        controllers, _colon, path = line.partition(":")[2].partition(":")
        if controllers in ("", "name=systemd"):
            services = [part for part in path.split("/") if part.endswith(".service")]
            if services:
                return services[0]
    return ""


def locker_of(path: Path, proc: Path = _PROC) -> str:
    """The process that holds a lock of fcntl(2) on `path`, for a person; empty if none is found."""
    inode = str(path.stat().st_ino)
    for line in (proc / "locks").read_text(encoding="ascii").splitlines():
        words = line.split()  # `1: POSIX ADVISORY WRITE PID MAJOR:MINOR:INODE START END`; `->` for who waits
        if words[1] != "->" and words[5].rpartition(":")[2] == inode:
            name = proc / words[4] / "comm"
            return f"{name.read_text().strip()} (process {words[4]})" if name.exists() else ""
    return ""
