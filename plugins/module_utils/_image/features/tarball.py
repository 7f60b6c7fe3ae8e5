# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A tar archive beside the definition, unpacked."""

from __future__ import annotations

import stat
import tarfile
import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
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
from ansible_collections.osaas.fleet.plugins.module_utils._image.sources import source_file
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher

TYPES = {
    tarfile.REGTYPE: FileType.FILE,
    tarfile.DIRTYPE: FileType.DIRECTORY,
    tarfile.SYMTYPE: FileType.SYMLINK,
}


@dataclass(frozen=True)
class TarballFeature(Feature, kind="tarball"):
    """What is in it is known before the build, so that it cannot hide a file of a package by accident."""

    path: str
    source: str
    sha256: str
    parts: tuple[Part, ...]
    strip: int = 0
    owner: str = "root"
    group: str = "root"
    override: bool = False

    about: t.ClassVar = (
        "A tar archive beside the definition (plain, gzip, bzip2 or xz), unpacked. Modes are the archive's,"
        " without set-id bits; owners are not."
    )
    options: t.ClassVar = {
        "path": {**PATH, "description": "Where it is unpacked; a directory, made if it is not there."},
        "source": {**TEXT, "description": "The archive, relative to the definition."},
        "sha256": {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "The SHA-256 of the archive, 64 hexadecimal digits.",
        },
        "strip": {
            "type": "integer",
            "minimum": 0,
            "default": 0,
            "description": "How many leading parts of each name are left out.",
        },
        "owner": {**NAME, "default": "root"},
        "group": {**NAME, "default": "root"},
        "override": {**REPLACE, "description": "Whether its files take the place of others, if any."},
    }
    required: t.ClassVar = ("path", "source", "sha256")

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        archive = source_file(sources, options["source"], place)
        hasher = Hasher("sha256")
        hasher.feed_file(archive)
        if hasher.sha256 != options["sha256"]:
            what = f"{options['source']} has the sha256 {hasher.sha256}"
            raise InputError(what, where=str(place), way_out="See whether it is the one that was meant")
        owner, group = options.get("owner", "root"), options.get("group", "root")
        parts = []
        for name, member in _members(archive, options.get("strip", 0), place):
            kind = TYPES[member.type].value
            mode = None if member.issym() else stat.S_IMODE(member.mode) & 0o777
            parts.append(Part(name, kind, owner, group, mode, member.linkname if member.issym() else ""))
        return super().read({**options, "parts": tuple(sorted(parts))}, place, sources)

    def provides(self) -> Iterable[Item]:
        return bundle_items(self.path, self.parts)

    def requires(self) -> Iterable[Requirement]:
        return bundle_requirements(self.path, self.parts)

    def overrides(self) -> Iterable[Key]:
        return bundle_keys(self.path, self.parts) if self.override else ()

    def inputs(self) -> Iterable[str]:
        yield self.source

    def apply(self, root: Root) -> None:
        archive = source_file(root.sources, self.source, self.place)
        with tarfile.open(archive) as stream:
            files = {
                name: member for name, member in _members(archive, self.strip, self.place) if member.isreg()
            }
            put_bundle(root, self.path, self.parts, lambda path: _content(stream, files[path]))


def _members(archive: Path, strip: int, place: Place) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Names below the top, and what they are. Raises InputError."""
    try:
        with tarfile.open(archive) as stream:
            members = stream.getmembers()
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"{archive.name} is no tar archive that can be read", where=str(place)) from error
    for member in members:
        steps = [step for step in member.name.split("/") if step not in ("", ".")]
        if member.name.startswith("/") or ".." in steps:
            what = f"{archive.name} has {member.name!r} in it, which leads out"
            raise InputError(what, where=str(place), way_out="Pack it anew, with plain names")
        if member.type not in TYPES:
            what = f"{archive.name} has {member.name!r} in it, which is no file, directory or symbolic link"
            raise InputError(what, where=str(place), way_out="Pack it anew, without that")
        if steps[strip:]:
            yield "/".join(steps[strip:]), member


def _content(stream: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = stream.extractfile(member)
    return content.read() if content is not None else b""
