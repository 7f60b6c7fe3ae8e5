# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A mount point."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH, inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root


@dataclass(frozen=True)
class MountFeature(Feature, kind="mount"):
    """Nothing else of the image may be below it: it would be hidden when the image runs."""

    path: str

    about: t.ClassVar = "A mount point: an empty directory. A unit of yours says what is mounted there."
    options: t.ClassVar = {"path": PATH}
    required: t.ClassVar = ("path",)

    def provides(self) -> Iterable[Item]:
        yield PathItem(self.path, FileType.MOUNT, 0o755, "root", "root")

    def requires(self) -> Iterable[Requirement]:
        yield inside(self.path)

    def apply(self, root: Root) -> None:
        root.make_directory(self.path, 0o755, "root", "root")
