# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The language of messages, and how text is encoded."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import EXISTS, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

FILE = "/etc/locale.conf"  # locale.conf(5)
LOCALES = "/usr/lib/locale"
BUILT_IN = ("C", "POSIX", "C.UTF-8")  # what every C library has


@dataclass(frozen=True)
class LocaleFeature(Feature, kind="locale"):
    """A locale that the C library does not have itself comes in a package of its language."""

    name: str

    about: t.ClassVar = "The locale, in /etc/locale.conf; its language pack must be in the image."
    options: t.ClassVar = {
        "name": {
            "type": "string",
            "pattern": r"^(C|POSIX|C\.UTF-8|[a-z]{2,3}_[A-Z]{2}\.UTF-8)$",
            "description": "A locale like en_IE.UTF-8 or C.UTF-8.",
        }
    }
    required: t.ClassVar = ("name",)

    def provides(self) -> Iterable[Item]:
        yield PathItem(FILE, FileType.FILE, 0o644, "root", "root")

    def requires(self) -> Iterable[Requirement]:
        yield inside(FILE)
        if self.name not in BUILT_IN:
            directory = self.name.replace("UTF-8", "utf8")
            yield Requirement(Key("path", f"{LOCALES}/{directory}"), EXISTS, ordered=False)

    def overrides(self) -> Iterable[Key]:
        yield Key("path", FILE)

    def apply(self, root: Root) -> None:
        root.write(FILE, f"LANG={self.name}\n".encode(), 0o644, "root", "root")
