# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Unpacking of metadata files that may be bombs: never more is written than was advertised."""

from __future__ import annotations

import bz2
import gzip
import lzma
import typing as t
import zlib
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import CHUNK, Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import OPEN_BYTES, Record

ZSTD = b"\x28\xb5\x2f\xfd"
OPENERS: dict[bytes, t.Callable[[Path], t.IO[bytes]]] = {
    b"\x1f\x8b": t.cast("t.Callable[[Path], t.IO[bytes]]", gzip.open),
    b"BZh": t.cast("t.Callable[[Path], t.IO[bytes]]", bz2.open),
    b"\xfd7zXZ\x00": t.cast("t.Callable[[Path], t.IO[bytes]]", lzma.open),
}


def unpack(runner: Runner, source: Path, target: Path, record: Record, *, where: str) -> None:
    """Write `source`, unpacked, to `target`. Raises UpstreamError if it is not what `record` says."""
    hasher = Hasher(record.open_algorithm or "sha256")
    most = record.open_size or OPEN_BYTES
    try:
        _unpack(runner, source, target, most, hasher)
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno:
            raise  # of this machine's disk; what the decompressors raise has no number
        raise UpstreamError(f"it cannot be unpacked: {error}", where=where) from error
    if hasher.size > most or hasher.size < record.open_size:
        than = "more" if hasher.size > most else "less"
        limit = "its open-size" if record.open_size else "the limit"
        raise UpstreamError(f"it unpacks to {than} than {limit} of {most} bytes", where=where)
    if record.open_digest and hasher.digest != record.open_digest:
        raise UpstreamError("it does not unpack to what its open-checksum says", where=where)


def _unpack(runner: Runner, source: Path, target: Path, most: int, hasher: Hasher) -> None:
    with source.open("rb") as stream:
        magic = stream.read(8)
    if magic.startswith(ZSTD):
        _zstd(runner, source, target, most)
        hasher.feed_file(target)
        return
    opener = next((opener for start, opener in OPENERS.items() if magic.startswith(start)), _plain)
    with opener(source) as packed, target.open("wb") as unpacked:
        while chunk := packed.read(min(CHUNK, most + 1 - hasher.size)):
            unpacked.write(chunk)
            hasher.feed(chunk)


def _zstd(runner: Runner, source: Path, target: Path, most: int) -> None:
    """The standard library has no zstd before Python 3.14: its tool does it, under a file size limit."""
    argv = ["prlimit", f"--fsize={most + 1}", "zstd", "-d", "-q", "-f", "-o", str(target), str(source)]
    done = runner.run(argv, check=False)
    grown = target.stat().st_size if target.exists() else 0
    if done.status != 0 and grown <= most:
        raise EOFError(done.stderr.strip() or f"zstd ended with status {done.status}")


def _plain(source: Path) -> t.IO[bytes]:
    return source.open("rb")
