# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""File systems with the image in them, each made by the mkfs of its kind, without being mounted."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.workbench import Workbench

MIB = 1 << 20
INODE = 4096  # bytes that a file costs beside its content, at most, in ext4 and btrfs


def make_erofs(image: Finished, target: Path) -> None:
    """EROFS, compressed with LZ4; all its files have the image's time: mkfs.erofs(1), -T."""
    settings = [f"-T{image.epoch}", f"-U{image.uuid('erofs')}", "-zlz4hc"]
    image.run(["mkfs.erofs", "--quiet", *settings, str(target), str(image.root)], target.parent)


def make_ext4(
    bench: Workbench, target: Path, content: Path, free: int, *, label: str = "root", more: Sequence[str] = ()
) -> None:
    """ext4, with `free` MiB beside what `content` takes, and `more` options of mkfs.ext4(8).

    Ids and the seed of its hashes are the workbench's.
    """
    uuid = bench.uuid("ext4")
    extended = f"hash_seed={uuid},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard"
    settings = ["-q", "-F", "-L", label, "-m", "0", "-U", uuid, "-E", extended, *more, "-d", str(content)]
    bench.run(["mkfs.ext4", *settings, str(target), f"{_room(content) + free}M"], target.parent)


def make_btrfs(image: Finished, target: Path, free: int) -> None:
    """Btrfs, with `free` MiB beside what the image takes. mkfs.btrfs(8) makes ids up: no two are the same."""
    with target.open("xb") as stream:
        stream.truncate((_room(image.root) + free + BTRFS_LEAST) * MIB)
    settings = ["--quiet", "--label", "root", "--uuid", image.uuid("btrfs"), "--rootdir", str(image.root)]
    image.run(["mkfs.btrfs", *settings, str(target)], target.parent)


BTRFS_LEAST = 128  # MiB that Btrfs has for itself


def _room(root: Path) -> int:
    """MiB that a root takes in a file system, with something to spare for its tables."""
    total = 0
    for directory, directories, files in os.walk(root):
        for name in (*directories, *files):
            found = os.lstat(f"{directory}/{name}")
            total += INODE + (found.st_size if stat.S_ISREG(found.st_mode) else 0)
    return total * 11 // 10 // MIB + 32
