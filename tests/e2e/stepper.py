# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a host, under its own Python: let the next transaction go on step by step, to a point, and stop it.

`python3 - POINT`: the point is a number of lines of progress in the transaction's log. Prints `ready`, then
`stopped UNIT` with the worker standing still, or `ended` if the transaction never came that far.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

TRANSACTIONS = Path("/var/lib/osaas/transactions")
PROGRESS = re.compile(rb" osaas\.dnf: \d+ of \d+: ")
STEP = 0.0004  # seconds: less than rpm needs for the smallest package


def worker_of(directory: Path) -> int:
    """The process that works on it, once there is one."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(directory) in words and b"-m" in words and words[0].endswith(b"python3"):
            return int(process.name)
    return 0


def stop_at(point: int) -> str:
    """What became of the next transaction."""
    known = set(TRANSACTIONS.glob("*"))
    print("ready", flush=True)
    while not (new := set(TRANSACTIONS.glob("*")) - known):
        time.sleep(0.01)
    directory = new.pop()
    while not (pid := worker_of(directory)):
        time.sleep(0.005)
    log = directory / "log"
    while not (directory / "result.json").exists():
        os.kill(pid, signal.SIGSTOP)
        lines = len(PROGRESS.findall(log.read_bytes())) if log.exists() else 0
        if lines >= point:
            return f"stopped osaas-transaction-{directory.name}"
        os.kill(pid, signal.SIGCONT)
        time.sleep(STEP if lines else 0.002)
    return "ended"


if __name__ == "__main__":
    print(stop_at(int(sys.argv[1])), flush=True)
