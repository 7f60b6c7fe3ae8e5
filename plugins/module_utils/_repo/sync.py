# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Sync a set of repos: each complete and verified, and all of the same moment, or nothing changes."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    AllErrors,
    FleetError,
    StoreError,
    UpstreamError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.head import Head
from ansible_collections.osaas.fleet.plugins.module_utils._repo.keys import open_keys
from ansible_collections.osaas.fleet.plugins.module_utils._repo.listing import write_listing
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Repository, unique_names
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repository import RepositorySync, Staged
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, disk_errors
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import TreeRecord, build_tree, publish
from ansible_collections.osaas.fleet.plugins.module_utils._repo.upstream import Upstream, open_session

ROUNDS = 5  # states of upstream that we run after before we say that it does not hold still


@dataclass(frozen=True)
class Synced:
    """What a sync did with one repo; what only packages tell is None if no more than its head was read."""

    name: str
    changed: bool
    repomd_sha256: str
    revision: str
    packages: int | None
    bytes: int | None
    downloaded_files: int
    downloaded_bytes: int
    gpgcheck: bool
    repo_gpgcheck: bool
    derived: tuple[str, ...] | None
    left_out: tuple[str, ...] | None
    treeinfo: bool | None


def sync(
    store: Store, repositories: Sequence[Repository], runner: Runner, key: SigningKey | None
) -> list[Synced]:
    """Bring the mirrors of `repositories` to the state of their upstreams; says what was done, in order.

    Raises InputError, UpstreamError, VerificationError, StoreError or AllErrors; then no mirror moved.
    """
    unique_names(repositories)
    with disk_errors(store), store.lock():
        return asyncio.run(_sync(store, repositories, runner, key))


def preview(
    store: Store, repositories: Sequence[Repository], runner: Runner, key: SigningKey | None
) -> list[Synced]:
    """What sync() would change, by reading and verifying the heads alone. Writes nothing into the store."""
    unique_names(repositories)
    with tempfile.TemporaryDirectory() as scratch:
        return asyncio.run(_preview(store, repositories, runner, key, Path(scratch)))


async def _sync(
    store: Store, repositories: Sequence[Repository], runner: Runner, key: SigningKey | None
) -> list[Synced]:
    async with _open(store, repositories, runner, key, store.scratch) as syncs:
        staged = await _settle(syncs)
        if staged:
            for new in staged.values():
                write_listing(
                    store.listing(new.record.repository, new.record.tree), new.packages, new.objects
                )
                build_tree(store, new.record, new.objects)
            # One flush for all objects and trees, before anything points at them.
            runner.run(["sync", "--file-system", str(store.root)])
        for name, new in staged.items():
            publish(store, new.record)
            shutil.rmtree(store.partial(name))
        return [_synced(one, staged.get(one.name)) for one in syncs]


async def _preview(
    store: Store, repositories: Sequence[Repository], runner: Runner, key: SigningKey | None, scratch: Path
) -> list[Synced]:
    async with _open(store, repositories, runner, key, scratch) as syncs:
        heads = await _heads(syncs)
        return [_foreseen(one, head) for one, head in zip(syncs, heads)]


async def _settle(syncs: Sequence[RepositorySync]) -> dict[str, Staged]:
    """Stage until a last look at all heads finds nothing new: a state that all repos had at one time.

    What fails is raised only if upstream still offers the very state that failed.
    """
    staged: dict[str, Staged] = {}
    failed: dict[str, tuple[str, FleetError]] = {}
    for _round in range(ROUNDS):
        heads = dict(zip(syncs, await _heads(syncs)))
        errors = [
            failed[one.name][1]
            for one, head in heads.items()
            if failed.get(one.name, ("",))[0] == head.digest
        ]
        if errors:
            raise errors[0] if len(errors) == 1 else AllErrors(errors)
        behind = {one: head for one, head in heads.items() if not _is_done(one, head, staged)}
        if not behind:
            return staged
        for one in behind:
            staged.pop(one.name, None)
        outcomes = await asyncio.gather(*(_stage(one, head) for one, head in behind.items()))
        for (one, head), outcome in zip(behind.items(), outcomes):
            if isinstance(outcome, FleetError):
                failed[one.name] = head.digest, outcome
            elif outcome is not None:
                staged[one.name] = outcome
    raise UpstreamError(
        f"upstream changed during each of {ROUNDS} tries",
        where=", ".join(one.name for one in behind),
        way_out="Nothing was published; run again when upstream holds still",
    )


def _is_done(one: RepositorySync, head: Head, staged: Mapping[str, Staged]) -> bool:
    new = staged.get(one.name)
    return one.is_mirrored(head) if new is None else new.upstream == head.digest


async def _stage(one: RepositorySync, head: Head) -> Staged | FleetError | None:
    """A value for each way it can end, so that one bad repo does not hide what is wrong with the others."""
    try:
        return None if one.is_mirrored(head) else await one.stage(head)
    except FleetError as error:
        return error


async def _heads(syncs: Sequence[RepositorySync]) -> list[Head]:
    outcomes = await asyncio.gather(*(one.head() for one in syncs), return_exceptions=True)
    heads = [outcome for outcome in outcomes if isinstance(outcome, Head)]
    errors = [outcome for outcome in outcomes if isinstance(outcome, FleetError)]
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, FleetError):
            raise outcome
    if errors:
        raise errors[0] if len(errors) == 1 else AllErrors(errors)
    return heads


@asynccontextmanager
async def _open(
    store: Store, repositories: Sequence[Repository], runner: Runner, key: SigningKey | None, scratch: Path
) -> AsyncIterator[list[RepositorySync]]:
    """One RepositorySync for each repo, with keyrings and scratch of its own, over one HTTP session."""
    async with open_session() as session:
        syncs = []
        for repository in repositories:
            own = scratch / repository.name
            own.mkdir(mode=0o700)
            keys = open_keys(runner, repository, own)
            upstream = Upstream(session, repository)
            syncs.append(RepositorySync(store, repository, upstream, keys, runner, own, key))
        yield syncs


def _synced(one: RepositorySync, staged: Staged | None) -> Synced:
    record = staged.record if staged else one.mirror
    if record is None:
        raise StoreError("the mirror vanished during the sync", where=one.name, way_out="Run again")
    return Synced(
        name=one.name,
        changed=staged is not None and not _is_same(one.mirror, staged.record),
        repomd_sha256=record.repomd_sha256,
        revision=record.revision,
        packages=record.packages,
        bytes=record.bytes,
        downloaded_files=one.upstream.downloaded_files,
        downloaded_bytes=one.upstream.downloaded_bytes,
        gpgcheck=record.gpgcheck,
        repo_gpgcheck=record.repo_gpgcheck,
        derived=record.derived,
        treeinfo=record.treeinfo,
        left_out=record.left_out,
    )


def _is_same(mirror: TreeRecord | None, record: TreeRecord) -> bool:
    return mirror is not None and replace(mirror, synced=record.synced) == record


def _foreseen(one: RepositorySync, head: Head) -> Synced:
    if one.is_mirrored(head):
        return _synced(one, None)
    return Synced(
        name=one.name,
        changed=True,
        repomd_sha256=head.digest,
        revision=head.repomd.revision,
        packages=None,
        bytes=None,
        downloaded_files=0,
        downloaded_bytes=0,
        gpgcheck=one.repository.gpgcheck,
        repo_gpgcheck=one.repository.repo_gpgcheck,
        derived=None,
        treeinfo=None,
        left_out=None,
    )
