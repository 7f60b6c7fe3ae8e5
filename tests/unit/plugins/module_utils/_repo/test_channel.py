# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels and their histories."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import (
    channels,
    history,
    move,
    resolve,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verdict import Verdict, record_verdict
from unit.plugins.module_utils._repo.stores import cut, make_store, mirror


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with two snapshots."""
    made = make_store(tmp_path)
    cut(made)
    mirror(made, "baseos", "two")
    cut(made)
    return made


@pytest.fixture
def ids(store: Store) -> list[str]:
    """Their ids, oldest first."""
    return sorted(path.name for path in store.snapshots.iterdir())


def test_forward_and_back(store: Store, ids: list[str]) -> None:
    for snapshot, reason in ((ids[0], "first"), (ids[1], "newer"), (ids[0], "newer is bad")):
        moved = move(store, "stable", snapshot, who="me", reason=reason)
        assert moved.changed
        assert resolve(store, "stable").id == snapshot

    told = [(entry["from"], entry["to"], entry["who"], entry["reason"]) for entry in history(store, "stable")]
    assert told == [
        (None, ids[0], "me", "first"),
        (ids[0], ids[1], "me", "newer"),
        (ids[1], ids[0], "me", "newer is bad"),
    ]
    assert (store.channels / "stable" / "manifest.json").is_file()


def test_no_move_is_no_history(store: Store, ids: list[str]) -> None:
    move(store, "stable", ids[0], who="me", reason="first")
    assert not move(store, "stable", ids[0], who="you", reason="again").changed
    assert len(history(store, "stable")) == 1


def test_a_move_that_was_never_carried_out_is_not_told(store: Store, ids: list[str]) -> None:
    """As after a kill between the history and the link."""
    move(store, "stable", ids[0], who="me", reason="first")
    move(store, "stable", ids[1], who="me", reason="killed")
    link = store.channels / "stable"
    link.unlink()
    link.symlink_to(f"../snapshots/{ids[0]}")

    assert [entry["reason"] for entry in history(store, "stable")] == ["first"]
    move(store, "stable", ids[1], who="me", reason="second try")
    assert [entry["reason"] for entry in history(store, "stable")] == ["first", "second try"]


@pytest.mark.parametrize("name", ["20261122T174400Z", "web-20261122T174400Z", "stable.json"])
def test_names_that_are_taken(store: Store, ids: list[str], name: str) -> None:
    with pytest.raises(InputError, match="is taken: ids of releases and names that end in"):
        move(store, name, ids[0], who="me", reason="")


def test_a_channel_is_no_snapshot(store: Store, ids: list[str]) -> None:
    move(store, "testing", ids[0], who="me", reason="")
    with pytest.raises(InputError, match="release: 'testing' is not the id of a release"):
        move(store, "stable", "testing", who="me", reason="")


def test_unknown_names(store: Store, ids: list[str]) -> None:
    move(store, "testing", ids[0], who="me", reason="")
    with pytest.raises(InputError, match="20200101T000000Z: there is no such snapshot"):
        move(store, "stable", "20200101T000000Z", who="me", reason="")
    with pytest.raises(
        InputError, match=r"stable: there is no release or channel of this name\. Known channels: testing"
    ):
        resolve(store, "stable")
    assert channels(store) == {"testing": ids[0]}


def test_a_snapshot_that_failed_its_checks(store: Store, ids: list[str]) -> None:
    move(store, "stable", ids[0], who="me", reason="unchecked")
    with pytest.raises(InputError, match=f"{ids[1]}: it was never checked. Check it with snapshot_check"):
        move(store, "stable", ids[1], who="me", reason="", require_check=True)
    record_verdict(store, Verdict(ids[1], False, 3, ("app: nothing provides abi",)))
    with pytest.raises(InputError, match=r"it failed its checks of \S+: app: nothing provides abi"):
        move(store, "stable", ids[1], who="me", reason="")
    assert channels(store) == {"stable": ids[0]}
    record_verdict(store, Verdict(ids[1], True, 3, ()))
    assert move(store, "stable", ids[1], who="me", reason="mended", require_check=True).changed
