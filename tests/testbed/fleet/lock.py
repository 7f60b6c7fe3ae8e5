# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One supervisor per instance: an flock that the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from .errors import FleetError
from .instance import Instance

PATIENCE = 5


def acquire(instance: Instance, pid: int) -> IO[str]:
    """Take the lock and leave `pid` in it; hold it by keeping the file. Raises FleetError if it is taken."""
    instance.directory.mkdir(parents=True, exist_ok=True)
    file = instance.lock.open("a+", encoding="utf-8")
    for _ in range(PATIENCE):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.05)  # somebody may only have looked who holds it
    else:
        file.close()
        raise FleetError(
            f"testbed {instance.name!r} is already running (pid {holder(instance)}) in {instance.directory}; "
            f"end it with `python -m testbed down --name {instance.name}` or use another name"
        )
    file.truncate(0)
    file.write(f"{pid}\n")
    file.flush()
    return file


def holder(instance: Instance) -> int | None:
    """Pid of the living supervisor, None if there is none."""
    try:
        with instance.lock.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                with suppress(ValueError):
                    return int(file.read())
            return None
    except FileNotFoundError:
        return None


def end_holder(instance: Instance, signal: int, seconds: float) -> bool:
    """Signal the living supervisor, if any, until it has ended; False if it is still there after `seconds`.

    More than once: a supervisor that has only just taken the lock may not listen yet.
    """
    end = time.monotonic() + seconds
    last: int | None = None
    while (pid := holder(instance)) is not None or _alive(last):
        if time.monotonic() > end:
            return False
        if pid is not None:
            last = pid
            with suppress(ProcessLookupError):
                os.kill(pid, signal)
        time.sleep(0.1)
    return True


def _alive(pid: int | None) -> bool:
    """Whether the holder that was is still on its way out: the lock goes first, then the mounts."""
    return pid is not None and Path(f"/proc/{pid}").exists()
