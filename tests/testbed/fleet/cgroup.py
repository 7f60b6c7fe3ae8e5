# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups of a fleet and its hosts.

Every host needs one of its own: systemd-nspawn makes its payload's group below the group it is started in.
Hosts started from one would share one tree, and a systemd that stops its ssh.service would kill the others'.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import FleetError


def hierarchies(mounts: str) -> tuple[Path, ...]:
    """Mount points that systemd-nspawn makes groups in, by the text of /proc/mounts: v2, then v1."""
    fields = [line.split() for line in mounts.splitlines()]
    unified = [Path(f[1]) for f in fields if f[2] == "cgroup2"]
    named = [Path(f[1]) for f in fields if f[2] == "cgroup" and "name=systemd" in f[3].split(",")]
    if not unified:
        raise FleetError("cgroup v2 is not mounted on this machine; see mount(8), type cgroup2")
    return (unified[0], *named[:1])


@dataclass(frozen=True)
class Cgroup:
    """One group, in each hierarchy that matters; the first is cgroup v2."""

    paths: tuple[Path, ...]

    @classmethod
    def of(cls, name: str) -> Cgroup:
        """The group `name` at the top of this machine's hierarchies."""
        return cls(tuple(top / name for top in hierarchies(Path("/proc/mounts").read_text())))

    def child(self, name: str) -> Cgroup:
        """A group below this one."""
        return Cgroup(tuple(path / name for path in self.paths))

    def make(self) -> None:
        """Make it, empty."""
        for path in self.paths:
            path.mkdir(parents=True, exist_ok=True)

    def enter(self) -> None:
        """Move the calling process in."""
        for path in self.paths:
            (path / "cgroup.procs").write_text("0")

    def kill(self) -> None:
        """SIGKILL to every process in it, at once."""
        with suppress(FileNotFoundError):
            (self.paths[0] / "cgroup.kill").write_text("1")

    def remove(self, seconds: float = 5.0) -> None:
        """Remove it and all below once its processes have gone; raises FleetError if they do not go."""
        end = time.monotonic() + seconds
        for path in self.paths:
            while path.exists():
                try:
                    for folder, _, _ in os.walk(path, topdown=False):
                        Path(folder).rmdir()
                except OSError as error:
                    if time.monotonic() > end:
                        raise FleetError(f"{path}: processes do not end ({error})") from error
                    time.sleep(0.02)
