# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Repair a store: bring back what is lost, or take what is damaged away from clients.

A file comes from wherever it is still whole: the objects, a tree, its upstream. If it is nowhere, its
damaged copies go into quarantine, and the trees that had it are no longer whole: the next sync fetches it
for its mirror, and the next repair gives it back to older trees. Wherever a run is killed, the next one
finds the same faults, or those that are left. What images lost comes back when they are published again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._repo.dated import write_at_map
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import (
    Store,
    disk_errors,
    make_directory,
    writable,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import read_record
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify import (
    Verified,
    check_trees,
    merge,
    trees_of,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import (
    LINK,
    MANIFEST,
    MODE,
    RECORD,
    Fault,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fetch import Fetcher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_images import check_images
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_links import check_links, used_trees
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_manifest import mend_manifest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_record import TreeName


@dataclass(frozen=True)
class Repaired:
    """What was done, by the path of the fault, and the faults that are left."""

    done: Mapping[str, str]
    left: tuple[Fault, ...]


def repair(store: Store, runner: Runner, verified: Verified, repositories: Sequence[Repository]) -> Repaired:
    """Do what can be done about the faults; `repositories` say where lost files may be fetched again.

    Raises StoreError if another run is writing.
    """
    with disk_errors(store), store.lock():
        return asyncio.run(_repair(store, runner, verified, repositories))


async def _repair(
    store: Store, runner: Runner, verified: Verified, repositories: Sequence[Repository]
) -> Repaired:
    """Again and again, for only metadata that is whole tells what else is lost."""
    done: dict[str, str] = {}
    faults: Sequence[Fault] = verified.faults
    async with Fetcher(store, repositories) as fetcher:
        work = _Repair(store, verified, fetcher)
        while new := [fault for fault in faults if fault.path not in done]:
            # Files first: a link or a record may be good again when they are.
            for fault in [fault for fault in new if fault.file] or new:
                done[fault.path] = await work.mend(fault)
            runner.run(["sync", "--file-system", str(store.root)])
            faults = _look_again(store, runner, verified, faults, done)
    return Repaired({path: what for path, what in done.items() if what}, tuple(faults))


def _look_again(
    store: Store, runner: Runner, verified: Verified, faults: Iterable[Fault], done: Mapping[str, str]
) -> list[Fault]:
    used = used_trees(store)
    touched = {name for fault in faults for name in trees_of(fault)}
    touched |= {name for name in used if not store.tree(*name).is_dir()}
    others = [fault for fault in verified.objects.faults if not fault.file and not done.get(fault.path)]
    trees = check_trees(store, runner, verified.objects, sorted(touched))
    images = check_images(store, runner, verified.objects, verified.keys)
    return [*merge(store, [*others, *trees, *images]), *check_links(store, runner, verified.keys)]


class _Repair:
    def __init__(self, store: Store, verified: Verified, fetcher: Fetcher) -> None:
        self._store = store
        self._objects = verified.objects
        self._fetcher = fetcher

    async def mend(self, fault: Fault) -> str:
        """Do what can be done about one fault; returns that in words, "" if it is nothing."""
        path = self._store.root / fault.path
        if fault.file is not None:
            return await self._file(fault, fault.file)
        if fault.what == MODE:
            path.chmod(0o555 if path.is_dir() else 0o444)
            return "mode set"
        if fault.what == LINK:
            return self._link(fault, path)
        if fault.what == MANIFEST:
            return mend_manifest(self._store, fault)
        if fault.what == RECORD and fault.record is not None:
            write_json(path, asdict(fault.record))
            return "written anew"
        return ""

    async def _file(self, fault: Fault, file: RemoteFile) -> str:
        source = self._at_hand(fault, file)
        if source:
            done = "linked"
        else:
            source, why = await self._fetcher.fetch(file, fault.repositories)
            done = "fetched" if source else self._quarantine(fault, file, why)
        if source:
            status = self._store.object(source).stat()
            self._objects.bad.pop(status.st_ino, None)  # a number that was free again
            self._objects.good.add(status.st_ino)
            for place in fault.places:
                self._link_file(source, self._store.root / place)
        return done

    def _at_hand(self, fault: Fault, file: RemoteFile) -> str:
        """The sha256 of the file if the store still has it, then as an object, or ""."""
        places = [self._store.root / place for place in fault.places]
        if file.algorithm == "sha256":
            places.insert(0, self._store.object(file.digest))
        for place in places:
            digest = _sha256(place, file)
            if digest:
                place.chmod(0o444)
                self._link_file(digest, self._store.object(digest), place)
                return digest
        return ""

    def _link_file(self, digest: str, place: Path, source: Path | None = None) -> None:
        """Make `place` a link to `source`, or to the object; in one step."""
        source = source or self._store.object(digest)
        if place.exists() and place.samefile(source):
            return
        make_directory(place.parent)
        new = self._store.scratch / digest
        new.unlink(missing_ok=True)
        os.link(source, new)
        with writable(place.parent):
            new.replace(place)

    def _quarantine(self, fault: Fault, file: RemoteFile, why: str) -> str:
        """Mark its trees before anything goes, so that a sync never takes one of them for whole."""
        for name in trees_of(fault):
            self._mark(name)
        paths = [self._store.root / place for place in fault.places]
        if file.algorithm == "sha256":
            paths.append(self._store.object(file.digest))
        bad = [path for path in paths if path.exists() and not _sha256(path, file)]
        if not bad:
            return ""
        cell = self._store.quarantine / file.digest
        cell.parent.mkdir(mode=0o700, exist_ok=True)
        told = cell.with_name(f"{cell.name}.json")
        if not told.exists():  # a run that was killed knew more
            write_json(told, {**fault.to_dict(), "places": fault.places})
        if not cell.exists():
            os.link(bad[0], cell)
        sync_directory(cell.parent)
        for path in bad:
            with writable(path.parent):
                path.unlink()
        return f"quarantined: {why}"

    def _mark(self, name: TreeName) -> None:
        try:
            record = read_record(self._store, *name)
        except FleetError:
            return
        if record is not None and record.whole:
            write_json(self._store.record(*name), asdict(replace(record, whole=False)))

    def _link(self, fault: Fault, link: Path) -> str:
        if fault.path == "at.map":
            write_at_map(self._store)
            return "written anew"
        if link.exists() and not link.is_symlink():
            return ""
        if not fault.target:
            link.unlink(missing_ok=True)
            return "removed"
        new = self._store.scratch / "link"
        new.symlink_to(fault.target)
        with writable(link.parent):
            new.replace(link)
        return "set"


def _sha256(path: Path, file: RemoteFile) -> str:
    """The sha256 of what stands at `path`, if that is `file`, or ""."""
    hasher = Hasher(file.algorithm)
    try:
        hasher.feed_file(path)
    except OSError:
        return ""
    return hasher.sha256 if hasher.digest == file.digest else ""
