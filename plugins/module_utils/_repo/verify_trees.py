# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Hold a tree against its own metadata: every file that it names must be there, as a link to its object."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import (
    REPOMD,
    SIGNATURE,
    RemoteFile,
    Tolerance,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.primary import parse_primary
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import parse_repomd
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.unpack import unpack
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import (
    DAMAGED,
    FOREIGN,
    MISSING,
    Fault,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_objects import Objects
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_record import (
    Contents,
    TreeName,
    check_record,
)

WEAK = Tolerance(weak_digests=True)  # that was decided when it was synced


def check_tree(store: Store, runner: Runner, objects: Objects, name: TreeName) -> list[Fault]:
    """All that is wrong with a tree and its record. Each fault of a file has one place: this tree."""
    check = _Check(store, runner, objects, name)
    faults = list(check.files())
    record = check_record(store, name, None if faults else check.contents)
    return [*faults, record] if record else faults


class _Check:
    def __init__(self, store: Store, runner: Runner, objects: Objects, name: TreeName) -> None:
        self._store = store
        self._runner = runner
        self._objects = objects
        self._name = name
        self._path = store.tree(*name)
        self._found = dict(_files(self._path))
        self._bytes = sum(status.st_size for status in self._found.values())
        self.contents: Contents | None = None

    def files(self) -> Iterator[Fault]:
        """From the top down: a file that is wrong cannot say what others must be."""
        repomd, _dash, signature = self._name.tree.partition("-")
        top = [RemoteFile(REPOMD, "sha256", repomd, 0)]
        top += [RemoteFile(SIGNATURE, "sha256", signature, 0)] if signature else []
        broken = [fault for fault in map(self._check, top) if fault]
        yield from broken
        if all(fault.file != top[0] for fault in broken):
            try:
                yield from self._named()
            except FleetError as error:
                yield self._fault(DAMAGED, "repodata", f"its metadata cannot be read: {error}")
        yield from self._unnamed()

    def _named(self) -> Iterator[Fault]:
        repomd = parse_repomd(self._path / REPOMD, repository=self._name.repository, weak=True)
        primary_is_good = True
        for record in repomd.records:
            fault = self._check(record.file)
            if fault:
                yield fault
                primary_is_good &= record.kind != "primary"
        if not primary_is_good:
            return
        with tempfile.TemporaryDirectory() as scratch:
            primary = Path(scratch) / "primary.xml"
            where = f"{self._name.repository}: {repomd.primary.file.href}"
            unpack(self._runner, self._path / repomd.primary.file.href, primary, repomd.primary, where=where)
            packages = parse_primary(primary, repository=self._name.repository, tolerance=WEAK)
        wanted = {package.file for package in packages}
        for file in sorted(wanted):
            fault = self._check(file)
            if fault:
                yield fault
        self.contents = Contents(len(wanted), self._bytes, repomd.revision)

    def _unnamed(self) -> Iterator[Fault]:
        """What nothing asks for may stand beside it, if it is an object."""
        for href, status in self._found.items():
            if status.st_ino in self._objects.bad:
                file = RemoteFile(href, "sha256", self._objects.bad[status.st_ino], status.st_size)
                yield self._fault(DAMAGED, href, "", status.st_size, file)
            elif status.st_ino not in self._objects.good and not self._is_object(href, status):
                yield self._fault(FOREIGN, href, "it is no link to an object", status.st_size)

    def _check(self, file: RemoteFile) -> Fault | None:
        status = self._found.pop(file.href, None)
        if status is None:
            return self._fault(MISSING, file.href, "the tree does not have it", file.size, file)
        if status.st_ino in self._objects.bad:
            file = file._replace(algorithm="sha256", digest=self._objects.bad[status.st_ino])
            return self._fault(DAMAGED, file.href, "", status.st_size, file)
        if file.algorithm == "sha256" and status.st_ino in self._objects.good:
            # Its content is known, by the name of the object that it is a link to.
            if _inode(self._store.object(file.digest)) == status.st_ino:
                return None
            return self._fault(DAMAGED, file.href, "it is another file", status.st_size, file)
        hasher = Hasher(file.algorithm)
        hasher.feed_file(self._path / file.href)
        if hasher.digest != file.digest:
            why = f"its {file.algorithm} is {hasher.digest}"
            return self._fault(DAMAGED, file.href, why, status.st_size, file)
        if _inode(self._store.object(hasher.sha256)) != status.st_ino:
            file = file._replace(algorithm="sha256", digest=hasher.sha256)
            return self._fault(MISSING, file.href, "the objects do not have it", status.st_size, file)
        return None

    def _is_object(self, href: str, status: os.stat_result) -> bool:
        """A sync may have brought it since the objects were read."""
        hasher = Hasher("sha256")
        hasher.feed_file(self._path / href)
        return _inode(self._store.object(hasher.sha256)) == status.st_ino

    def _fault(self, what: str, href: str, why: str, size: int = 0, file: RemoteFile | None = None) -> Fault:
        place = f"trees/{self._name.repository}/{self._name.tree}/{href}"
        path = place
        if file is not None and file.algorithm == "sha256":
            path = str(self._store.object(file.digest).relative_to(self._store.root))
        return Fault(what, path, why, size, (place,), (self._name.repository,), file=file)


def _files(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file in it, by its place, with its status."""
    for path in tree.rglob("*"):
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            yield str(path.relative_to(tree)), status


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
