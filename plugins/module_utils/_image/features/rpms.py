# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Packages. All features of this kind in an image are one transaction."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import (
    Feature,
    Packages,
    Phase,
    Schema,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import IS_DIRECTORY, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

MODULES = "/etc/dnf/modules.d"
STATE = "[{name}]\nname={name}\nstream={stream}\nprofiles=\nstate=enabled\n"
SUBJECTS: t.Final[Schema] = {"type": "array", "items": TEXT, "uniqueItems": True}


@dataclass(frozen=True)
class RpmsFeature(Feature, kind="rpms"):
    """What each package brings is known from the plan, not from here."""

    install: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    remove_if_present: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
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
        "modules": {
            "type": "array",
            "items": {
                "type": "string",
                "pattern": "^[A-Za-z0-9._+-]+:[A-Za-z0-9._+-]+$",
                "description": "A module and its stream, like nodejs:20.",
            },
            "uniqueItems": True,
            "description": "Module streams that packages come from, in place of the default ones; those of"
            " images upon this one, too.",
        },
        "weak_dependencies": {
            "type": "boolean",
            "default": False,
            "description": "Whether what packages recommend comes along; of all that the image installs.",
        },
    }

    def provides(self) -> Iterable[Item]:
        for directory in ("/etc/dnf", MODULES) if self.modules else ():
            yield PathItem(directory, FileType.DIRECTORY)
        for path in self._files():
            yield PathItem(path, FileType.FILE, 0o644, "root", "root")

    def requires(self) -> Iterable[Requirement]:
        if self.modules:
            yield Requirement(Key("path", "/etc"), IS_DIRECTORY)

    def overrides(self) -> Iterable[Key]:
        return [Key("path", path) for path in self._files()]

    def apply(self, root: Root) -> None:
        for directory in ("/etc/dnf", MODULES) if self.modules else ():
            root.ensure_directory(directory)
        for path, text in self._files().items():
            root.write(path, text.encode(), 0o644, "root", "root")

    def _files(self) -> dict[str, str]:
        """What dnf of the image is to know of its streams: dnf.modularity(7)."""
        streams = (wanted.split(":") for wanted in self.modules)
        return {
            f"{MODULES}/{name}.module": STATE.format(name=name, stream=stream) for name, stream in streams
        }

    def packages(self) -> Packages:
        return Packages(
            install=self.install,
            upgrade=self.upgrade,
            remove=self.remove,
            remove_if_present=self.remove_if_present,
            modules=self.modules,
            weak_dependencies=self.weak_dependencies,
        )
