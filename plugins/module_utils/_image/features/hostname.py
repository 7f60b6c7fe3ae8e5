# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What hosts of the image are called until they are told otherwise."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

FILE = "/etc/hostname"


@dataclass(frozen=True)
class HostnameFeature(Feature, kind="hostname"):
    """Without this feature the name is what DHCP or provisioning says."""

    name: str

    about: t.ClassVar = "The name of hosts of the image, in /etc/hostname."
    options: t.ClassVar = {
        "name": {
            "type": "string",
            "pattern": r"^(?=.{1,64}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
            "description": "A name of lower-case letters, digits, '-' and '.', 64 characters at most.",
        }
    }
    required: t.ClassVar = ("name",)

    def provides(self) -> Iterable[Item]:
        yield PathItem(FILE, FileType.FILE, 0o644, "root", "root")

    def requires(self) -> Iterable[Requirement]:
        yield inside(FILE)

    def overrides(self) -> Iterable[Key]:
        yield Key("path", FILE)

    def apply(self, root: Root) -> None:
        root.write(FILE, f"{self.name}\n".encode(), 0o644, "root", "root")
