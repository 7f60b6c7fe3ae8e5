# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A file, from a source beside the definition or from the definition itself."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.capabilities import ATTRIBUTE, NAMES, encode
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import (
    OWNERSHIP,
    PATH,
    REPLACE,
    TEXT,
    inside,
    owned_by,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.sources import source_file
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
    attributes: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()

    about: t.ClassVar = "A file, copied from `source` beside the definition, or with this `content`."
    options: t.ClassVar = {
        "path": PATH,
        "source": {**TEXT, "description": "A file, relative to the definition."},
        "content": {"type": "string", "description": "The text of the file."},
        **OWNERSHIP,
        "replace": {
            **REPLACE,
            "description": "Whether it takes the place of a file of a package or of the parent.",
        },
        "attributes": {
            "type": "object",
            "propertyNames": {
                "pattern": r"^(user|trusted)\..+$",
                "description": "A name that begins with user. or trusted.",
            },
            "additionalProperties": TEXT,
            "description": "Extended attributes, as in user.origin: text.",
        },
        "capabilities": {
            "type": "array",
            "items": {"enum": list(NAMES), "description": "A capability, like cap_net_bind_service."},
            "uniqueItems": True,
            "description": "What a program may do though its user may not; permitted and effective.",
        },
    }
    required: t.ClassVar = ("path",)

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        if ("source" in options) == ("content" in options):
            raise InputError(
                "a file has either a source or a content", where=str(place), way_out="Give one of the two"
            )
        if "source" in options:
            source_file(sources, options["source"], place)
        return super().read(options, place, sources)

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
        for name, value in self.attributes:
            root.set_attribute(self.path, name, value.encode())
        if self.capabilities:
            root.set_attribute(self.path, ATTRIBUTE, encode(self.capabilities))
