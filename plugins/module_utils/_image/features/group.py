# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A group."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import GroupItem, Item
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import NAME
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root


@dataclass(frozen=True)
class GroupFeature(Feature, kind="group"):
    """Its number comes from the definition's `ids`."""

    name: str

    about: t.ClassVar = "A group; its number stands in `ids`."
    options: t.ClassVar = {"name": NAME}
    required: t.ClassVar = ("name",)

    def provides(self) -> Iterable[Item]:
        yield GroupItem(self.name)

    def apply(self, root: Root) -> None:
        number = root.ids.groups[self.name]
        root.add_line("/etc/group", f"{self.name}:x:{number}:", mode=0o644)
        root.add_line("/etc/gshadow", f"{self.name}:!*::", mode=0o000)
