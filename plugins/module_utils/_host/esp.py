# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The ESP: entries and what they load. FAT knows no rights and no links, and loses what was not flushed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory
from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry, parse_entry
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths

_CHUNK = 1 << 20


def read_entries(paths: ImagePaths) -> tuple[BootEntry, ...]:
    """All entries, whoever made them. Raises HostError if the ESP is not there."""
    if not paths.entries.is_dir():
        raise HostError(
            "no boot entries are there",
            where=str(paths.entries),
            way_out="Is this an image host, and is its ESP mounted?",
        )
    found = []
    for path in sorted(paths.entries.glob("*.conf")):
        found.append(parse_entry(path.name, path.read_text(encoding="utf-8", errors="replace")))
    return tuple(found)


@contextlib.contextmanager
def writable(paths: ImagePaths) -> Iterator[None]:
    """Work that writes to the ESP and to the data partition.

    Raises HostError if one of them is read-only, or was made so by Linux meanwhile.
    """
    _check_writable(paths)
    try:
        yield
    except (OSError, HostError):
        _check_writable(paths)  # if it is the reason, it says more
        raise


def _check_writable(paths: ImagePaths) -> None:
    for place, program in ((paths.esp, "fsck.vfat -a"), (paths.data, "fsck.ext4 -p")):
        if place.is_dir() and os.statvfs(place).f_flag & os.ST_RDONLY:
            raise HostError(
                "is mounted read-only, as Linux does with a file system that it finds damaged",
                where=str(place),
                way_out=f"Unmount it, repair it ({program}), mount it again, and run this again",
            )


def write_file(path: Path, content: bytes) -> None:
    """Put a file there in one step, flushed, read back. Raises HostError if it is not what was written."""
    with _beside(path) as half:
        with half.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _read_back(half, hashlib.sha256(content).hexdigest())
        half.replace(path)
        _settle(path)


def copy_file(source: Path, path: Path, sha256: str) -> None:
    """Put a copy of a file there, likewise."""
    with _beside(path) as half:
        with source.open("rb") as reader, half.open("wb") as writer:
            shutil.copyfileobj(reader, writer, _CHUNK)
            writer.flush()
            os.fsync(writer.fileno())
        _read_back(half, sha256)
        half.replace(path)
        _settle(path)


def file_digest(path: Path) -> str:
    """Its SHA-256, of what is on the disk and not in the cache where the kernel lets go of it."""
    total = hashlib.sha256()
    with path.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            total.update(chunk)
    return total.hexdigest()


def write_entry(paths: ImagePaths, entry: BootEntry) -> None:
    """Put an entry there: before, the loader does not see it; after, it is whole."""
    write_file(paths.entries / entry.file_name, entry.text().encode())


def rename_entry(paths: ImagePaths, entry: BootEntry, new: BootEntry) -> None:
    """Give an entry other counters."""
    (paths.entries / entry.file_name).replace(paths.entries / new.file_name)
    _settle(paths.entries / new.file_name)


def remove_entry(paths: ImagePaths, entry: BootEntry) -> None:
    """Take an entry away."""
    (paths.entries / entry.file_name).unlink(missing_ok=True)
    sync_directory(paths.entries)


def free_bytes(directory: Path) -> int:
    """What is left in the file system of a directory."""
    stats = os.statvfs(directory)
    return stats.f_bavail * stats.f_frsize


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name beside `path` that the loader passes over; gone in the end, if nothing became of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.new")
    try:
        yield half
    finally:
        half.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Make a rename durable.

    FAT keeps length and place of a file beside its name, and Linux writes them with the file: fsync(2) of the
    directory alone leaves a file of no bytes under the new name.
    """
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    sync_directory(path.parent)


def _read_back(path: Path, sha256: str) -> None:
    if file_digest(path) != sha256:
        raise HostError(
            "reads back otherwise than it was written", where=str(path), way_out="Replace the disk"
        )
