# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What features provide and require: paths, users and groups; and labels, which are of the image itself."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from enum import Enum


class FileType(Enum):
    """What a path is. A mount is an empty directory that something is mounted on when the image runs."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    MOUNT = "mount"


class Key(t.NamedTuple):
    """An item's identity: no two different items of an image have the same."""

    kind: t.Literal["path", "user", "group", "label"]
    name: str

    def __str__(self) -> str:
        return self.name if self.kind == "path" else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class PathItem:
    """A path and what is there. None stands for "not known before the build", as of files in RPMs."""

    path: str
    type: FileType
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    target: str | None = None  # of a symlink

    @property
    def key(self) -> Key:
        """Its identity."""
        return Key("path", self.path)

    @property
    def executable(self) -> bool | None:
        """Whether anyone may execute it; None if that is not known."""
        return None if self.mode is None else bool(self.mode & 0o111)

    def agrees(self, other: PathItem) -> bool:
        """Whether both can be one: two directories (or mounts) whose known properties are equal."""
        if self.type is not other.type or self.type not in (FileType.DIRECTORY, FileType.MOUNT):
            return False
        pairs = ((self.mode, other.mode), (self.owner, other.owner), (self.group, other.group))
        return all(one is None or two is None or one == two for one, two in pairs)


@dataclass(frozen=True)
class UserItem:
    """A user of the image."""

    name: str

    @property
    def key(self) -> Key:
        """Its identity."""
        return Key("user", self.name)


@dataclass(frozen=True)
class GroupItem:
    """A group of the image."""

    name: str

    @property
    def key(self) -> Key:
        """Its identity."""
        return Key("group", self.name)


@dataclass(frozen=True)
class LabelItem:
    """What the image says of itself, outside of its file system."""

    name: str
    value: str

    @property
    def key(self) -> Key:
        """Its identity."""
        return Key("label", self.name)


Item = t.Union[PathItem, UserItem, GroupItem, LabelItem]
