# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What the image says of itself."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Item, Key, LabelItem


@dataclass(frozen=True)
class LabelFeature(Feature, kind="label"):
    """It stands in manifests and in artifacts that have labels; nothing of it is in the file system."""

    name: str
    value: str

    about: t.ClassVar = "A label, for those who deploy the image; that of a child counts, not its parent's."
    options: t.ClassVar = {
        "name": {
            "type": "string",
            "pattern": r"^[a-z0-9]+([._-][a-z0-9]+)*$",
            "description": "A name like org.opencontainers.image.title.",
        },
        "value": {"type": "string"},
    }
    required: t.ClassVar = ("name", "value")

    def provides(self) -> Iterable[Item]:
        yield LabelItem(self.name, self.value)

    def overrides(self) -> Iterable[Key]:
        yield Key("label", self.name)
