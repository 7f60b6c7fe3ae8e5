# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces a supervisor lives in, and how others enter.

Its network, mounts and processes are in namespaces of its own. So nothing that it makes can outlive it: when
it dies, even by SIGKILL, the kernel kills every process in its PID namespace, and the last of them takes the
mounts, their loop devices and the network along.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from .command import run
from .instance import Instance

# Slave: what the machine mounts later is seen inside, nothing mounted inside is seen on the machine.
UNSHARE = ("unshare", "--net", "--mount", "--propagation=slave", "--pid", "--fork", "--kill-child")


def outer_pid() -> int:
    """Our pid as the machine knows it; only before mount_private()."""
    return int(Path("/proc/self").readlink().name)


def mount_private() -> None:
    """Mounts that must be our own: /proc of our PID namespace, and a tmpfs for the records of nspawn."""
    run(["mount", "-t", "proc", "proc", "/proc"])
    records = Path("/run/systemd/nspawn")
    records.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(records)])


def enter_network(instance: Instance) -> list[str]:
    """Prefix of a command that is to run in the network namespace.

    Not `ip netns exec`: that remounts /sys, and /sys/fs/cgroup vanishes.
    """
    return ["nsenter", f"--net={instance.netns}", "--"]


def kill_all() -> None:
    """SIGKILL to every other process of our PID namespace; as its init only, else it would be the machine."""
    if os.getpid() != 1:
        raise RuntimeError("kill_all() outside of a PID namespace of our own")
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
