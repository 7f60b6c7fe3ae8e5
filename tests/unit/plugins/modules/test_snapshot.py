# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""snapshot: check mode, do, check again, do again; and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.harness import RunModule
from unit.plugins.module_utils._repo.stores import make_store, mirror


def test_four_steps(run_module: RunModule, tmp_path: Path) -> None:
    store = make_store(tmp_path)
    options = {"store": str(tmp_path), "creator": "me"}

    foreseen = run_module("snapshot", options, check=True, diff=True)
    assert foreseen.changed
    assert not store.snapshots.exists()
    done = run_module("snapshot", options, diff=True)
    assert done.changed
    assert done.data["snapshot"]["repositories"] == foreseen.data["snapshot"]["repositories"]
    assert done.data["diff"]["before"] == {}
    assert done.data["diff"]["after"]["snapshot"] == done.data["snapshot"]["id"]
    for check in (True, False):
        again = run_module("snapshot", options, check=check, diff=True)
        assert (again.changed, again.data["snapshot"]) == (False, done.data["snapshot"])
        assert again.data["diff"]["before"] == again.data["diff"]["after"]


def test_manifest(run_module: RunModule, tmp_path: Path) -> None:
    store = make_store(tmp_path)
    first = run_module("snapshot", {"store": str(tmp_path)}).data["snapshot"]
    record = mirror(store, "baseos", "two")
    second = run_module("snapshot", {"store": str(tmp_path), "creator": "me"}, diff=True)

    manifest = second.data["snapshot"]
    assert (manifest["parent"], manifest["creator"]) == (first["id"], "me")
    assert manifest["repositories"]["baseos"] == {
        "repomd_sha256": record.repomd_sha256,
        "revision": "two",
        "packages": 3,
        "bytes": 30,
        "gpgcheck": True,
        "repo_gpgcheck": True,
        "signature_sha256": "",
        "metadata": "verbatim",
        "derived": [],
        "left_out": [],
    }
    before, after = (second.data["diff"][side]["repositories"] for side in ("before", "after"))
    assert [name for name in before if before[name] != after[name]] == ["baseos"]


def test_some_of_the_mirrors(run_module: RunModule, tmp_path: Path) -> None:
    make_store(tmp_path)
    result = run_module("snapshot", {"store": str(tmp_path), "repositories": ["appstream"]})

    assert list(result.data["snapshot"]["repositories"]) == ["appstream"]


@pytest.mark.parametrize("check", [True, False])
def test_no_such_mirror(run_module: RunModule, tmp_path: Path, check: bool) -> None:
    store = make_store(tmp_path)
    result = run_module("snapshot", {"store": str(tmp_path), "repositories": ["extras"]}, check=check)

    assert result.msg == "extras: there is no mirror of this repository. Sync it first"
    assert not store.snapshots.exists()


def test_nothing_to_cut(run_module: RunModule, tmp_path: Path) -> None:
    (tmp_path / "mirrors").mkdir()
    message = run_module("snapshot", {"store": str(tmp_path)}).msg

    assert message == f"{tmp_path}: there is no mirror to cut. Sync a repository first"
