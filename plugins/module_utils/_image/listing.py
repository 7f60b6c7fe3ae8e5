# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What is in a root, path by path: to compare two of them, and to give one a digest."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


class Entry(t.NamedTuple):
    """A path. `content` is the sha256 of a file, the target of a link, the number of a device; else empty.

    `attributes` are the extended ones, as name=hex. `time` is that of the last change, in seconds since 1970.
    """

    path: str
    mode: int
    uid: int
    gid: int
    time: int
    size: int
    content: str
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Base:
    """The layer below. A file that it shares, as one inode, was read when that was built."""

    root: Path
    entries: Mapping[str, Entry]

    def content(self, path: str, found: os.stat_result) -> str | None:
        """The content of this file, if it is the same inode."""
        entry = self.entries.get(path)
        if entry is None:
            return None
        ours = os.lstat(f"{self.root}{path}")
        return entry.content if (ours.st_dev, ours.st_ino) == (found.st_dev, found.st_ino) else None


def listing(root: Path, base: Base | None = None) -> Iterator[Entry]:
    """Every path below `root`, sorted."""
    for path in sorted(_paths(root)):
        place = f"{root}{path}"
        found = os.lstat(place)
        numbers = (found.st_mode, found.st_uid, found.st_gid, int(found.st_mtime))
        size = found.st_size if stat.S_ISREG(found.st_mode) else 0  # that of a directory is its file system's
        content = base.content(path, found) if base and stat.S_ISREG(found.st_mode) else None
        yield Entry(path, *numbers, size, content or _content(place, found), _attributes(place))


@dataclass(frozen=True)
class Summary:
    """A listing in short. `digest`, a sha256, is equal for roots that no one can tell apart."""

    digest: str
    files: int
    bytes: int


def summarise(entries: Iterable[Entry]) -> Summary:
    """Count and digest a listing."""
    digest, files, size = hashlib.sha256(), 0, 0
    for entry in entries:
        digest.update(repr(tuple(entry)).encode())
        if stat.S_ISREG(entry.mode):
            files, size = files + 1, size + entry.size
    return Summary(digest.hexdigest(), files, size)


def write_listing(path: Path, entries: Iterable[Entry]) -> None:
    """One line of JSON for each entry."""
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")


def read_listing(path: Path) -> dict[str, Entry]:
    """The inverse, by path."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {row[0]: Entry._make([*row[:-1], tuple(row[-1])]) for row in rows}


def _paths(root: Path) -> Iterator[str]:
    for directory, directories, files in os.walk(root):
        below = directory[len(str(root)) :]
        for name in (*directories, *files):
            yield f"{below}/{name}"


def _attributes(place: str) -> tuple[str, ...]:
    names = sorted(os.listxattr(place, follow_symlinks=False))
    return tuple(f"{name}={os.getxattr(place, name, follow_symlinks=False).hex()}" for name in names)


def _content(place: str, found: os.stat_result) -> str:
    if stat.S_ISLNK(found.st_mode):
        return os.readlink(place)  # noqa: PTH115  # as below
    if stat.S_ISREG(found.st_mode):
        with open(place, "rb") as stream:  # noqa: PTH123  # a Path costs as much as a small file's hash
            return _sha256(stream)
    return str(found.st_rdev) if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode) else ""


def _sha256(stream: t.BinaryIO) -> str:
    sha256 = hashlib.sha256()
    while chunk := stream.read(1 << 20):
        sha256.update(chunk)
    return sha256.hexdigest()
