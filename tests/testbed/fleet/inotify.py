# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room for many systemds: each needs several inotify instances, and the usual 128 end at the 19th host."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
NEEDED = 8192
SHARED = Path("/run/osaas-testbed-inotify")  # locked by every fleet of this machine; holds the old limit


@contextmanager
def raised() -> Iterator[None]:
    """Raise the limit while any fleet runs; the last one to end puts it back.

    A fleet that was killed no longer holds the lock: the next one to end puts the limit back for both.
    """
    with _share() as file:
        before = LIMIT.read_text()
        if int(before) < NEEDED:
            SHARED.write_text(before)
            LIMIT.write_text(str(NEEDED))
        try:
            yield
        finally:
            _restore_if_last(file)


def _share() -> IO[str]:
    while True:
        file = SHARED.open("a", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_SH)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # the last fleet removed it before we had the lock


def _restore_if_last(file: IO[str]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if before := SHARED.read_text():
        LIMIT.write_text(before)
    SHARED.unlink()
