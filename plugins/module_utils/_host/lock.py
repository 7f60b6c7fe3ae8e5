# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""One change of a host at a time: a lock that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host import paths


@contextlib.contextmanager
def exclusive(file: Path | None = None) -> Iterator[None]:
    """Wait for, and hold, the lock on this host's state; `file` is another one than that of package hosts."""
    file = file or paths.LOCK_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
