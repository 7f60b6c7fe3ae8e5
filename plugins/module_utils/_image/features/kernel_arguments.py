# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Arguments that the kernel is booted with."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

DIRECTORY = "/usr/lib/kernel"
COMMAND_LINE = f"{DIRECTORY}/cmdline"  # kernel-install(8)


@dataclass(frozen=True)
class KernelArgumentsFeature(Feature, kind="kernel_arguments"):
    """They stand in the image, where every tool that makes boot entries reads them."""

    arguments: tuple[str, ...]

    about: t.ClassVar = "Arguments of the kernel, in their order, after those of the parent."
    options: t.ClassVar = {
        "arguments": {
            "type": "array",
            "items": {
                "type": "string",
                "pattern": r"^\S+$",
                "description": "One argument, without white space.",
            },
            "minItems": 1,
        }
    }
    required: t.ClassVar = ("arguments",)

    def provides(self) -> Iterable[Item]:
        yield PathItem(DIRECTORY, FileType.DIRECTORY)
        yield PathItem(COMMAND_LINE, FileType.FILE, 0o644, "root", "root")

    def requires(self) -> Iterable[Requirement]:
        yield inside(DIRECTORY)

    def overrides(self) -> Iterable[Key]:
        yield Key("path", COMMAND_LINE)

    def apply(self, root: Root) -> None:
        before = root.read(COMMAND_LINE).split()
        arguments = [*before, *(one for one in self.arguments if one not in before)]
        root.ensure_directory(DIRECTORY)
        root.write(COMMAND_LINE, f"{' '.join(arguments)}\n".encode(), 0o644, "root", "root")
