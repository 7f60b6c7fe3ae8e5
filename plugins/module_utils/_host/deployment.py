# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A deployment: one published image, as its signed manifest and the description in it tell of it."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError

MANIFEST, SIGNATURE = "manifest.json", "manifest.json.asc"
DESCRIPTION = "deployment.json"
RELEASE = "release.json"
# What the files of a deployment are called on a host.
ROLES = {"root": "root.erofs", "verity": "root.verity", "linux": "vmlinuz", "initrd": "initramfs"}
BLOCK = 4096

LARGEST_DESCRIPTION = 1 << 20  # bytes

_FORMAT = 1
_HASH = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,200}")
_ARGUMENT = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class ReleaseFile:
    """A file of a release: its name in the store, what it must be, and its bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Deployment:
    """`digest` is the SHA-256 of the manifest: it names the deployment. `files` are by the names of ROLES."""

    release: str
    digest: str
    image: str
    version: str
    title: str
    root_hash: str
    salt: str
    data_blocks: int
    kernel: str
    arguments: tuple[str, ...]
    files: Mapping[str, ReleaseFile]

    @classmethod
    def read(cls, release: str, manifest: bytes, description: bytes) -> Deployment:
        """Raises VerificationError if the two are not a deployment, or the release not one of this image."""
        files = listed_files(release, manifest)
        try:
            raw = json.loads(description)
            if raw["format"] != _FORMAT:
                raise _fault(release, f"format {raw['format']} of its description is not known here")
            found = cls(
                release=release,
                digest=hashlib.sha256(manifest).hexdigest(),
                image=str(raw["image"]),
                version=str(raw["version"]),
                title=" ".join(str(raw["title"]).split()),
                root_hash=str(raw["root_hash"]),
                salt=str(raw["salt"]),
                data_blocks=int(raw["data_blocks"]),
                kernel=str(raw["kernel"]),
                arguments=tuple(str(one) for one in raw["arguments"]),
                files={role: files[str(raw["files"][role])] for role in ROLES},
            )
        except (ValueError, KeyError, TypeError) as error:
            raise _fault(release, f"its description lacks, or has no usable, {error}") from error
        found.check()
        return found

    def check(self) -> None:
        """Raises VerificationError for values that must not get into a boot entry."""
        if not _HASH.fullmatch(self.root_hash):
            raise _fault(self.release, "its root hash is no SHA-256")
        if re.fullmatch(r"(?:[0-9a-f]{2})*", self.salt) is None:
            raise _fault(self.release, "its salt is not hexadecimal")
        if not all(_ARGUMENT.fullmatch(one) for one in self.arguments):
            raise _fault(self.release, "a kernel argument is empty or has blanks")
        if self.files["root"].size != self.data_blocks * BLOCK:
            size, blocks = self.files["root"].size, self.data_blocks
            raise _fault(self.release, f"its root has {size} bytes, not {blocks} blocks of {BLOCK}")
        if not self.release.startswith(f"{self.image}-"):
            raise _fault(self.release, f"its manifest is of the image {self.image}")

    @property
    def bytes(self) -> int:
        """What its files take."""
        return sum(one.size for one in self.files.values())


def listed_files(release: str, manifest: bytes) -> dict[str, ReleaseFile]:
    """The files that a manifest vouches for, by name. Raises VerificationError."""
    try:
        rows = [
            ReleaseFile(str(one["file"]), str(one["sha256"]), int(one["size"]))
            for one in json.loads(manifest)["artifacts"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise _fault(release, "its manifest lists no artifacts") from error
    for row in rows:
        if not _FILE.fullmatch(row.name) or not _HASH.fullmatch(row.sha256) or row.size < 0:
            raise _fault(release, f"its manifest has a row that is no file: {row.name!r}")
    return {row.name: row for row in rows}


def description_file(release: str, manifest: bytes) -> ReleaseFile:
    """The file that describes the deployment in a release. Raises VerificationError if there is not one."""
    found = [
        row
        for name, row in listed_files(release, manifest).items()
        if name.endswith(f".{DESCRIPTION}") and row.size <= LARGEST_DESCRIPTION
    ]
    if len(found) != 1:
        raise _fault(
            release,
            f"it has {len(found)} files *.{DESCRIPTION}",
            "Build the image with the artifact deployment",
        )
    return found[0]


def _fault(release: str, what: str, way_out: str = "") -> VerificationError:
    return VerificationError(f"is no deployment: {what}", where=f"release {release}", way_out=way_out)


def as_json(deployment: Deployment) -> dict[str, t.Any]:
    """What modules return of it."""
    return {
        "digest": deployment.digest,
        "release": deployment.release,
        "image": deployment.image,
        "version": deployment.version,
        "title": deployment.title,
        "kernel": deployment.kernel,
        "root_hash": deployment.root_hash,
        "bytes": deployment.bytes,
    }
