# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A directory."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import (
    OWNERSHIP,
    PATH,
    inside,
    owned_by,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root


@dataclass(frozen=True)
class DirectoryFeature(Feature, kind="directory"):
    """Several features may declare one directory, if they agree about it."""

    path: str
    mode: str = "0755"
    owner: str = "root"
    group: str = "root"

    about: t.ClassVar = "A directory; the one around it must be there."
    options: t.ClassVar = {"path": PATH, **OWNERSHIP}
    required: t.ClassVar = ("path",)

    def provides(self) -> Iterable[Item]:
        yield PathItem(self.path, FileType.DIRECTORY, int(self.mode, 8), self.owner, self.group)

    def requires(self) -> Iterable[Requirement]:
        yield inside(self.path)
        yield from owned_by(self.owner, self.group)

    def apply(self, root: Root) -> None:
        root.make_directory(self.path, int(self.mode, 8), self.owner, self.group)
