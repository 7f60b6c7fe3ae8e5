# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Bring a deployment to the host, whole and proven, beside what runs; nothing that boots is touched."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._files import (
    json_text,
    sync_directory,
    write_atomic,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host import bad_images
from ansible_collections.osaas.fleet.plugins.module_utils._host.blocks import Blocks, Local
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import (
    DESCRIPTION,
    MANIFEST,
    RELEASE,
    ROLES,
    SIGNATURE,
    Deployment,
    ReleaseFile,
    description_file,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_plan import expendable, make_room
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_remove import (
    data_bytes,
    kernel_bytes,
    remove,
    tidy,
    tree_bytes,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import (
    Standing,
    read_standing,
    remember_failures,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import file_digest, free_bytes
from ansible_collections.osaas.fleet.plugins.module_utils._host.fetch import fetch
from ansible_collections.osaas.fleet.plugins.module_utils._host.hash_tree import HashTree, read_tree
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths
from ansible_collections.osaas.fleet.plugins.module_utils._host.origin import Origin
from ansible_collections.osaas.fleet.plugins.module_utils._host.release_files import (
    ReleaseManifest,
    directory_of,
    disk_faults,
    fetch_file,
    fetch_manifest,
    fetch_small,
    finish,
)


@dataclass(frozen=True)
class Wish:
    """Which release to bring from where. `keys` are ASCII-armored, by name; none: no signature is asked for.

    `force` takes a release that failed here before.
    """

    origin: Origin
    url: str
    release: str
    digest: str
    keys: Mapping[str, str]
    force: bool = False


@dataclass(frozen=True)
class Staged:
    """`came` are bytes from the store, `copied` those that this host had already; `removed` made room."""

    deployment: Deployment
    changed: bool
    came: int = 0
    copied: int = 0
    removed: tuple[str, ...] = ()


def stage(paths: ImagePaths, runner: Runner, wish: Wish, *, check: bool = False) -> Staged:
    """Bring a deployment; what an earlier try brought is used. With `check`, only look whether it would work.

    Raises FleetError; entries, and what they boot, are as they were, and what came is kept.
    """
    standing = read_standing(paths)
    if not check:
        remember_failures(paths, standing)
    if not wish.force:
        bad_images.refuse_bad(standing.bad, wish.digest)
    there = standing.installed.get(wish.digest)
    if there is not None:
        if there.release != wish.release:
            raise InputError(
                f"is the digest of {there.release}", where=wish.digest, way_out=f"{wish.release} has another"
            )
        if not check:
            _date(paths.deployments / wish.digest)
        return Staged(there, changed=False)
    manifest = fetch_manifest(runner, wish.origin, wish.release, wish.digest, wish.keys)
    description = fetch_small(wish.origin, wish.release, description_file(wish.release, manifest.raw))
    deployment = Deployment.read(wish.release, manifest.raw, description)
    room = _room(paths, standing, deployment)
    if check:
        return Staged(deployment, changed=True, removed=room)
    for digest in room:
        remove(paths, standing, digest)
    place = paths.staging / deployment.digest
    with disk_faults(place):
        place.mkdir(parents=True, exist_ok=True)
        tidy(paths, read_standing(paths), deployment.digest)
    came, copied = _bring(paths, standing, wish, deployment, place)
    with disk_faults(place):
        _describe(wish, manifest, description, place)
        _move_in(paths, place)
    return Staged(deployment, True, came, copied, room)


def _room(paths: ImagePaths, standing: Standing, deployment: Deployment) -> tuple[str, ...]:
    """What must go so that it fits; on the ESP, it only has to fit once it is committed."""
    may_go = expendable(standing, [deployment.digest])
    kernel = sum(deployment.files[role].size for role in ("linux", "initrd"))
    make_room(kernel, free_bytes(paths.esp), may_go, kernel_bytes(paths, may_go), where=str(paths.esp))
    needed = max(0, deployment.bytes - tree_bytes(paths.staging / deployment.digest))
    free = free_bytes(paths.data)
    return tuple(make_room(needed, free, may_go, data_bytes(paths, may_go), where=str(paths.data)))


def _bring(
    paths: ImagePaths, standing: Standing, wish: Wish, deployment: Deployment, place: Path
) -> tuple[int, int]:
    """Bytes that came, and bytes that were here."""
    came = 0
    for role in ("verity", "linux", "initrd"):
        file = deployment.files[role]
        path = f"{directory_of(wish.release)}/{file.name}"
        if not _have(paths, standing, role, file, place):
            came += fetch_file(wish.origin, path, place / ROLES[role], file.size, file.sha256)
    tree = read_tree(place / ROLES["verity"])
    told = (deployment.root_hash, deployment.salt, deployment.data_blocks)
    if (tree.root_hash, tree.salt.hex(), tree.data_blocks) != told:
        raise VerificationError(
            "the hash tree is not the one that its description tells of",
            where=f"release {wish.release}",
            way_out="Build and publish the image again",
        )
    root, copied = _bring_root(paths, standing, wish, deployment, tree, place)
    return came + root, copied


def _have(paths: ImagePaths, standing: Standing, role: str, file: ReleaseFile, place: Path) -> bool:
    """Link a file that another deployment has, and which is what it should be; whether there is one."""
    target = place / ROLES[role]
    for digest, deployment in standing.installed.items():
        mine = paths.deployments / digest / ROLES[role]
        if deployment.files[role].sha256 == file.sha256 == file_digest(mine):
            target.unlink(missing_ok=True)
            os.link(mine, target)  # pathlib of Python 3.9 has no word for it
            return True
    return False


def _bring_root(
    paths: ImagePaths, standing: Standing, wish: Wish, deployment: Deployment, tree: HashTree, place: Path
) -> tuple[int, int]:
    file = deployment.files["root"]
    target = place / ROLES["root"]
    if target.exists() and file_digest(target) == file.sha256:
        return 0, 0
    part = target.with_name(f"{target.name}.part")
    path = f"{directory_of(wish.release)}/{file.name}"
    with disk_faults(part):
        part.touch()
        with part.open("r+b") as stream:
            blocks = Blocks(stream, tree, path)
            blocks.copy(_locals(paths, standing))
            came = fetch(wish.origin, path, blocks)
            stream.flush()
            os.fsync(stream.fileno())
        if file_digest(part) != file.sha256:
            raise VerificationError(
                "its hash tree is right, but its SHA-256 is not what the manifest says",
                where=path,
                way_out="Build and publish the image again",
            )
        finish(part, target)
    return came, blocks.copied


def _locals(paths: ImagePaths, standing: Standing) -> list[Local]:
    """What there is to copy from; what runs first."""
    found = []
    for digest in sorted(standing.installed, key=lambda one: (one != standing.booted, one)):
        directory = paths.deployments / digest
        found.append(Local(directory / ROLES["root"], read_tree(directory / ROLES["verity"])))
    return found


def _describe(wish: Wish, manifest: ReleaseManifest, description: bytes, place: Path) -> None:
    """What tells of the deployment is written last: with it, it is whole."""
    about = json_text({"release": wish.release, "url": wish.url}).encode()
    contents = {MANIFEST: manifest.raw, DESCRIPTION: description, RELEASE: about}
    if manifest.signature:
        contents[SIGNATURE] = manifest.signature
    for name, content in contents.items():
        write_atomic(place / name, content, mode=0o444)


def _date(place: Path) -> None:
    """What was staged last is spared by who makes room."""
    now = time.time()
    os.utime(place, (now, now))
    sync_directory(place)


def _move_in(paths: ImagePaths, place: Path) -> None:
    _date(place)
    paths.deployments.mkdir(exist_ok=True)
    place.replace(paths.deployments / place.name)
    sync_directory(paths.deployments)
