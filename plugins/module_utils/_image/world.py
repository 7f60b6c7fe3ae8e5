# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Everything that is, or will be, in an image: items by key, with who provides them."""

from __future__ import annotations

import posixpath
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import (
    FileType,
    GroupItem,
    Item,
    Key,
    PathItem,
    UserItem,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.links import resolve

Provider = t.Union[Feature, str]  # a feature of this image; or the package or parent that brought the item


@dataclass(frozen=True)
class Known:
    """An item that is there before any feature of this image: of the parent, or of a package."""

    item: Item
    provider: str


ROOT = (
    Known(PathItem("/", FileType.DIRECTORY, 0o755, "root", "root"), "every image"),
    Known(UserItem("root"), "every image"),
    Known(GroupItem("root"), "every image"),
)


class World:
    """Items by key. Paths are kept as they are after symbolic links to directories have been followed."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._items: dict[Key, tuple[Item, Provider]] = {}
        self._directories: dict[str, str] = {}  # where each leads to, as long as nothing changes
        found = (*ROOT, *known)
        for one in found:
            if isinstance(one.item, PathItem) and one.item.type is FileType.SYMLINK:
                self._items[one.item.key] = (one.item, one.provider)
        for one in found:
            self._items[self.canonical(one.item.key)] = (one.item, one.provider)

    def canonical(self, key: Key) -> Key:
        """The key with all but the last part of its path resolved; so "/bin/sh" is "/usr/bin/sh"."""
        if key.kind != "path" or key.name == "/":
            return key
        directory, _slash, name = key.name.rpartition("/")
        where = self._directories.get(directory)
        if where is None:
            where = self._directories[directory] = self._resolve(directory or "/")
        return Key("path", posixpath.join(where, name))

    def find(self, key: Key, *, follow: bool = True) -> tuple[Item, Provider] | None:
        """The item at a key, behind all symbolic links if `follow`; and who provides it."""
        key = self.canonical(key)
        if follow and key.kind == "path":
            key = Key("path", self._resolve(key.name))
        return self._items.get(key)

    def add(self, item: Item, provider: Provider) -> None:
        """Put an item in; what was at its key is gone."""
        self._items[self.canonical(item.key)] = (item, provider)
        self._directories.clear()

    def remove(self, key: Key) -> None:
        """Take a path out, with all below it."""
        name = self.canonical(key).name
        gone = [
            one for one in self._items if one.kind == "path" and (one.name == name or below(one.name, name))
        ]
        for one in gone:
            del self._items[one]
        self._directories.clear()

    def items(self) -> tuple[Known, ...]:
        """All items."""
        return tuple(Known(item, str(provider)) for item, provider in self._items.values())

    def paths(self) -> list[str]:
        """All paths."""
        return [key.name for key in self._items if key.kind == "path"]

    def _resolve(self, path: str) -> str:
        """Follow every symbolic link of an absolute path that is known."""
        return resolve(path, self._target)

    def _target(self, path: str) -> str | None:
        item = self._items.get(Key("path", path), (None, None))[0]
        return item.target if isinstance(item, PathItem) else None


def below(path: str, directory: str) -> bool:
    """Whether `path` is in `directory` or deeper."""
    return path.startswith("/" if directory == "/" else f"{directory}/") and path != directory
