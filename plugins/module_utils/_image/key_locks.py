# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Locks by name, for threads: what two of them want is made once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class KeyLocks:
    """A lock for each key that was ever asked for."""

    def __init__(self) -> None:
        self._all = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Wait until no other thread holds this key, and hold it."""
        with self._all:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            yield
