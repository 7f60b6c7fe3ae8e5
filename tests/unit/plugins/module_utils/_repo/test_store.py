# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's places, its lock, and trees that come whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, disk_errors, open_store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import existing_mirror, mirrored
from unit.plugins.module_utils._repo.stores import make_store, mirror


def test_layout(tmp_path: Path) -> None:
    store = Store(tmp_path)

    assert store.object("ab12") == tmp_path / "objects/sha256/ab/ab12"
    assert store.tree("os", "cd") == tmp_path / "trees/os/cd"
    assert store.record("os", "cd") == tmp_path / "trees/os/cd.json"


def test_a_tree_is_hard_links_into_objects(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    record = mirror(store, "baseos", "two")
    obj = store.object(record.repomd_sha256)

    link = tmp_path / "store" / "mirrors" / "baseos"
    assert str(link.readlink()) == f"../trees/baseos/{record.repomd_sha256}"
    assert (link / "repodata" / "repomd.xml").samefile(obj)
    assert obj.stat().st_nlink == 2
    assert obj.stat().st_mode & 0o7777 == 0o444
    assert mirrored(store, "baseos") == record


def test_a_web_server_can_read_it_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_store(tmp_path / "store")
    finally:
        os.umask(before)
    for path in (tmp_path / "store").rglob("*"):
        if path.name != "store.lock":
            assert path.stat().st_mode & 0o044 == 0o044, path


def test_mirror_without_its_tree(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    record = existing_mirror(store, "baseos")
    store.record("baseos", record.repomd_sha256).unlink()

    with pytest.raises(StoreError, match="the mirror points at a tree that is not complete"):
        mirrored(store, "baseos")


def test_no_mirror(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"extras: there is no mirror of this repository\. Sync it first"):
        existing_mirror(make_store(tmp_path), "extras")


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no store here"):
        open_store(str(tmp_path))


def test_a_writer_clears_what_dead_ones_left(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    (tmp_path / "trees/baseos/.half/repodata").mkdir(parents=True)
    (tmp_path / "snapshots/.half").mkdir(parents=True)
    (tmp_path / "mirrors/.link").symlink_to("nowhere")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "partial/baseos").mkdir(parents=True)
    old, new = tmp_path / "partial/baseos/old", tmp_path / "partial/baseos/new"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))

    with store.lock():
        assert list(store.scratch.iterdir()) == []

    assert not list(tmp_path.rglob(".*"))
    assert not store.scratch.exists()
    assert (old.exists(), new.exists()) == (False, True), "a fresh download may still be resumed"


def test_disk_errors(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, disk_errors(Store(tmp_path)):
        (tmp_path / "none").read_text()
    assert str(caught.value) == f"{tmp_path}/none: no such file or directory"
