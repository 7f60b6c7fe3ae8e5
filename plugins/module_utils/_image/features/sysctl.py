# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Settings of the kernel."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import TEXT, inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

DIRECTORY = "/usr/lib/sysctl.d"  # sysctl.d(5); /etc/sysctl.d of a host has the last word


@dataclass(frozen=True)
class SysctlFeature(Feature, kind="sysctl"):
    """A file of its own, so that several features can have settings."""

    name: str
    settings: tuple[tuple[str, str], ...]

    about: t.ClassVar = "Settings of the kernel, set when the image boots."
    options: t.ClassVar = {
        "name": {
            "type": "string",
            "pattern": "^[0-9]{2}-[A-Za-z0-9_-]+$",
            "description": "The file without .conf; of two that set one thing the last counts. Like 60-web.",
        },
        "settings": {
            "type": "object",
            "propertyNames": {"pattern": "^-?[a-z][A-Za-z0-9_*./-]+$"},
            "additionalProperties": {**TEXT, "pattern": r"^[^\n]+$", "description": "A value, in quotes."},
            "minProperties": 1,
        },
    }
    required: t.ClassVar = ("name", "settings")

    def provides(self) -> Iterable[Item]:
        yield PathItem(DIRECTORY, FileType.DIRECTORY)
        yield PathItem(self._path, FileType.FILE, 0o644, "root", "root")

    def requires(self) -> Iterable[Requirement]:
        yield inside(DIRECTORY)

    def apply(self, root: Root) -> None:
        text = "".join(f"{name} = {value}\n" for name, value in self.settings)
        root.ensure_directory(DIRECTORY)
        root.write(self._path, text.encode(), 0o644, "root", "root")

    @property
    def _path(self) -> str:
        return f"{DIRECTORY}/{self.name}.conf"
