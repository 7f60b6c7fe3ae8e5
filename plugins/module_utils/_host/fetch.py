# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Bring what is missing of a file, however often that breaks off."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host.origin import Interrupted, Origin

TRIES = 4  # in a row that bring nothing
PAUSE = 0.5  # seconds after the first of them; twice as long after each more


class Wanted(t.Protocol):
    """A file that gets whole piece by piece. What it has survives a kill."""

    def missing(self) -> tuple[int, int] | None:
        """The next bytes that it lacks, from and to (not included); None when it is whole."""

    def take(self, offset: int, data: bytes) -> int:
        """Keep what came; how many bytes of it were of use. Raises VerificationError for wrong ones."""


def fetch(origin: Origin, path: str, wanted: Wanted) -> int:
    """Bring all that is missing; returns how many bytes came. Raises UpstreamError, VerificationError."""
    came, vain = 0, 0
    while True:
        piece = wanted.missing()
        if piece is None:
            return came
        useful, trouble = 0, "ends too early"
        try:
            for offset, data in origin.chunks(path, *piece):
                came += len(data)
                useful += wanted.take(offset, data)
        except Interrupted as error:
            trouble = str(error)
        vain = 0 if useful else vain + 1
        if vain == TRIES:
            raise UpstreamError(
                f"{trouble} ({TRIES} tries brought nothing)",
                where=path,
                way_out="Run it again: what came is kept",
            )
        if vain:
            time.sleep(PAUSE * 2 ** (vain - 1))


class Straight:
    """A file that grows from its beginning to its end."""

    def __init__(self, stream: t.BinaryIO, size: int) -> None:
        """`stream` is open for reading and writing; what is in it is kept."""
        self._stream, self._size = stream, size
        self._have = min(stream.seek(0, 2), size)
        stream.truncate(self._have)

    def missing(self) -> tuple[int, int] | None:
        """See Wanted.missing."""
        return (self._have, self._size) if self._have < self._size else None

    def take(self, offset: int, data: bytes) -> int:
        """See Wanted.take; what it has already is passed over."""
        if offset > self._have:
            raise VerificationError(f"bytes from {offset} on came, it has {self._have}")
        fresh = data[self._have - offset :]
        self._stream.seek(self._have)
        self._stream.write(fresh)
        self._have += len(fresh)
        return len(fresh)
