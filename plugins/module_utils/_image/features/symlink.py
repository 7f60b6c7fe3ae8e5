# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A symbolic link."""

from __future__ import annotations

import posixpath
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH, TEXT, inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import EXISTS, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

ELSEWHERE = ("/dev", "/proc", "/run", "/sys")  # made when the image runs


@dataclass(frozen=True)
class SymlinkFeature(Feature, kind="symlink"):
    """What it points to must be in the image, unless it is made when the image runs, or `dangling` is set."""

    path: str
    target: str
    dangling: bool = False

    about: t.ClassVar = "A symbolic link."
    options: t.ClassVar = {
        "path": PATH,
        "target": {**TEXT, "description": "Where it points to; relative to the directory of the link."},
        "dangling": {
            "type": "boolean",
            "default": False,
            "description": "Whether it may point to nothing.",
        },
    }
    required: t.ClassVar = ("path", "target")

    def provides(self) -> Iterable[Item]:
        yield PathItem(self.path, FileType.SYMLINK, owner="root", group="root", target=self.target)

    def requires(self) -> Iterable[Requirement]:
        yield inside(self.path)
        pointed = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), self.target))
        if not self.dangling and not _below(pointed, ELSEWHERE):
            yield Requirement(Key("path", pointed), EXISTS, ordered=False)

    def apply(self, root: Root) -> None:
        root.link(self.path, self.target)


def _below(path: str, directories: Iterable[str]) -> bool:
    return any(path == directory or path.startswith(f"{directory}/") for directory in directories)
