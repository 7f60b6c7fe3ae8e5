# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Who holds a claim: one run of ansible-playbook, named so that its death can be proved."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def _start_time(pid: int) -> str | None:
    """When a process began, in clock ticks since boot (proc(5), stat field 22); None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = text.rpartition(")")[2].split()
    return None if state in ("Z", "X") else rest[18]


def _world() -> str:
    """This boot of this machine, and this PID namespace: where a process id means the same."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"


def controlling_run() -> str:
    """The owner to claim for. Actions run in a forked worker; its parent is the run itself."""
    return run_of_process(os.getppid())


def run_of_process(pid: int) -> str:
    """The owner that a process of this machine is."""
    return f"{_world()}/{pid}/{_start_time(pid)}"


def is_gone(owner: str) -> bool:
    """True only with proof: it ran here, and its process exists no more."""
    world, pid, start = owner.rsplit("/", 2)
    return world == _world() and _start_time(int(pid)) != start
