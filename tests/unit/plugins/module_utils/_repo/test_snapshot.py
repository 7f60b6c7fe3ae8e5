# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshot a cut makes or finds."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.cut import plan_cut
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import (
    Manifest,
    Part,
    read_snapshot,
    snapshots,
)
from unit.plugins.module_utils._repo.stores import cut, make_store, mirror

NOW = datetime(2026, 11, 22, 17, 44, 0, 123456, tzinfo=UTC)


def parts(**digests: str) -> dict[str, Part]:
    return {name: Part(digest, "1", 3, 30, True, True) for name, digest in digests.items()}


def test_first_cut() -> None:
    planned = plan_cut([], parts(os="a"), now=NOW, creator="me")

    assert planned.changed
    assert planned.manifest == Manifest(
        "20261122T174400Z", "2026-11-22T17:44:00+00:00", None, "me", parts(os="a")
    )


def test_the_same_state_is_cut_once() -> None:
    first = plan_cut([], parts(os="a"), now=NOW, creator=None).manifest
    second = plan_cut([first], parts(os="b"), now=NOW + timedelta(days=1), creator=None).manifest

    assert second.parent == first.id
    for state, manifest in (("a", first), ("b", second)):
        again = plan_cut([second, first], parts(os=state), now=NOW, creator=None)
        assert (again.changed, again.manifest) == (False, manifest)


@pytest.mark.parametrize("clock", [timedelta(0), timedelta(hours=-1)])
def test_a_later_cut_has_a_later_id_whatever_the_clock_says(clock: timedelta) -> None:
    first = plan_cut([], parts(os="a"), now=NOW, creator=None).manifest
    second = plan_cut([first], parts(os="b"), now=NOW + clock, creator=None).manifest

    assert (second.id, second.created) == ("20261122T174401Z", "2026-11-22T17:44:01+00:00")


def test_release_digest_is_of_the_whole_manifest(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    manifest = cut(store, creator="mé").manifest

    path = store.snapshots / manifest.id / "manifest.json"
    bare = subprocess.run(["jq", "-S", "del(.digest)", path], capture_output=True, check=True).stdout
    assert manifest.digest == json.loads(path.read_text())["digest"] == hashlib.sha256(bare).hexdigest()
    assert read_snapshot(store, manifest.id).digest == manifest.digest
    for other in ({"id": "x"}, {"creator": "me"}, {"repositories": parts(os="a")}, {"parent": "x"}):
        assert replace(manifest, **other).digest != manifest.digest


def test_manifests_of_old_stay_readable(tmp_path: Path) -> None:
    """Those before holds, with a digest over the names of repos and trees."""
    store = make_store(tmp_path)
    manifest = cut(store).manifest
    path = store.snapshots / manifest.id / "manifest.json"
    raw = json.loads(path.read_text())
    del raw["holds"]
    for part in raw["repositories"].values():
        for name in ("derived", "left_out", "metadata"):
            del part[name]
    raw["digest"] = "0" * 64
    path.chmod(0o644)
    path.write_text(json.dumps(raw))

    assert read_snapshot(store, manifest.id) == manifest
    assert read_snapshot(store, manifest.id).digest == "0" * 64
    assert not cut(store).changed


def test_manifest_reads_back(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    manifest = cut(store, creator="me").manifest

    assert read_snapshot(store, manifest.id) == manifest
    assert Manifest.from_dict(manifest.to_dict()) == manifest
    assert manifest.to_dict()["packages"] == len("one") + len("one and a bit")


def test_snapshots_never_change(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    first = cut(store).manifest
    path = store.snapshots / first.id
    assert path.stat().st_mode & 0o7777 == 0o555
    assert (path / "manifest.json").stat().st_mode & 0o7777 == 0o444
    mirror(store, "baseos", "two")
    second = cut(store).manifest

    assert [one.id for one in snapshots(store)] == [second.id, first.id]
    assert (path / "baseos/repodata/repomd.xml").read_text() == "one"
    assert (store.snapshots / second.id / "baseos/repodata/repomd.xml").read_text() == "two"


@pytest.mark.parametrize("damage", ["{}", "[]", '{"id": 1'])
def test_damaged_manifest(tmp_path: Path, damage: str) -> None:
    store = make_store(tmp_path)
    name = cut(store).manifest.id
    path = store.snapshots / name / "manifest.json"
    path.chmod(0o644)
    path.write_text(damage)

    with pytest.raises(StoreError, match=r"manifest\.json: the manifest is damaged"):
        read_snapshot(store, name)


def test_forged_manifest(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    manifest = cut(store).manifest
    path = store.snapshots / manifest.id / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace(manifest.repositories["baseos"].repomd_sha256, "f" * 64))

    with pytest.raises(StoreError, match="the manifest does not fit its digest"):
        read_snapshot(store, manifest.id)


def test_unverified_and_verified_are_two_states(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    mirror(store, "baseos", "one", gpgcheck=False)
    loose = cut(store).manifest
    mirror(store, "baseos", "one")
    strict = cut(store)

    assert strict.changed
    assert strict.manifest.digest != loose.digest
