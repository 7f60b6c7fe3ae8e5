# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What was changed on a running image host: what neither the image nor the host's identity has."""

from __future__ import annotations

import os
import re
import stat
import typing as t
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths

# What every running system writes, from the root without its slash.
NOISE = re.compile(
    r"(?:dev|proc|run|sys|tmp|var|efi|boot)(?:/.*)?"
    r"|root/\.ansible(?:/.*)?"
    r"|etc/(?:\.updated|\.pwd\.lock|mtab|adjtime|ld\.so\.cache|resolv\.conf|locale\.conf)"
    r"|etc/udev/hwdb\.bin"
    r"|etc/(?:passwd|group|shadow|gshadow)-"
    r"|(?:.*/)?__pycache__(?:/.*)?"
)
SHADOW = "etc/shadow"


class Change(t.NamedTuple):
    """A path and what became of it."""

    path: str
    change: str


def drift(paths: ImagePaths) -> list[Change]:
    """All changes, sorted by path. What was written and is as it was is none."""
    if not paths.upper.is_dir():
        return []
    return sorted(_walk(paths, paths.upper, ""))


def _walk(paths: ImagePaths, directory: Path, prefix: str) -> Iterator[Change]:
    for entry in os.scandir(directory):
        name = f"{prefix}{entry.name}"
        if NOISE.fullmatch(name) or (paths.persistent / name).exists():
            continue
        lower = paths.lower / name
        info = entry.stat(follow_symlinks=False)
        if _is_whiteout(info):
            yield Change(f"/{name}", "removed")
        elif entry.is_dir(follow_symlinks=False):
            if not lower.is_dir() and not _of_identity(paths, name):
                yield Change(f"/{name}", "added")
            yield from _walk(paths, Path(entry.path), f"{name}/")
        elif not _meant(paths, name, Path(entry.path), lower):
            yield Change(f"/{name}", "changed" if os.path.lexists(lower) else "added")


def _meant(paths: ImagePaths, name: str, upper: Path, lower: Path) -> bool:
    """Whether a file is as the image or the identity has it."""
    if name == SHADOW:
        return _others(upper) == _others(lower)
    return _same(upper, lower) or _of_identity(paths, name, upper)


def _is_whiteout(info: os.stat_result) -> bool:
    """How an overlay marks what was removed (Linux: Documentation/filesystems/overlayfs.rst)."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def _of_identity(paths: ImagePaths, name: str, upper: Path | None = None) -> bool:
    """Whether the identity has it; of a file, whether it is that very one."""
    if not name.startswith("etc/"):
        return name == "etc"
    mine = paths.identity / name[len("etc/") :]
    return mine.is_dir() if upper is None else _same(upper, mine)


def _same(one: Path, other: Path) -> bool:
    """Whether both are the same file or symlink, with the same rights."""
    try:
        first, second = one.lstat(), other.lstat()
    except OSError:
        return False
    if (first.st_mode, first.st_uid, first.st_gid) != (second.st_mode, second.st_uid, second.st_gid):
        return False
    if stat.S_ISLNK(first.st_mode):
        return one.readlink() == other.readlink()
    if not stat.S_ISREG(first.st_mode):
        return True
    return first.st_size == second.st_size and one.read_bytes() == other.read_bytes()


def _others(shadow: Path) -> list[str]:
    """The users of a shadow file but root, whose password is of the host."""
    lines = shadow.read_text(encoding="utf-8", errors="replace").splitlines() if shadow.is_file() else []
    return sorted(line for line in lines if not line.startswith("root:"))
