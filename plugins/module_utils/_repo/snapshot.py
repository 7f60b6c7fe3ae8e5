# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Snapshots: immutable dated cuts over a set of mirrors, each a manifest and one link per repo."""

from __future__ import annotations

import json
import tempfile
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, sync_directory, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID, snapshot_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.dated import write_at_map
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import (
    Store,
    disk_errors,
    make_directory,
    tree_name,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import existing_mirror, mirror_names

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Part:
    """One repo in a snapshot. `signature_sha256` is that of repomd.xml.asc, "" if there is none."""

    repomd_sha256: str
    revision: str
    packages: int
    bytes: int
    gpgcheck: bool
    repo_gpgcheck: bool
    signature_sha256: str = ""

    @property
    def tree(self) -> str:
        """The name of its tree."""
        return tree_name(self.repomd_sha256, self.signature_sha256)


@dataclass(frozen=True)
class Manifest:
    """What a snapshot is. `created` is ISO 8601, UTC; `parent` is the id of the one cut before it."""

    id: str
    created: str
    parent: str | None
    creator: str | None
    repositories: Mapping[str, Part]

    @property
    def digest(self) -> str:
        """The release digest: sha256 over the canonical JSON of repo names and the names of their trees."""
        digests = {name: part.tree for name, part in self.repositories.items()}
        return sha256(json.dumps(digests, sort_keys=True, separators=(",", ":")).encode())

    def to_dict(self) -> dict[str, t.Any]:
        """As it stands in manifest.json."""
        return {
            **asdict(self),
            "packages": sum(part.packages for part in self.repositories.values()),
            "bytes": sum(part.bytes for part in self.repositories.values()),
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> Manifest:
        """The inverse of to_dict(). Raises KeyError or TypeError if it is none."""
        parts = {name: Part(**part) for name, part in raw["repositories"].items()}
        return cls(raw["id"], raw["created"], raw["parent"], raw["creator"], parts)


def snapshots(store: Store) -> list[Manifest]:
    """All snapshots, newest first."""
    ids = [path.name for path in store.snapshots.glob("*") if SNAPSHOT_ID.fullmatch(path.name)]
    return [read_snapshot(store, name) for name in sorted(ids, reverse=True)]


def read_snapshot(store: Store, name: str) -> Manifest:
    """The snapshot with this id. Raises InputError if there is none, StoreError if it is damaged."""
    path = store.snapshots / name / MANIFEST
    try:
        raw = read_json(path)
        if raw is None:
            raise InputError(
                "there is no such snapshot", where=name, way_out=f"See those in {store.snapshots}"
            )
        manifest = Manifest.from_dict(raw)
        if raw["digest"] != manifest.digest:
            raise StoreError("the manifest does not fit its digest", where=str(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"the manifest is damaged: {error!r}", where=str(path)) from error
    return manifest


@dataclass(frozen=True)
class Cut:
    """The outcome of a cut. `before` is the newest snapshot when it began."""

    changed: bool
    manifest: Manifest
    before: Manifest | None


def plan_cut(
    existing: Sequence[Manifest], parts: Mapping[str, Part], *, now: datetime, creator: str | None
) -> Cut:
    """Decide which snapshot holds `parts`: one of the `existing` (newest first), or a new one.

    A new one is later than all others, by a second at least, whatever the clock says: order is age.
    """
    before = existing[0] if existing else None
    for manifest in existing:
        if manifest.repositories == parts:
            return Cut(False, manifest, before)
    moment = now.replace(microsecond=0)
    if before is not None:
        moment = max(moment, datetime.fromisoformat(before.created) + timedelta(seconds=1))
    parent = before.id if before is not None else None
    return Cut(True, Manifest(snapshot_id(moment), moment.isoformat(), parent, creator, parts), before)


def preview_cut(store: Store, names: Sequence[str], *, creator: str | None) -> Cut:
    """What cut() would do. Raises InputError if a repo has no mirror, or there is none at all."""
    parts = {name: _part(store, name) for name in sorted(set(names or mirror_names(store)))}
    if not parts:
        raise InputError(
            "there is no mirror to cut", where=str(store.root), way_out="Sync a repository first"
        )
    return plan_cut(snapshots(store), parts, now=datetime.now(timezone.utc), creator=creator)


def cut(store: Store, names: Sequence[str], *, creator: str | None) -> Cut:
    """Cut the mirrors of `names` (all, if empty) as one unit; costs one link for each repo."""
    with disk_errors(store), store.lock():
        planned = preview_cut(store, names, creator=creator)
        if planned.changed:
            _write(store, planned.manifest)
        write_at_map(store)  # also where a killed run cut and came no further
    return planned


def _part(store: Store, name: str) -> Part:
    record = existing_mirror(store, name)
    return Part(
        repomd_sha256=record.repomd_sha256,
        revision=record.revision,
        packages=record.packages,
        bytes=record.bytes,
        gpgcheck=record.gpgcheck,
        repo_gpgcheck=record.repo_gpgcheck,
        signature_sha256=record.signature_sha256,
    )


def _write(store: Store, manifest: Manifest) -> None:
    make_directory(store.snapshots)
    half = Path(tempfile.mkdtemp(prefix=f".{manifest.id}.", dir=store.snapshots))
    for name, part in manifest.repositories.items():
        (half / name).symlink_to(f"../../trees/{name}/{part.tree}")
    write_json(half / MANIFEST, manifest.to_dict(), mode=0o444)
    half.chmod(0o555)
    half.rename(store.snapshots / manifest.id)
    sync_directory(store.snapshots)
