# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An assertion about the image."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Key
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import NAME, PATH
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import IS_FILE, Requirement


@dataclass(frozen=True)
class RequiresFeature(Feature, kind="requires"):
    """Makes nothing: says what must be there, where no other feature would say it."""

    files: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    about: t.ClassVar = "Files, users and groups that must be in the image; it makes none of them."
    options: t.ClassVar = {
        "files": {"type": "array", "items": PATH},
        "users": {"type": "array", "items": NAME},
        "groups": {"type": "array", "items": NAME},
    }

    def requires(self) -> Iterable[Requirement]:
        for file in self.files:
            yield Requirement(Key("path", file), IS_FILE, ordered=False)
        for user in self.users:
            yield Requirement(Key("user", user), ordered=False)
        for group in self.groups:
            yield Requirement(Key("group", group), ordered=False)
