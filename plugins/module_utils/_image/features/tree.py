# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A directory beside the definition, with all below it."""

from __future__ import annotations

import os
import stat
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.bundle import (
    Part,
    bundle_items,
    bundle_keys,
    bundle_requirements,
    put_bundle,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import NAME, PATH, REPLACE, TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.sources import source_tree
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place


@dataclass(frozen=True)
class TreeFeature(Feature, kind="tree"):
    """Modes do not depend on who checked the definition out: of files, only whether they can be executed."""

    path: str
    source: str
    parts: tuple[Part, ...]
    owner: str = "root"
    group: str = "root"
    override: bool = False

    about: t.ClassVar = (
        "A directory beside the definition, copied with all below it. Files are 0644, or 0755 if they are"
        " executable; a directory that is there already stays as it is."
    )
    options: t.ClassVar = {
        "path": {**PATH, "description": "Where it is copied to; a directory, made if it is not there."},
        "source": {**TEXT, "description": "The directory, relative to the definition."},
        "owner": {**NAME, "default": "root"},
        "group": {**NAME, "default": "root"},
        "override": {**REPLACE, "description": "Whether its files take the place of others, if any."},
    }
    required: t.ClassVar = ("path", "source")

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        owner, group = options.get("owner", "root"), options.get("group", "root")
        top = sources / options["source"]
        parts = tuple(
            _part(top, path, found, owner, group)
            for path, found in source_tree(sources, options["source"], place)
        )
        return super().read({**options, "parts": parts}, place, sources)

    def provides(self) -> Iterable[Item]:
        return bundle_items(self.path, self.parts)

    def requires(self) -> Iterable[Requirement]:
        return bundle_requirements(self.path, self.parts)

    def overrides(self) -> Iterable[Key]:
        return bundle_keys(self.path, self.parts) if self.override else ()

    def inputs(self) -> Iterable[str]:
        for part in self.parts:
            if part.type == FileType.FILE.value:
                yield f"{self.source}/{part.path}"

    def apply(self, root: Root) -> None:
        put_bundle(root, self.path, self.parts, lambda path: root.source(f"{self.source}/{path}"))


def _part(top: Path, path: str, found: os.stat_result, owner: str, group: str) -> Part:
    if stat.S_ISLNK(found.st_mode):
        return Part(path, FileType.SYMLINK.value, "root", "root", target=str((top / path).readlink()))
    if stat.S_ISDIR(found.st_mode):
        return Part(path, FileType.DIRECTORY.value, owner, group)
    mode = 0o755 if found.st_mode & stat.S_IXUSR else 0o644
    return Part(path, FileType.FILE.value, owner, group, mode)
