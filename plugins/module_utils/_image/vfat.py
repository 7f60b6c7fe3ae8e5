# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A FAT file system, which firmware can read: written file by file, without being mounted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ansible_collections.osaas.fleet.plugins.module_utils._image.workbench import Workbench

KIB = 1024


def make_vfat(bench: Workbench, target: Path, size: int, files: Mapping[str, Path]) -> None:
    """FAT32 of `size` MiB with these files, by path. Raises CommandError if they do not fit."""
    volume = bench.uuid("vfat")[:8]
    settings = ["--invariant", "-F", "32", "-S", "512", "-n", "ESP", "-i", volume, "-C"]
    bench.run(["mkfs.vfat", *settings, str(target), str(size * KIB)], target.parent)
    directories = {parent for path in files for parent in PurePosixPath(path).parents}
    made = [f"::/{directory}" for directory in sorted(directories) if directory != PurePosixPath()]
    bench.run(["mmd", "-i", str(target), *made], target.parent)
    for path, source in sorted(files.items()):
        bench.run(["mcopy", "-m", "-i", str(target), str(source), f"::/{path}"], target.parent)


def write_text(path: Path, text: str, epoch: int) -> Path:
    """A file to be put in, which has the image's time."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (epoch, epoch))
    return path
