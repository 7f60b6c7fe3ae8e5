# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host, under its own Python: kill -9 a module at the very moment that a command succeeds.

`python3 - MODULE ARGV…` prints `ready`, then `killed`, or `ended` if the module was through before.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 120.0  # seconds


def runs(module: str) -> list[int]:
    """The processes of a module."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        # Ansible names it to shells and to chmod, too.
        if words[0].endswith(b"python3") and words[1].endswith(f"/AnsiballZ_{module}.py".encode()):
            found.append(int(process.name))
    return found


def kill_when(module: str, argv: list[str]) -> str:
    """What became of the module."""
    end = time.monotonic() + PATIENCE
    seen = False
    while time.monotonic() < end:
        pids = runs(module)
        if seen and not pids:
            return "ended"
        seen = bool(pids)
        if seen and subprocess.run(argv, check=False, capture_output=True).returncode == 0:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            return "killed"
        time.sleep(0.005)
    return "waited in vain"


if __name__ == "__main__":
    print("ready", flush=True)
    print(kill_when(sys.argv[1], sys.argv[2:]), flush=True)
