# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A mount point, and what is mounted there."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH, TEXT, inside
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import IS_DIRECTORY, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import UNITS, path_unit

WANTS = f"{UNITS}/local-fs.target.wants"


@dataclass(frozen=True)
class MountFeature(Feature, kind="mount"):
    """Nothing else of the image may be below it: it would be hidden when the image runs."""

    path: str
    what: str | None = None
    type: str | None = None
    mount_options: str | None = None

    about: t.ClassVar = "A mount point: an empty directory. With `what` a unit of systemd mounts it at boot."
    options: t.ClassVar = {
        "path": PATH,
        "what": {
            **TEXT,
            "description": "What is mounted, like LABEL=data. Without it, a unit of yours says.",
        },
        "type": {"type": "string", "pattern": "^[a-z0-9_.]+$", "description": "Type of the file system."},
        "mount_options": {"type": "string", "pattern": r"^\S+$", "description": "As in fstab(5)."},
    }
    required: t.ClassVar = ("path",)

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        unused = [name for name in ("type", "mount_options") if name in options and "what" not in options]
        if unused:
            what = f"{unused[0]} says how something is mounted, but not what"
            raise InputError(what, where=str(place), way_out="Give what")
        return super().read(options, place, sources)

    def provides(self) -> Iterable[Item]:
        yield PathItem(self.path, FileType.MOUNT, 0o755, "root", "root")
        if self.what is not None:
            yield PathItem(f"{UNITS}/{self._unit}", FileType.FILE, 0o644, "root", "root")
            yield PathItem(WANTS, FileType.DIRECTORY)
            link = f"{WANTS}/{self._unit}"
            yield PathItem(link, FileType.SYMLINK, owner="root", group="root", target=f"../{self._unit}")

    def requires(self) -> Iterable[Requirement]:
        yield inside(self.path)
        if self.what is not None:
            yield Requirement(Key("path", UNITS), IS_DIRECTORY)

    def apply(self, root: Root) -> None:
        root.make_directory(self.path, 0o755, "root", "root")
        if self.what is not None:
            lines = ["[Unit]", "Before=local-fs.target", "", "[Mount]", f"What={self.what}"]
            lines += [f"Where={self.path}"]
            lines += [f"Type={self.type}"] if self.type else []
            lines += [f"Options={self.mount_options}"] if self.mount_options else []
            text = "".join(f"{line}\n" for line in lines)
            root.write(f"{UNITS}/{self._unit}", text.encode(), 0o644, "root", "root")
            root.ensure_directory(WANTS)
            root.link(f"{WANTS}/{self._unit}", f"../{self._unit}")

    @property
    def _unit(self) -> str:
        return path_unit(self.path, "mount")
