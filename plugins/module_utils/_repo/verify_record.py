# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Hold the record of a tree against what its metadata says."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import TreeRecord, read_record
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import RECORD, Fault


class TreeName(t.NamedTuple):
    """A tree of a store."""

    repository: str
    tree: str


@dataclass(frozen=True)
class Contents:
    """What a whole tree has: packages, bytes of all files, and the revision that upstream gave it."""

    packages: int
    bytes: int
    revision: str


def check_record(store: Store, name: TreeName, contents: Contents | None) -> Fault | None:
    """The fault of the record of a tree, if there is one; `contents` is None if the tree is not whole."""
    try:
        record = read_record(store, *name)
    except FleetError as error:
        return _fault(store, name, error.what, _anew(name, contents))
    if record is None:
        return _fault(store, name, "there is none", _anew(name, contents))
    if (record.repository, record.tree) != name:
        return _fault(store, name, "it is of another tree", _anew(name, contents))
    if contents is None:
        return None
    right = replace(record, packages=contents.packages, bytes=contents.bytes, whole=True)
    wrong = [key for key in ("packages", "bytes", "whole") if getattr(record, key) != getattr(right, key)]
    return _fault(store, name, f"it is wrong about: {', '.join(wrong)}", right) if wrong else None


def _anew(name: TreeName, contents: Contents | None) -> TreeRecord | None:
    """A record that claims no check of a signature, so that the next sync makes them all again."""
    if contents is None:
        return None
    repomd, _dash, signature = name.tree.partition("-")
    return TreeRecord(
        repository=name.repository,
        repomd_sha256=repomd,
        revision=contents.revision,
        packages=contents.packages,
        bytes=contents.bytes,
        gpgcheck=False,
        repo_gpgcheck=False,
        keyring="",
        upstream="",
        synced="",
        signature_sha256=signature,
    )


def _fault(store: Store, name: TreeName, why: str, right: TreeRecord | None) -> Fault:
    return Fault(
        RECORD,
        str(store.record(*name).relative_to(store.root)),
        why,
        places=(f"trees/{name.repository}/{name.tree}",),
        repositories=(name.repository,),
        record=right,
    )
