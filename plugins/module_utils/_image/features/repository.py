# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The repos that hosts of the image get packages from: those of the snapshot that the image is made of."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._host.repofiles import disable, render
from ansible_collections.osaas.fleet.plugins.module_utils._image.context import Context
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import IS_DIRECTORY, Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.sources import source_file
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place

WORD: t.Final = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$"}
REPOSITORY: t.Final = {
    "type": "object",
    "properties": {
        "name": {**WORD, "description": "Name of a repo of the snapshot."},
        "keys": {
            "type": "array",
            "items": WORD,
            "minItems": 1,
            "description": "Names of keys any of which may have signed packages and metadata.",
        },
    },
    "required": ["name", "keys"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class RepositoryFeature(Feature, kind="repository"):
    """Writes what host_pin would write on a running host, which then finds nothing to change."""

    url: str
    keys: tuple[tuple[str, str], ...]
    repositories: tuple[Repository, ...]
    release: str = ""
    digest: str = ""

    about: t.ClassVar = (
        "Hosts of the image are pinned to the snapshot that it is made of. Other repos are disabled, as"
        " host_pin does it."
    )
    options: t.ClassVar = {
        "url": {
            "type": "string",
            "pattern": "^(https?://|file:///)",
            "description": "Base URL of the store, beginning with http://, https:// or file:///.",
        },
        "keys": {
            "type": "object",
            "propertyNames": WORD,
            "additionalProperties": TEXT,
            "description": "Files with public keys, relative to the definition, by name.",
        },
        "repositories": {"type": "array", "items": REPOSITORY, "minItems": 1},
    }
    required: t.ClassVar = ("url", "keys", "repositories")

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        for name in options["keys"].values():
            source_file(sources, name, place)
        repositories = tuple(Repository(one["name"], tuple(one["keys"])) for one in options["repositories"])
        for one in repositories:
            if missing := sorted(set(one.keys) - set(options["keys"])):
                what = f"the repo {one.name} is to be signed with {missing[0]}, which is not among the keys"
                raise InputError(what, where=str(place), way_out="Add its file to keys")
        return super().read({**options, "repositories": repositories}, place, sources)

    def within(self, context: Context) -> Feature:
        for one in self.repositories:
            if one.name not in context.repositories:
                what = f"the snapshot {context.release} has no repo {one.name}"
                way_out = f"It has {', '.join(sorted(context.repositories))}"
                raise InputError(what, where=str(self.place), way_out=way_out)
        return replace(self, release=context.release, digest=context.digest)

    def told(self) -> Mapping[str, t.Any]:
        return {**super().told(), "repositories": [[one.name, one.keys] for one in self.repositories]}

    def provides(self) -> Iterable[Item]:
        made = (paths.REPO_FILE, paths.RELEASE_VAR, paths.PIN_FILE, *self._key_files())
        for directory in _directories(made):
            yield PathItem(directory, FileType.DIRECTORY)
        for path in made:
            yield PathItem(str(path), FileType.FILE, 0o644, "root", "root")

    def requires(self) -> Iterable[Requirement]:
        yield Requirement(Key("path", "/etc"), IS_DIRECTORY)

    def overrides(self) -> Iterable[Key]:
        return [item.key for item in self.provides() if isinstance(item, PathItem) and item.mode is not None]

    def inputs(self) -> Iterable[str]:
        return [source for _name, source in self.keys]

    def apply(self, root: Root) -> None:
        pin = Pin(self.release, self.digest, self.url, self.repositories)
        files = {path: root.source(source).decode() for path, source in self._key_files().items()}
        files.update(_others(root))
        files.update({paths.REPO_FILE: render(pin), paths.RELEASE_VAR: f"{pin.release}\n"})
        files[paths.PIN_FILE] = json_text(pin.as_json())
        for directory in _directories(files):
            root.ensure_directory(directory)
        for path, text in files.items():
            root.write(str(path), text.encode(), 0o644, "root", "root")

    def _key_files(self) -> dict[Path, str]:
        return {paths.key_file(name): source for name, source in self.keys}


def _directories(files: Iterable[Path]) -> list[str]:
    """The directories of files, below /etc, the outer ones first."""
    return sorted({str(one) for file in files for one in file.parents if len(one.parts) > len(("/", "etc"))})


def _others(root: Root) -> Iterator[tuple[Path, str]]:
    """Other .repo files, disabled; and a copy of each, which host_pin gives back."""
    for place in sorted(root.place(str(paths.REPO_DIR)).glob("*.repo")):
        path = paths.REPO_DIR / place.name
        before = root.read(str(path))
        now = disable(before, ())
        if path != paths.REPO_FILE and now != before:
            yield paths.SAVED_REPOS / path.name, before
            yield path, now
