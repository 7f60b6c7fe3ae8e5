# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Images of services on this host: each a tree, named by the digest of its release, whole or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory, write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import (
    MANIFEST,
    SIGNATURE,
    ReleaseFile,
    listed_files,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.origin import Origin
from ansible_collections.osaas.fleet.plugins.module_utils._host.release_files import (
    directory_of,
    fetch_file,
    fetch_manifest,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.service_files import ServicePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.services import Service

_SUFFIX = ".tar.zst"
_UNITS = "usr/lib/systemd/system"
_ROOM = 4  # times the size of the archive, and the archive itself, must be free


def is_staged(paths: ServicePaths, service: Service) -> bool:
    """Whether its image is here."""
    return (paths.images / service.digest / MANIFEST).exists()


def stage(
    runner: Runner, origin: Origin, paths: ServicePaths, service: Service, keys: Mapping[str, str]
) -> None:
    """Have its image here: signed by one of `keys`, with the digest that is asked for.

    What is downloaded stays until the image is whole, so that a second run goes on. Raises FleetError.
    """
    if is_staged(paths, service):
        return
    half = paths.images / f".{service.digest}"
    half.mkdir(parents=True, exist_ok=True)
    manifest = fetch_manifest(runner, origin, service.release, service.digest, keys)
    archive = _archive(service, manifest.raw)
    _need_room(half, archive)
    packed, tree = half / "tree.tar.zst", half / "tree"
    fetch_file(
        origin, f"{directory_of(service.release)}/{archive.name}", packed, archive.size, archive.sha256
    )
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(mode=0o755)
    unpacking = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--same-permissions"]
    runner.run(["tar", "--extract", "--zstd", *unpacking, f"--directory={tree}", f"--file={packed}"])
    unit_in_image(tree, service)
    packed.unlink()
    write_atomic(half / SIGNATURE, manifest.signature)
    write_atomic(half / MANIFEST, manifest.raw)
    # Every file of the tree has to be on the disk before its name says that it is.
    runner.run(["sync", "--file-system", str(half)])
    half.replace(paths.images / service.digest)
    sync_directory(paths.images)


def unit_in_image(tree: Path, service: Service) -> str:
    """The unit that an image brings. Raises VerificationError if it brings none of the service's name."""
    path = tree / _UNITS / service.unit
    inside = os.path.realpath(path) == os.path.realpath(tree / _UNITS) + f"/{service.unit}"
    if not (inside and path.is_file()):
        raise VerificationError(
            f"its image has no file /{_UNITS}/{service.unit}",
            where=f"release {service.release}",
            way_out="Put the unit into the image, or name the service as its unit is named",
        )
    return path.read_text(encoding="utf-8")


def remove_others(paths: ServicePaths, needed: Collection[Service]) -> None:
    """Remove all images but these."""
    digests = {one.digest for one in needed}
    for path in sorted(paths.images.glob("*")) if paths.images.exists() else ():
        if path.name not in digests:
            # Out of the way first: half a tree would be taken for a whole one.
            half = path if path.name.startswith(".") else path.with_name(f".{path.name}")
            if half != path:
                path.replace(half)
            shutil.rmtree(half)


def _archive(service: Service, manifest: bytes) -> ReleaseFile:
    listed = listed_files(service.release, manifest)
    found = [one for name, one in listed.items() if name.endswith(_SUFFIX)]
    if len(found) != 1:
        raise VerificationError(
            f"has {len(found)} files *{_SUFFIX}",
            where=f"release {service.release}",
            way_out="Build the image of a service with the artifact tar",
        )
    return found[0]


def _need_room(directory: Path, archive: ReleaseFile) -> None:
    needed, free = archive.size * (_ROOM + 1), shutil.disk_usage(directory).free
    if free < needed:
        raise HostError(
            f"{free >> 20} MiB are free, {(needed >> 20) + 1} MiB may be needed",
            where=str(directory.parent),
            way_out="Make room, or remove services that are not needed",
        )
