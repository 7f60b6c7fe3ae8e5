# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A file or directory of another image."""

from __future__ import annotations

import os
import shutil
import stat
import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.context import Context
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import IMAGE, PATH, inside, owned_by
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root, entries
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import Known, World, below


@dataclass(frozen=True)
class CloneFeature(Feature, kind="clone"):
    """Numbers of users and groups may differ between the images: who owns what is the same by name."""

    image: str
    source: str
    path: str
    found: tuple[PathItem, ...] = ()

    about: t.ClassVar = (
        "A file or directory of another image, with all below it; owners and groups are the same by name."
    )
    options: t.ClassVar = {
        "image": {**IMAGE, "description": "The other image, defined in the same directory."},
        "source": {**PATH, "description": "The path in the other image."},
        "path": {**PATH, "description": "The path in this image."},
    }
    required: t.ClassVar = ("image", "source", "path")

    def images(self) -> Iterable[str]:
        yield self.image

    def within(self, context: Context) -> Feature:
        if self.image not in context.images:
            return self
        world = World(Known(item, self.image) for item in context.images[self.image])
        top = world.canonical(Key("path", self.source)).name
        found = tuple(
            replace(known.item, path=f"{self.path}{known.item.path[len(top) :]}")
            for known in world.items()
            if isinstance(known.item, PathItem) and (known.item.path == top or below(known.item.path, top))
        )
        if not found:
            what = f"the image {self.image} has no {self.source}"
            raise InputError(
                what, where=str(self.place), way_out="Name a path that a feature or package provides"
            )
        return replace(self, found=found)

    def told(self) -> Mapping[str, t.Any]:
        return {name: value for name, value in super().told().items() if name != "found"}

    def provides(self) -> Iterable[Item]:
        return self.found

    def requires(self) -> Iterable[Requirement]:
        yield inside(self.path)
        for owner, group in sorted({(item.owner or "root", item.group or "root") for item in self.found}):
            yield from owned_by(owner, group)

    def apply(self, root: Root) -> None:
        other = replace(root, sandbox=replace(root.sandbox, root=root.images[self.image]))
        source, target = other.place(self.source), root.place(self.path)
        names = {database: _names(other, database) for database in ("passwd", "group")}
        copies: dict[int, Path] = {}
        for path in _paths(source):
            found, copy = path.lstat(), target / path.relative_to(source)
            owner, group = names["passwd"].get(found.st_uid), names["group"].get(found.st_gid)
            if owner is None or group is None:
                what = (
                    f"{path.relative_to(source)} of the image {self.image} has an owner without a name there"
                )
                raise InputError(what, where=str(self.place))
            if found.st_nlink > 1 and stat.S_ISREG(found.st_mode) and found.st_ino in copies:
                os.link(copies[found.st_ino], copy)
                continue
            _copy(path, copy, found)
            numbers = root.number("passwd", owner), root.number("group", group)
            os.chown(copy, *numbers, follow_symlinks=False)
            if not copy.is_symlink():
                copy.chmod(stat.S_IMODE(found.st_mode))
                _copy_attributes(path, copy)  # after chown(2), which takes capabilities away
            copies[found.st_ino] = copy


def _names(root: Root, database: str) -> dict[int, str]:
    return {0: "root", **{number: name for name, number in entries(root.read(f"/etc/{database}"))}}


def _paths(top: Path) -> Iterator[Path]:
    yield top
    if top.is_dir() and not top.is_symlink():
        yield from sorted(top.rglob("*"))


def _copy(path: Path, copy: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        copy.mkdir(exist_ok=True)
    elif stat.S_ISLNK(found.st_mode):
        copy.symlink_to(path.readlink())
    elif stat.S_ISREG(found.st_mode):
        shutil.copyfile(path, copy)
        os.utime(copy, ns=(found.st_mtime_ns, found.st_mtime_ns))
    else:
        raise InputError("is no file, directory or symbolic link: it cannot be cloned", where=str(path))


def _copy_attributes(path: Path, copy: Path) -> None:
    for name in os.listxattr(path):
        os.setxattr(copy, name, os.getxattr(path, name))
