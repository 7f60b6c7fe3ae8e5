# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Read every object of a store again, in threads: hashing and reading both let go of Python's lock."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import CHUNK
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import (
    DAMAGED,
    FOREIGN,
    MODE,
    Fault,
)

NAME = re.compile(r"[0-9a-f]{64}")
READ_ONLY = 0o444
THREADS = max(4, os.cpu_count() or 1)  # a disk that has to be waited for has more than one queue
TELL_SECONDS = 30


@dataclass
class Objects:
    """What the objects came to.

    `good` are inodes, for trees have other links to them; `bad` maps inodes to the sha256 that names them.
    `unneeded` counts the good ones that no tree has, `unneeded_bytes` their size.
    """

    good: set[int] = field(default_factory=set)
    bad: dict[int, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    unneeded: int = 0
    unneeded_bytes: int = 0

    def add(self, other: Objects) -> None:
        """Take in what another part of the objects came to."""
        self.good |= other.good
        self.bad.update(other.bad)
        self.faults += other.faults
        self.files += other.files
        self.bytes += other.bytes
        self.unneeded += other.unneeded
        self.unneeded_bytes += other.unneeded_bytes


def read_objects(store: Store, tell: Callable[[str], None]) -> Objects:
    """Read them all; `tell` gets a line for a person now and then. Memory: one inode number per object."""
    whole, told = Objects(), time.monotonic()
    directories = sorted(store.root.glob("objects/sha256/*"))
    with ThreadPoolExecutor(THREADS) as pool:
        for number, part in enumerate(pool.map(_read_directory, directories), 1):
            whole.add(part)
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                tell(
                    f"{store.root}: {number} of {len(directories)} directories of objects read,"
                    f" {whole.bytes >> 20} MiB, {len(whole.bad)} files damaged"
                )
    return whole


def file_sha256(path: Path) -> str:
    """Of the whole file, hex."""
    hasher = hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def _read_directory(directory: Path) -> Objects:
    part = Objects()
    for entry in sorted(os.scandir(directory), key=lambda one: one.name):
        path = f"objects/sha256/{directory.name}/{entry.name}"
        try:
            status = entry.stat(follow_symlinks=False)
            if not _is_object(entry.name, directory.name, status):
                part.faults.append(Fault(FOREIGN, path, "no object has this place", status.st_size))
                continue
            why = _damage(entry)
        except FileNotFoundError:  # a prune was faster
            continue
        part.files += 1
        part.bytes += status.st_size
        if why:
            file = RemoteFile("", "sha256", entry.name, status.st_size)
            part.bad[status.st_ino] = entry.name
            part.faults.append(Fault(DAMAGED, path, why, status.st_size, file=file))
            continue
        part.good.add(status.st_ino)
        if stat.S_IMODE(status.st_mode) != READ_ONLY:
            mode = f"its mode is {stat.S_IMODE(status.st_mode):04o}, not {READ_ONLY:04o}"
            part.faults.append(Fault(MODE, path, mode, status.st_size))
        if status.st_nlink == 1:
            part.unneeded += 1
            part.unneeded_bytes += status.st_size
    return part


def _is_object(name: str, directory: str, status: os.stat_result) -> bool:
    return bool(NAME.fullmatch(name)) and name[:2] == directory and stat.S_ISREG(status.st_mode)


def _damage(entry: os.DirEntry[str]) -> str:
    """What is wrong with the bytes of an object, or ""."""
    try:
        digest = file_sha256(Path(entry.path))
    except FileNotFoundError:
        raise
    except OSError as error:  # the disk itself has lost it
        return f"it cannot be read: {os.strerror(error.errno or 0).lower()}"
    return "" if digest == entry.name else f"its sha256 is {digest}"
