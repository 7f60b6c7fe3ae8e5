# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A second name of a file."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH, at, inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root


@dataclass(frozen=True)
class HardlinkFeature(Feature, kind="hardlink"):
    """Both names are one file, with one mode and owner."""

    path: str
    target: str

    about: t.ClassVar = "A second name of a file of the image."
    options: t.ClassVar = {"path": PATH, "target": PATH}
    required: t.ClassVar = ("path", "target")

    def provides(self) -> Iterable[Item]:
        yield PathItem(self.path, FileType.FILE)

    def requires(self) -> Iterable[Requirement]:
        yield inside(self.path)
        yield at(self.target, FileType.FILE)

    def apply(self, root: Root) -> None:
        root.hardlink(self.path, self.target)
