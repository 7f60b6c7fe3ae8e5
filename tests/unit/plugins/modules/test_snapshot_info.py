# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""snapshot_info: all of them, one by id, one by channel."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import move
from unit.harness import RunModule
from unit.plugins.module_utils._repo.stores import cut, make_store, mirror


def test_none_yet(run_module: RunModule, tmp_path: Path) -> None:
    make_store(tmp_path)
    data = run_module("snapshot_info", {"store": str(tmp_path)}).data

    assert (data["snapshots"], data["channels"]) == ([], {})


def test_newest_first_and_by_name(run_module: RunModule, tmp_path: Path) -> None:
    store = make_store(tmp_path)
    first = cut(store).manifest.to_dict()
    mirror(store, "baseos", "two")
    second = cut(store).manifest.to_dict()
    move(store, "stable", first["id"], who="me", reason="")

    everything = run_module("snapshot_info", {"store": str(tmp_path)})
    assert not everything.changed
    assert everything.data["snapshots"] == [second, first]
    assert everything.data["channels"] == {"stable": first["id"]}
    for name, expected in (("stable", first), (second["id"], second)):
        data = run_module("snapshot_info", {"store": str(tmp_path), "name": name}).data
        assert data["snapshots"] == [expected]


def test_unknown_name(run_module: RunModule, tmp_path: Path) -> None:
    make_store(tmp_path)
    result = run_module("snapshot_info", {"store": str(tmp_path), "name": "stable"})

    assert result.msg == "stable: there is no release or channel of this name. Known channels: none"
