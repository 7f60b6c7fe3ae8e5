# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores with mirrors in them, made without any upstream."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._repo.cut import Cut, Order
from ansible_collections.osaas.fleet.plugins.module_utils._repo.cut import cut as cut_order
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import TreeRecord, build_tree, publish


def mirror(store: Store, repository: str, state: str, *, gpgcheck: bool = True) -> TreeRecord:
    """Let the mirror of `repository` be a state whose repomd.xml holds just this text; returns its record."""
    digest = sha256(state.encode())
    with store.lock():
        file = store.scratch / "repomd.xml"
        file.write_text(state)
        store.adopt(file, digest)
        record = TreeRecord(
            repository=repository,
            repomd_sha256=digest,
            revision=state,
            packages=len(state),
            bytes=10 * len(state),
            gpgcheck=gpgcheck,
            repo_gpgcheck=True,
            keyring="0" * 64,
            upstream="http://upstream.invalid/",
            synced="2026-11-22T17:44:00+00:00",
        )
        build_tree(store, record, {"repodata/repomd.xml": digest})
        publish(store, record)
    return record


class NoRunner:
    """For what needs no program."""

    def run(self, argv: Sequence[str], **_options: Any) -> Completed:
        raise AssertionError(f"nothing is to be run: {argv}")

    def warn(self, message: str) -> None:
        raise AssertionError(message)


def cut(store: Store, *, creator: str | None = None) -> Cut:
    """Cut all mirrors, without holds."""
    return cut_order(store, NoRunner(), Order(creator=creator)).cut


def make_store(root: Path) -> Store:
    """A store with two mirrors."""
    store = Store(root)
    mirror(store, "baseos", "one")
    mirror(store, "appstream", "one and a bit")
    return store
