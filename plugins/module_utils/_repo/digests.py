# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Checksums: which are good enough, and how a stream of bytes is hashed once for all uses."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError

# Digest sizes in hex digits. md5 and sha1 ("sha" in old metadata) can be forged and are refused.
ALGORITHMS = {"sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
WEAK = {"md5": 32, "sha1": 40}
CHUNK = 1 << 20
_TOLERATED = {**ALGORITHMS, **WEAK}
_HEX = re.compile(r"[0-9a-f]+")


class Hasher:
    """Feeds bytes to the advertised algorithm and to sha256, the store's own; counts them."""

    def __init__(self, algorithm: str) -> None:
        self._advertised = hashlib.new(algorithm)
        self._own = self._advertised if algorithm == "sha256" else hashlib.sha256()
        self.size = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self.size += len(data)
        self._advertised.update(data)
        if self._own is not self._advertised:
            self._own.update(data)

    def feed_file(self, path: Path) -> None:
        """Take the whole of a file."""
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                self.feed(chunk)

    @property
    def digest(self) -> str:
        """In the advertised algorithm, hex."""
        return self._advertised.hexdigest()

    @property
    def sha256(self) -> str:
        """Hex."""
        return self._own.hexdigest()


def sha256(content: bytes) -> str:
    """The sha256 of `content`, hex."""
    return hashlib.sha256(content).hexdigest()


def check_digest(
    algorithm: str | None, digest: str | None, *, where: str, weak: bool = False
) -> tuple[str, str]:
    """Return both if they are a checksum to rely on, or a weak one is good enough. Raises UpstreamError."""
    if not algorithm or not digest:
        raise UpstreamError("the metadata gives no checksum", where=where)
    known = _TOLERATED if weak else ALGORITHMS
    if weak and algorithm == "sha":
        algorithm = "sha1"
    if algorithm not in known:
        raise UpstreamError(
            f"checksum type {algorithm!r} is refused: it is weak or unknown",
            where=where,
            way_out=f"Ask upstream for one of {', '.join(ALGORITHMS)}",
        )
    if len(digest) != known[algorithm] or not _HEX.fullmatch(digest):
        raise UpstreamError(f"{digest[:140]!r} is not a {algorithm} checksum", where=where)
    return algorithm, digest
