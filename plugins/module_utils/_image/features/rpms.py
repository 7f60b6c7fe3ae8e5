# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Packages. All features of this kind in an image are one transaction."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import (
    Feature,
    Packages,
    Phase,
    Schema,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import TEXT

SUBJECTS: t.Final[Schema] = {"type": "array", "items": TEXT, "uniqueItems": True}


@dataclass(frozen=True)
class RpmsFeature(Feature, kind="rpms"):
    """What each package brings is known from the plan, not from here."""

    install: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    remove_if_present: tuple[str, ...] = ()
    weak_dependencies: bool = False

    phase: t.ClassVar = Phase.PACKAGES
    about: t.ClassVar = "Packages, by name, name and version, or a file or capability that they provide."
    options: t.ClassVar = {
        "install": {**SUBJECTS, "description": "Packages that must be in the image."},
        "upgrade": {
            **SUBJECTS,
            "description": "Packages that must be there in the newest version of the snapshot.",
        },
        "remove": {**SUBJECTS, "description": "Packages of the parent that must go."},
        "remove_if_present": {**SUBJECTS, "description": "Packages that go if the parent has them."},
        "weak_dependencies": {
            "type": "boolean",
            "default": False,
            "description": "Whether what packages recommend comes along; of all that the image installs.",
        },
    }

    def packages(self) -> Packages:
        return Packages(
            install=self.install,
            upgrade=self.upgrade,
            remove=self.remove,
            remove_if_present=self.remove_if_present,
            weak_dependencies=self.weak_dependencies,
        )
