# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of what a fleet has outside of its namespaces: control groups, files, ssh's master connections."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from .cgroup import Cgroup
from .command import run
from .errors import FleetError
from .instance import Instance


def sweep(instance: Instance) -> bool:
    """Leave nothing of a fleet that has ended, well or not, but its logs; False if there was nothing.

    The caller holds the instance's lock.
    """
    group = Cgroup.of(instance.cgroup)
    group.kill()
    group.remove()
    if instance.ssh_sockets.is_dir():
        for socket in instance.ssh_sockets.iterdir():
            close_connection(socket)
    rest = [path for path in instance.directory.iterdir() if path not in (instance.lock, instance.logs)]
    for path in rest:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    return bool(rest)


def empty_logs(instance: Instance) -> None:
    """A new fleet starts with empty logs; those of the one before were kept for a look."""
    for log in instance.logs.iterdir():
        os.truncate(log, 0)


def close_connection(socket: Path) -> None:
    """End a master connection of ssh: out of the supervisor's reach, it would hold the network namespace."""
    with suppress(FleetError):  # there is none, or it has ended
        run(["ssh", "-F", "/dev/null", "-o", f'ControlPath="{socket}"', "-O", "exit", "host"])
