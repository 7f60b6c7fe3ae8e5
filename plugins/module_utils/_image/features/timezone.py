# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The time zone."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import EXISTS, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

LINK = "/etc/localtime"  # localtime(5)
ZONES = "/usr/share/zoneinfo"


@dataclass(frozen=True)
class TimezoneFeature(Feature, kind="timezone"):
    """The zone must be in the image, where tzdata has it."""

    name: str

    about: t.ClassVar = "The time zone, for which the package tzdata must be in the image."
    options: t.ClassVar = {
        "name": {
            "type": "string",
            "pattern": "^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*$",
            "description": "A name of the time zone database, like Europe/Dublin or UTC.",
        }
    }
    required: t.ClassVar = ("name",)

    def provides(self) -> Iterable[Item]:
        yield PathItem(LINK, FileType.SYMLINK, owner="root", group="root", target=self._target)

    def requires(self) -> Iterable[Requirement]:
        yield inside(LINK)
        yield Requirement(Key("path", f"{ZONES}/{self.name}"), EXISTS)

    def overrides(self) -> Iterable[Key]:
        yield Key("path", LINK)

    def apply(self, root: Root) -> None:
        root.link(LINK, self._target)

    @property
    def _target(self) -> str:
        return f"..{ZONES}/{self.name}"
