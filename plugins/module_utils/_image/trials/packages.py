# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Packages that must be in the image, or must not."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial

NAMES: t.Final = {"type": "array", "items": TEXT, "uniqueItems": True}


@dataclass(frozen=True)
class PackagesTrial(Trial, kind="packages"):
    """Tells apart what was asked for and what came along."""

    installed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    about: t.ClassVar = "Names of packages that must be in the image, or must not."
    options: t.ClassVar = {
        "installed": {**NAMES, "description": "Packages that must be there, by name."},
        "missing": {**NAMES, "description": "Packages that must not be there, by name."},
    }

    def faults(self, subject: Subject) -> Iterator[str]:
        names = {parse_nevra(package, where=package).name for package in subject.packages}
        for name in self.installed:
            if name not in names:
                yield f"the package {name} is missing"
        for name in self.missing:
            if name in names:
                yield f"the package {name} is there"
