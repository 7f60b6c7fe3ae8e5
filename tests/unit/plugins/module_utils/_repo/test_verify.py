# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a verification: objects, links, records, and one fault for each file."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._repo import verify_objects
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import move
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import existing_mirror
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify import merge
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import Fault
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_links import check_links, used_trees
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_objects import read_objects
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_record import (
    Contents,
    TreeName,
    check_record,
)
from unit.plugins.module_utils._repo.stores import NoRunner, cut, make_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two mirrors, which are two objects."""
    return make_store(tmp_path / "store")


def silent(_line: str) -> None:
    raise AssertionError("a short run has nothing to tell")


def test_good_objects(store: Store) -> None:
    objects = read_objects(store, silent)

    assert (objects.files, objects.bytes) == (2, len("one") + len("one and a bit"))
    assert len(objects.good) == 2
    assert (objects.bad, objects.faults, objects.unneeded) == ({}, [], 0)


def test_every_kind_of_bad_object(store: Store) -> None:
    damaged, open_to_all = sorted(store.root.glob("objects/sha256/*/*"))
    for path in (damaged, open_to_all):
        path.chmod(0o644)
    damaged.write_text("two")
    damaged.chmod(0o444)
    stranger = damaged.with_name("readme")
    stranger.write_text("mine")

    objects = read_objects(store, silent)

    two = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
    assert sorted((fault.what, Path(fault.path).name, fault.why) for fault in objects.faults) == [
        ("damaged", damaged.name, f"its sha256 is {two}"),
        ("foreign", "readme", "no object has this place"),
        ("mode", open_to_all.name, "its mode is 0644, not 0444"),
    ]
    assert objects.bad == {damaged.stat().st_ino: damaged.name}


def test_an_object_that_no_tree_has(store: Store) -> None:
    with store.lock():
        file = store.scratch / "file"
        file.write_text("two")
        store.adopt(file, "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3")

    objects = read_objects(store, silent)

    assert (objects.unneeded, objects.unneeded_bytes, objects.faults) == (1, 3, [])


def test_a_long_run_tells_how_far_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_objects, "TELL_SECONDS", -1)
    told: list[str] = []
    read_objects(store, told.append)

    assert told[-1] == f"{store.root}: 2 of 2 directories of objects read, 0 MiB, 0 files damaged"


def test_good_links(store: Store) -> None:
    name = cut(store).manifest.id
    move(store, "stable", name, who="me", reason="test")

    assert list(check_links(store, NoRunner(), ())) == []
    assert set().union(*used_trees(store).values()) == {name}


def test_links_that_leave_the_store(store: Store, tmp_path: Path) -> None:
    for name in ("mirrors/baseos", "channels/stable", "superseded/mirrors/appstream"):
        link = store.root / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(tmp_path)

    assert sorted((fault.what, fault.path, fault.why) for fault in check_links(store, NoRunner(), ())) == [
        ("link", "channels/stable", f"it points at {tmp_path}"),
        ("link", "mirrors/baseos", f"it points at {tmp_path}"),
        ("link", "superseded/mirrors/appstream", f"it points at {tmp_path}"),
    ]


def test_a_link_to_nothing(store: Store) -> None:
    link = store.mirrors / "baseos"
    link.unlink()
    link.symlink_to("../trees/baseos/gone")

    [fault] = check_links(store, NoRunner(), ())
    assert fault.why == "it points at ../trees/baseos/gone, which is not there"


def test_records(store: Store) -> None:
    record = existing_mirror(store, "baseos")
    name = TreeName("baseos", record.tree)
    contents = Contents(record.packages, record.bytes, record.revision)
    assert check_record(store, name, contents) is None

    fault = check_record(store, name, replace(contents, packages=7, bytes=8))
    assert fault is not None
    assert fault.why == "it is wrong about: packages, bytes"
    assert fault.record == replace(record, packages=7, bytes=8)
    assert check_record(store, name, None) is None, "of a tree that is not whole nothing is known"

    path = store.record(*name)
    path.write_text(json.dumps({**asdict(record), "repository": "other"}))
    assert getattr(check_record(store, name, contents), "why", "") == "it is of another tree"
    path.unlink()
    fault = check_record(store, name, contents)
    assert fault is not None
    assert fault.record is not None
    assert (fault.why, fault.record.gpgcheck, fault.record.keyring) == ("there is none", False, "")


def test_one_fault_for_one_file(store: Store) -> None:
    """The object is damaged, and so are all its names; upstream's name of it is needed to fetch it."""
    digest = "a" * 64
    trees = sorted(used_trees(store))
    at_home = Fault(
        "damaged", f"objects/{digest}", "its sha256 is b", 10, file=RemoteFile("", "sha256", digest, 10)
    )
    places = [
        Fault(
            "damaged",
            f"objects/{digest}",
            "",
            10,
            (f"trees/{repository}/{tree}/x.rpm",),
            (repository,),
            file=RemoteFile("x.rpm", "sha256", digest, 10),
        )
        for repository, tree in trees
    ]

    [fault] = merge(store, [at_home, *places])

    assert (fault.what, fault.why, fault.bytes) == ("damaged", "its sha256 is b", 10)
    assert fault.repositories == ("appstream", "baseos")
    assert len(fault.places) == 2
    assert fault.file == RemoteFile("x.rpm", "sha256", digest, 10)


def test_a_file_that_goes_while_it_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prune needs no leave: what it takes away is no fault."""
    gone = next(store.root.glob("objects/sha256/*/*"))
    read = verify_objects.file_sha256

    def prune_first(path: Path) -> str:
        if path == gone:
            path.unlink()
        return read(path)

    monkeypatch.setattr(verify_objects, "file_sha256", prune_first)
    objects = read_objects(store, silent)

    assert (objects.files, objects.faults) == (1, [])
