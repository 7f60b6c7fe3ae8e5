# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Change a copy of one root into another, in place: what is alike stays the same inode."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifacts.tar import REPRODUCIBLE
from ansible_collections.osaas.fleet.plugins.module_utils._image.changes import Change, changes
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry

INODE = {"mode", "uid", "gid", "time", "attributes"}  # what can change without the content


def transform(image: Finished, copy: Path, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> None:
    """Make a copy of `old` what the image is, whose listing is `new`. Raises FleetError."""
    found = list(changes(old, new))
    for change in reversed(found):
        if change.kind == "removed" or _other_type(change, old, new):
            _remove(copy / change.path[1:])
    touched = [change for change in found if change.kind == "changed" and set(change.what) <= INODE]
    touched = [change for change in touched if not _other_type(change, old, new)]
    rest = {change.path for change in found if change.kind != "removed"} - {one.path for one in touched}
    _copy_over(image, copy, sorted(_with_links(image.root, rest, new)))
    # Directories last: what is put into one changes its time.
    changed = [change.path for change in touched]
    directories = sorted(_parents(change.path for change in found) & {"/", *new}, reverse=True)
    for path in (*changed, *directories):
        _take_over(image.root / path[1:], copy / path[1:])


def _other_type(change: Change, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> bool:
    if change.kind != "changed":
        return False
    return stat.S_IFMT(old[change.path].mode) != stat.S_IFMT(new[change.path].mode)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _with_links(root: Path, paths: set[str], new: Mapping[str, Entry]) -> set[str]:
    """The paths, and all other names in the root of these files."""
    names: dict[int, list[str]] = {}
    for path, entry in new.items():
        if stat.S_ISREG(entry.mode):
            names.setdefault(os.lstat(f"{root}{path}").st_ino, []).append(path)
    return paths.union(*(group for group in names.values() if len(group) > 1 and paths.intersection(group)))


def _copy_over(image: Finished, copy: Path, paths: Iterable[str]) -> None:
    """By an archive: files take the place of those that are there."""
    archive, names = copy.parent / "changes.tar", "".join(f".{path}\0" for path in paths)
    listed = ["--null", "--no-recursion", "--verbatim-files-from", "--files-from=-"]
    settings = ["--xattrs", "--xattrs-include=*", f"--file={archive}"]
    argv = ["tar", "--create", *REPRODUCIBLE, *settings, f"--directory={image.root}", *listed]
    image.run(argv, copy.parent, stdin=names)
    unpack = ["tar", "--extract", "--numeric-owner", "--same-owner", "--same-permissions", *settings]
    image.run([*unpack, f"--directory={copy}"], copy.parent)
    archive.unlink()


def _parents(paths: Iterable[str]) -> set[str]:
    return {str(parent) for path in paths for parent in Path(path).parents}


def _take_over(place: Path, copy: Path) -> None:
    """Owner, mode, attributes and time."""
    found = place.lstat()
    os.chown(copy, found.st_uid, found.st_gid, follow_symlinks=False)
    if not copy.is_symlink():
        copy.chmod(stat.S_IMODE(found.st_mode))  # after chown(2), which takes the set-id bits away
    for name in _lost(place, copy):
        os.removexattr(copy, name, follow_symlinks=False)
    for name in os.listxattr(place, follow_symlinks=False):
        os.setxattr(copy, name, os.getxattr(place, name, follow_symlinks=False), follow_symlinks=False)
    os.utime(copy, ns=(found.st_mtime_ns, found.st_mtime_ns), follow_symlinks=False)


def _lost(place: Path, copy: Path) -> Iterator[str]:
    yield from set(os.listxattr(copy, follow_symlinks=False)) - set(
        os.listxattr(place, follow_symlinks=False)
    )
