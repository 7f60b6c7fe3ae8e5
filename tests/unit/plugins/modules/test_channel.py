# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""channel: check mode, do, check again, do again, and back; and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import channels, history
from unit.harness import RunModule
from unit.plugins.module_utils._repo.stores import cut, make_store, mirror


def test_four_steps(run_module: RunModule, tmp_path: Path) -> None:
    store = make_store(tmp_path)
    first = cut(store).manifest.id
    mirror(store, "baseos", "two")
    second = cut(store).manifest.id
    previous = None
    for snapshot in (first, second, first):
        options = {
            "store": str(tmp_path),
            "name": "stable",
            "release": snapshot,
            "who": "me",
            "reason": "a test",
        }
        expected = {"name": "stable", "release": snapshot, "previous": previous}
        foreseen = run_module("channel", options, check=True, diff=True)
        assert (foreseen.changed, foreseen.data["channel"]) == (True, expected)
        assert channels(store).get("stable") == previous
        done = run_module("channel", options, diff=True)
        assert (done.changed, done.data["channel"]) == (True, expected)
        assert done.data["diff"] == foreseen.data["diff"]
        assert done.data["diff"]["after"] == {"release": snapshot}
        for check in (True, False):
            again = run_module("channel", options, check=check, diff=True)
            assert not again.changed
            assert again.data["diff"]["before"] == again.data["diff"]["after"]
        previous = snapshot
    assert len(history(store, "stable")) == 3


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "snapshot", "message"),
    [
        ("a/b", "20261122T174400Z", "name: 'a/b' is not a valid name"),
        ("stable", "latest", "latest: there is no release or channel of this name. Known channels: none"),
        ("stable", "20200101T000000Z", "20200101T000000Z: there is no such snapshot"),
    ],
)
def test_refused(
    run_module: RunModule, tmp_path: Path, name: str, snapshot: str, message: str, check: bool
) -> None:
    store = make_store(tmp_path)
    options = {"store": str(tmp_path), "name": name, "release": snapshot, "who": "me", "reason": "a test"}
    result = run_module("channel", options, check=check)

    assert result.msg.startswith(message)
    assert channels(store) == {}
