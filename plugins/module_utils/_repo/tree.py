# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Trees: complete, immutable published states of a repo, and the mirrors that point at the newest ones."""

from __future__ import annotations

import os
import tempfile
import typing as t
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._files import (
    link_atomic,
    read_json,
    sync_directory,
    write_json,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import (
    Store,
    make_directory,
    tree_name,
)


@dataclass(frozen=True)
class TreeRecord:
    """What is known of a tree. `bytes` counts every file in it; `synced` is ISO 8601, UTC.

    `keyring` is the digest of the operator's keys that the signatures were checked with, as far as
    `gpgcheck` (packages) and `repo_gpgcheck` (repomd.xml) say that they were.
    `derived` says why its metadata is the site's own, signed by the site; it is empty for metadata that is
    the upstream's, byte for byte. `upstream_sha256` is the digest of the upstream's repomd.xml, and `rules`
    the operator's choice of packages, which a verbatim tree happens to satisfy.
    `signature_sha256` is the digest of repomd.xml.asc, "" if there is none. `left_out` are the kinds of
    records that upstream has and derived metadata has not. A tree that is not `whole` has lost damaged files
    to the quarantine. `treeinfo` says that it has the images of an installer.
    """

    repository: str
    repomd_sha256: str
    revision: str
    packages: int
    bytes: int
    gpgcheck: bool
    repo_gpgcheck: bool
    keyring: str
    upstream: str
    synced: str
    derived: tuple[str, ...] = ()
    upstream_sha256: str = ""
    rules: tuple[str, ...] = ()
    signature_sha256: str = ""
    left_out: tuple[str, ...] = ()
    whole: bool = True
    treeinfo: bool = False

    @property
    def tree(self) -> str:
        """The name of its tree."""
        return tree_name(self.repomd_sha256, self.signature_sha256)


def read_record(store: Store, repository: str, tree: str) -> TreeRecord | None:
    """The record of a tree, if there is one. Raises StoreError if it is damaged."""
    path = store.record(repository, tree)
    try:
        raw: t.Any = read_json(path)
        if raw is None:
            return None
        for listing in ("derived", "rules", "left_out"):
            raw[listing] = tuple(raw.get(listing, ()))
        return TreeRecord(**raw)
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            "the record of this tree is damaged", where=str(path), way_out="Repair it with store_verify"
        ) from error


def is_whole(store: Store, repository: str, tree: str) -> bool:
    """Whether this tree is there, and lost nothing to the quarantine."""
    record = read_record(store, repository, tree)
    return record is not None and record.whole and store.tree(repository, tree).is_dir()


def mirrored(store: Store, repository: str) -> TreeRecord | None:
    """The record of the tree that the mirror of `repository` points at, if there is a whole one."""
    link = store.mirrors / repository
    if not link.is_symlink():
        return None
    name = link.readlink().name
    record = read_record(store, repository, name)
    if record is None or not store.tree(repository, name).is_dir():
        raise StoreError(
            "the mirror points at a tree that is not complete",
            where=str(link),
            way_out="Remove this link and sync the repository again",
        )
    return record if record.whole else None


def existing_mirror(store: Store, repository: str) -> TreeRecord:
    """Like mirrored(). Raises InputError if there is none."""
    record = mirrored(store, repository)
    if record is None:
        what = "there is no mirror of this repository"
        if (store.mirrors / repository).is_symlink():
            what = "damaged files of this mirror are in quarantine"
        raise InputError(what, where=repository, way_out="Sync it first")
    return record


def mirror_names(store: Store) -> list[str]:
    """The names of all mirrors, sorted."""
    return sorted(link.name for link in store.mirrors.iterdir() if not link.name.startswith("."))


def build_tree(store: Store, record: TreeRecord, objects: Mapping[str, str]) -> None:
    """Make the tree of `objects` (href -> sha256) beside its place, then rename it; the record is first."""
    target = store.tree(record.repository, record.tree)
    make_directory(target.parent)
    record_path = store.record(record.repository, record.tree)
    if target.is_dir():
        _complete(store, target, objects)
        write_json(record_path, asdict(record))
        return
    half = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    half.chmod(0o755)
    made = {""}
    for href, sha256 in objects.items():
        directory = href.rpartition("/")[0]
        if directory not in made:
            make_directory(half / directory)
            made.add(directory)
        os.link(store.object_name(sha256), f"{half}/{href}")
    write_json(record_path, asdict(record))
    half.replace(target)
    sync_directory(target.parent)


def _complete(store: Store, tree: Path, objects: Mapping[str, str]) -> None:
    """Give a tree back what the quarantine took."""
    for href, sha256 in objects.items():
        place = tree / href
        if not place.exists():
            make_directory(place.parent)
            os.link(store.object(sha256), place)


def publish(store: Store, record: TreeRecord) -> None:
    """Point the mirror at this tree, in one step; the one before stays reachable for those half way in it."""
    make_directory(store.mirrors)
    link = store.mirrors / record.repository
    if link.is_symlink() and link.readlink().name != record.tree:
        make_directory(store.superseded / "mirrors")
        link_atomic(store.superseded / "mirrors" / record.repository, f"../{link.readlink()}")
    link_atomic(store.mirrors / record.repository, f"../trees/{record.repository}/{record.tree}")
