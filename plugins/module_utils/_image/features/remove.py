# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The removal of a path."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature, Phase
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Key
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import EXISTS, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root


@dataclass(frozen=True)
class RemoveFeature(Feature, kind="remove"):
    """Takes away what packages or the parent brought, with all below it."""

    path: str
    if_present: bool = False

    phase: t.ClassVar = Phase.REMOVALS
    about: t.ClassVar = "Removes a path of a package or of the parent, with all below it."
    options: t.ClassVar = {
        "path": PATH,
        "if_present": {
            "type": "boolean",
            "default": False,
            "description": "Whether it is fine if there is no such path.",
        },
    }
    required: t.ClassVar = ("path",)

    def requires(self) -> Iterable[Requirement]:
        if not self.if_present:
            yield Requirement(Key("path", self.path), EXISTS)

    def removes(self) -> Iterable[Key]:
        yield Key("path", self.path)

    def apply(self, root: Root) -> None:
        root.remove(self.path)
