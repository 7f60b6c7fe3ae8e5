# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A user."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Item, Key, UserItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import NAME, PATH
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import (
    IS_DIRECTORY,
    Executable,
    Requirement,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root


@dataclass(frozen=True)
class UserFeature(Feature, kind="user"):
    """Its number comes from the definition's `ids`: no number is ever chosen by the builder."""

    name: str
    group: str
    home: str = "/"
    shell: str = "/usr/sbin/nologin"
    groups: tuple[str, ...] = ()
    comment: str = ""

    about: t.ClassVar = "A user; its number stands in `ids`, its password is locked."
    options: t.ClassVar = {
        "name": NAME,
        "group": {**NAME, "description": "Its primary group."},
        "home": {"anyOf": [PATH, {"const": "/"}], "description": "Its home directory, which must be there."},
        "shell": {**PATH, "description": "Its shell, which must be there and executable."},
        "groups": {"type": "array", "items": NAME, "description": "Its other groups."},
        "comment": {"type": "string", "pattern": r"^[^:\n]*$"},
    }
    required: t.ClassVar = ("name", "group")

    def provides(self) -> Iterable[Item]:
        yield UserItem(self.name)

    def requires(self) -> Iterable[Requirement]:
        for group in (self.group, *self.groups):
            yield Requirement(Key("group", group))
        yield Requirement(Key("path", self.home), IS_DIRECTORY, ordered=False)
        yield Requirement(Key("path", self.shell), Executable(), ordered=False)

    def apply(self, root: Root) -> None:
        number, group = root.ids.users[self.name], root.number("group", self.group)
        line = f"{self.name}:x:{number}:{group}:{self.comment}:{self.home}:{self.shell}"
        root.add_line("/etc/passwd", line, mode=0o644)
        root.add_line("/etc/shadow", f"{self.name}:!*:::::::", mode=0o000)
        for name in self.groups:
            root.add_member(name, self.name)
