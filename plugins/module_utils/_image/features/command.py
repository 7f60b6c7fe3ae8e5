# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A command that is run inside the image, without network."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature, Phase
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import NAME, PATH
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Executable, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

SETPRIV = "/usr/bin/setpriv"  # of util-linux


@dataclass(frozen=True)
class CommandFeature(Feature, kind="command"):
    """Every path that it makes or changes is declared: anything else that changed fails the build."""

    argv: tuple[str, ...]
    outputs: tuple[str, ...]
    user: str = "root"

    phase: t.ClassVar = Phase.COMMANDS
    about: t.ClassVar = "A command that is run inside the image, without network and without a shell."
    options: t.ClassVar = {
        "argv": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "The program, an absolute path in the image, and its arguments.",
        },
        "outputs": {
            "type": "array",
            "items": PATH,
            "description": "Every file that it makes or changes.",
        },
        "user": {**NAME, "default": "root"},
    }
    required: t.ClassVar = ("argv", "outputs")

    def provides(self) -> Iterable[Item]:
        for path in self.outputs:
            yield PathItem(path, FileType.FILE)

    def requires(self) -> Iterable[Requirement]:
        yield Requirement(Key("path", self.argv[0]), Executable())
        if self.user != "root":
            yield Requirement(Key("user", self.user))
            yield Requirement(Key("path", SETPRIV), Executable())

    def overrides(self) -> Iterable[Key]:
        return [Key("path", path) for path in self.outputs]

    def apply(self, root: Root) -> None:
        as_user = [SETPRIV, "--reuid", self.user, "--regid", self.user, "--init-groups", "--"]
        root.run(self.argv if self.user == "root" else (*as_user, *self.argv))
