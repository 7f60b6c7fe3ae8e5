# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a deployable image is on disk: a directory with its manifest and the parts that a host boots."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.outputs import MANIFEST, SIGNATURE
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher

ABOUT = "deployment.json"
# What each part is called on a host.
NAMES = {"root": "root.erofs", "verity": "root.verity", "linux": "vmlinuz", "initrd": "initramfs"}


@dataclass(frozen=True)
class Deployable:
    """An image that hosts can boot. `digest` is that of its manifest; `about` is NAME.deployment.json."""

    directory: Path
    digest: str
    about: Mapping[str, t.Any]

    @property
    def files(self) -> dict[str, Path]:
        """Every file that a host keeps of it, by its name there."""
        parts = {name: self.directory / self.about["files"][part] for part, name in NAMES.items()}
        found = {**parts, MANIFEST: self.directory / MANIFEST, ABOUT: self._about}
        signature = self.directory / SIGNATURE
        return {**found, SIGNATURE: signature} if signature.is_file() else found

    @property
    def epoch(self) -> int:
        """When its packages were cut, in seconds since 1970: what files on a disk have as their time."""
        cut = datetime.strptime(str(self.about["version"]), "%Y%m%dT%H%M%S%z")
        return int(cut.timestamp())

    @property
    def loader(self) -> Path:
        """The boot loader for the architecture of the image."""
        return self.directory / str(self.about["loader"]["file"])

    @property
    def _about(self) -> Path:
        return self.directory / f"{self.about['image']}.{ABOUT}"


def read_deployable(directory: Path) -> Deployable:
    """The image in a directory, all of whose parts are what its manifest says. Raises InputError."""
    manifest = read_json(directory / MANIFEST)
    if manifest is None:
        raise InputError(f"there is no {MANIFEST}", where=str(directory), way_out="Name a published image")
    listed = {one["file"]: one for one in manifest["artifacts"] if one["kind"] == "deployment"}
    about = f"{manifest['image']}.{ABOUT}"
    if about not in listed:
        raise InputError(
            f"the image {manifest['image']} was made without the artifact deployment",
            where=str(directory),
            way_out="Add it to the artifacts of its definition",
        )
    for name, one in listed.items():
        _check(directory / name, one["sha256"])
    digest = sha256((directory / MANIFEST).read_bytes()).hexdigest()
    return Deployable(directory, digest, read_json(directory / about))


def _check(path: Path, expected: str) -> None:
    if not path.is_file():
        raise InputError("is in the manifest, but not there", where=str(path), way_out="Publish it again")
    hasher = Hasher("sha256")
    hasher.feed_file(path)
    if hasher.sha256 != expected:
        what = f"its SHA-256 is {hasher.sha256}, but the manifest says {expected}"
        raise InputError(what, where=str(path), way_out="Publish it again")
