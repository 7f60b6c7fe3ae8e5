# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Hold published images against their manifests: every artifact must be there, as a link to its object."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._names import IMAGE_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_signature import unsigned
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.published import PublishedFile, read_image
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import MANIFEST, MANIFEST_SIGNATURE
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import (
    DAMAGED,
    FOREIGN,
    MISSING,
    Fault,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import MANIFEST as BAD_MANIFEST
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_manifest import (
    check_manifest,
    check_modes,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_objects import Objects


def check_images(store: Store, runner: Runner, objects: Objects, keys: Sequence[Path]) -> Iterator[Fault]:
    """All that is wrong with them. With `keys` (files) every manifest must be signed by one of them."""
    images = [path for path in sorted(store.images.glob("*")) if IMAGE_ID.fullmatch(path.name)]
    for path in images:
        yield from _image(store, objects, path)
    for path, why in unsigned(runner, images, keys):
        yield Fault(BAD_MANIFEST, f"images/{path.name}/{MANIFEST_SIGNATURE}", why, images=(path.name,))


def _image(store: Store, objects: Objects, path: Path) -> Iterator[Fault]:
    fault = check_manifest(store, path)
    if fault and fault.path.endswith(f"/{MANIFEST}"):
        yield fault
        return
    try:
        artifacts = {one.file: one for one in read_image(store, path.name).artifacts}
    except FleetError as error:
        if path.is_dir():  # else a prune was faster
            yield Fault(BAD_MANIFEST, f"images/{path.name}", error.what, images=(path.name,))
        return
    if fault:
        yield fault
    yield from check_modes(store, path)
    for artifact in artifacts.values():
        wrong = _wrong(store, objects, path / artifact.file, artifact)
        if wrong:
            yield _fault(store, path, artifact, *wrong)
    for one in path.iterdir():
        if one.name not in artifacts and not one.name.startswith(MANIFEST):
            why = "the manifest does not know it"
            yield Fault(FOREIGN, str(one.relative_to(store.root)), why, images=(path.name,))


def _wrong(store: Store, objects: Objects, path: Path, artifact: PublishedFile) -> tuple[str, str] | None:
    """What is wrong with a file, and why, if anything is; all objects were read."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return MISSING, "the image does not have it"
    if status.st_ino in objects.bad:
        return DAMAGED, ""  # the object's own fault says why
    if not stat.S_ISREG(status.st_mode) or not _is(store.object(artifact.sha256), status.st_ino):
        return DAMAGED, "it is another file"
    return None


def _is(path: Path, inode: int) -> bool:
    try:
        return path.stat().st_ino == inode
    except FileNotFoundError:
        return False


def _fault(store: Store, image: Path, artifact: PublishedFile, what: str, why: str) -> Fault:
    return Fault(
        what,
        str(store.object(artifact.sha256).relative_to(store.root)),
        why,
        artifact.size,
        (f"images/{image.name}/{artifact.file}",),
        images=(image.name,),
        file=RemoteFile("", "sha256", artifact.sha256, artifact.size),
    )
