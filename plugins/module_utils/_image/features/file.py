# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A file, from a source beside the definition or from the definition itself."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import (
    OWNERSHIP,
    PATH,
    TEXT,
    inside,
    owned_by,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place


@dataclass(frozen=True)
class FileFeature(Feature, kind="file"):
    """Either `source` or `content` is given, never both."""

    path: str
    source: str | None = None
    content: str | None = None
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    replace: bool = False

    about: t.ClassVar = "A file, copied from `source` beside the definition, or with this `content`."
    options: t.ClassVar = {
        "path": PATH,
        "source": {**TEXT, "description": "A file, relative to the definition."},
        "content": {"type": "string", "description": "The text of the file."},
        **OWNERSHIP,
        "replace": {
            "type": "boolean",
            "default": False,
            "description": "Whether it takes the place of a file of a package or of the parent.",
        },
    }
    required: t.ClassVar = ("path",)

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place) -> Feature:
        """See Feature.read."""
        if ("source" in options) == ("content" in options):
            raise InputError(
                "a file has either a source or a content", where=str(place), way_out="Give one of the two"
            )
        return super().read(options, place)

    def provides(self) -> Iterable[Item]:
        yield PathItem(self.path, FileType.FILE, int(self.mode, 8), self.owner, self.group)

    def requires(self) -> Iterable[Requirement]:
        yield inside(self.path)
        yield from owned_by(self.owner, self.group)

    def replaces(self) -> Iterable[Key]:
        if self.replace:
            yield Key("path", self.path)

    def inputs(self) -> Iterable[str]:
        if self.source is not None:
            yield self.source

    def apply(self, root: Root) -> None:
        content = (self.content or "").encode() if self.source is None else root.source(self.source)
        root.write(self.path, content, int(self.mode, 8), self.owner, self.group)
