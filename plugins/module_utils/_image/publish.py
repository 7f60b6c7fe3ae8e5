# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Publish an image: what was made of it goes into the store, as a release that never changes.

Artifacts become objects first, each whole and read again before it has its name; the directory that names
them all is renamed in last. A killed run is continued by running it again: objects are not copied twice.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    InputError,
    StoreError,
    VerificationError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory
from ansible_collections.osaas.fleet.plugins.module_utils._gpgv import signature_fault
from ansible_collections.osaas.fleet.plugins.module_utils._image.outputs import MANIFEST, SIGNATURE
from ansible_collections.osaas.fleet.plugins.module_utils._image.space import check_space
from ansible_collections.osaas.fleet.plugins.module_utils._names import image_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.keys import make_ring
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_files import (
    ManifestFiles,
    write_files,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.published import (
    Published,
    PublishedFile,
    published,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import (
    Store,
    disk_errors,
    make_directory,
    remove,
    writable,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verdict import Verdict, is_news, write_verdict
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_objects import file_sha256


@dataclass(frozen=True)
class Made:
    """What was made of an image: the directory of its artifacts, with the manifest and its signature."""

    name: str
    directory: Path
    manifest: bytes
    signature: bytes

    def release(self, moment: datetime) -> Published:
        """The release that this is, published at `moment`. Raises InputError if the manifest is damaged."""
        return Published.from_manifest(image_id(self.name, moment), self.manifest)


@dataclass(frozen=True)
class Publication:
    """What publishing comes to: the release, whether it is new, and which of its files the store lacks."""

    release: Published
    new: bool
    lacking: tuple[PublishedFile, ...]
    verdict: Verdict | None

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return self.new or bool(self.lacking) or self.verdict is not None


def read_made(runner: Runner, directory: Path, name: str, keys: Sequence[Path]) -> Made:
    """What is in the directory of an image's artifacts, whose manifest one of the `keys` (files) signed.

    Raises InputError if nothing can be published of it, VerificationError if nobody vouches for it.
    """
    where = str(directory / MANIFEST)
    try:
        made = Made(name, directory, (directory / MANIFEST).read_bytes(), _read(directory / SIGNATURE))
    except FileNotFoundError:
        way_out = "Build the image with artifacts"
        raise InputError("nothing was made of this image", where=where, way_out=way_out) from None
    why = _unsigned(runner, made, keys)
    if why:
        way_out = "Build it with signing_key, and give the public half as gpgkey"
        raise VerificationError(why, where=where, way_out=way_out)
    for one in made.release(datetime.now(timezone.utc)).artifacts:
        _check_file(directory, one)
    return made


def plan_publication(existing: Sequence[Published], made: Made, *, now: datetime) -> tuple[Published, bool]:
    """Which release these bytes are, and whether it is new; `existing` are all published images.

    A new one is later than all others of its name, by a second at least, whatever the clock says.
    """
    own = [one for one in existing if one.name == made.name]
    moment = now.replace(microsecond=0)
    for one in own:
        moment = max(moment, datetime.fromisoformat(one.created) + timedelta(seconds=1))
    release = made.release(moment)
    known = next((one for one in own if one.digest == release.digest), None)
    return (release, True) if known is None else (known, False)


def preview_publication(store: Store, made: Made, *, tested: bool) -> Publication:
    """What publish() would do."""
    release, new = plan_publication(published(store), made, now=datetime.now(timezone.utc))
    place = store.images / release.id
    lacking = [one for one in release.artifacts if not _is_link(place / one.file, store.object(one.sha256))]
    verdict = Verdict(release.id, True, 0, ()) if tested else None
    if verdict is not None and not is_news(store, verdict):
        verdict = None
    return Publication(release, new, tuple(lacking), verdict)


def publish(store: Store, runner: Runner, made: Made, *, tested: bool) -> Publication:
    """Make it a release, unless it is one; then give it back what it lost. Raises FleetError."""
    with disk_errors(store), store.lock():
        planned = preview_publication(store, made, tested=tested)
        absent = [one for one in planned.lacking if not _is_there(store, one)]
        sizes = {one.sha256: (made.directory / one.file).stat().st_blocks * 512 for one in absent}
        check_space(store.root, sum(sizes.values()), what="the artifacts need")
        for one in absent:
            _adopt(store, runner, made.directory, one)
        place = store.images / planned.release.id
        if planned.new:
            half = _half(store, made, planned.release)
            runner.run(["sync", "--file-system", str(store.root)])
            half.chmod(0o555)
            half.rename(place)
            sync_directory(store.images)
        elif planned.lacking:
            with writable(place):
                _link(store, place, planned.lacking)
            runner.run(["sync", "--file-system", str(store.root)])
        if planned.verdict is not None:
            write_verdict(store, planned.verdict)
    return planned


def _half(store: Store, made: Made, release: Published) -> Path:
    """All of a release, beside its place."""
    make_directory(store.images)
    half = Path(tempfile.mkdtemp(prefix=f".{release.id}.", dir=store.images))
    _link(store, half, release.artifacts)
    write_files(half, ManifestFiles(made.manifest.decode(), made.signature.decode()))
    return half


def _link(store: Store, directory: Path, files: Sequence[PublishedFile]) -> None:
    for one in files:
        place = directory / one.file
        if place.is_symlink() or place.exists():
            remove(place)
        os.link(store.object(one.sha256), place)


def _is_there(store: Store, one: PublishedFile) -> bool:
    """Whether the store has the file, whole; what a killed run left may be anything."""
    there = store.object(one.sha256)
    return there.is_file() and file_sha256(there) == one.sha256


def _adopt(store: Store, runner: Runner, directory: Path, one: PublishedFile) -> None:
    """Copy, for the builder may write to its own again; read the copy, for only that one counts."""
    copy, source = store.scratch / one.sha256, directory / one.file
    runner.run(["cp", "--reflink=auto", "--sparse=auto", "--", str(source), str(copy)])
    found = file_sha256(copy)
    if found != one.sha256:
        what = f"its sha256 is {found}, not {one.sha256} as the manifest says"
        raise VerificationError(what, where=str(source), way_out="Build it again")
    store.object(one.sha256).unlink(missing_ok=True)  # damaged: it would stay
    store.adopt(copy, one.sha256)


def _unsigned(runner: Runner, made: Made, keys: Sequence[Path]) -> str:
    """Why none of the keys vouches for it, or ""."""
    if not made.signature:
        return "it is not signed"
    with tempfile.TemporaryDirectory() as scratch:
        ring = make_ring(runner, keys, Path(scratch), where="gpgkey")
        manifest, signature = Path(scratch, MANIFEST), Path(scratch, SIGNATURE)
        manifest.write_bytes(made.manifest)
        signature.write_bytes(made.signature)
        return signature_fault(runner, ring, manifest, signature)


def _check_file(directory: Path, one: PublishedFile) -> None:
    path = directory / one.file
    if path.is_dir():
        way_out = "Make a tar of it instead"
        raise InputError("a directory cannot be published", where=str(path), way_out=way_out)
    if one.file.startswith(MANIFEST):
        raise InputError("an artifact must not be called so", where=str(path), way_out="Rename the image")
    if not path.is_file() or path.stat().st_size != one.size:
        raise StoreError("it is not what was made", where=str(path), way_out="Build it again")


def _is_link(path: Path, target: Path) -> bool:
    try:
        return path.lstat().st_ino == target.stat().st_ino
    except FileNotFoundError:
        return False


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""
