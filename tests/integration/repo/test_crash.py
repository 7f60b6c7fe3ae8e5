# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A killed run, a full disk, a second writer: whatever happens, the next run makes it good."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from itertools import pairwise
from typing import Any

from integration.repo.conftest import Upstream
from integration.repo.kill_at import changes, run_and_die
from integration.repo.test_story import contents


def no_litter(upstream: Upstream) -> None:
    assert not list(upstream.store.glob("**/.*"))
    assert not list(upstream.store.glob("scratch"))
    assert not list(upstream.store.glob("partial/*/*"))


def described(upstream: Upstream) -> list[dict[str, object]]:
    return [{"name": "os", "baseurl": [upstream.url], "gpgkey": [str(upstream.built.key)]}]


def test_sync_killed_anywhere(upstream: Upstream) -> None:
    """Ten points spread over all changes that a sync makes, in a store that has a mirror already."""
    upstream.sync()
    old = shutil.copytree(upstream.store, f"{upstream.store}.old", symlinks=True, copy_function=os.link)
    before = contents(upstream.store / "mirrors" / "os")
    upstream.offer("2")
    total = changes(upstream, "repo_sync", repositories=described(upstream))
    assert total > 40
    whole = contents(upstream.store / "mirrors" / "os")

    for fatal in range(1, total + 1, total // 10):
        shutil.rmtree(upstream.store)
        shutil.copytree(old, upstream.store, symlinks=True, copy_function=os.link)
        run_and_die(upstream, fatal, "repo_sync", repositories=described(upstream))
        assert contents(upstream.store / "mirrors" / "os") in (before, whole)
        again = upstream.sync()
        assert not again.failed, again.msg
        assert contents(upstream.store / "mirrors" / "os") == whole == contents(upstream.path)
        no_litter(upstream)


def test_cut_killed_anywhere(upstream: Upstream) -> None:
    upstream.sync()
    total = changes(upstream, "snapshot")
    for fatal in range(1, total + 1):
        shutil.rmtree(upstream.store / "snapshots")
        (upstream.store / "at.map").unlink(missing_ok=True)
        run_and_die(upstream, fatal, "snapshot")
        result = upstream.module("snapshot")
        assert not result.failed, result.msg
        [path] = (upstream.store / "snapshots").iterdir()
        assert path.name == result.data["snapshot"]["id"]
        assert contents(path / "os") == contents(upstream.path)
        no_litter(upstream)


def test_move_killed_anywhere(upstream: Upstream) -> None:
    """The history never tells of a move that did not take place."""
    upstream.sync()
    first = upstream.module("snapshot").data["snapshot"]["id"]
    upstream.offer("2")
    upstream.sync()
    second = upstream.module("snapshot").data["snapshot"]["id"]
    move: dict[str, Any] = {"name": "stable", "who": "test", "reason": "to see"}
    for snapshot in (first, second, first):  # every directory is there by now
        upstream.module("channel", **move, release=snapshot)
    total = changes(upstream, "channel", **move, release=second)
    for fatal in range(1, total + 1):
        upstream.module("channel", **move, release=first)
        run_and_die(upstream, fatal, "channel", **move, release=second)
        assert upstream.module("channel", **move, release=second).data["channel"]["release"] == second
        entries = json.loads((upstream.store / "channels" / "stable.json").read_text())
        pairs = [(entry["from"], entry["to"]) for entry in entries]
        assert pairs[0] == (None, first)
        assert all(earlier[1] == later[0] for earlier, later in pairwise(pairs))
        assert pairs[-1] == (first, second)
        no_litter(upstream)


def test_only_one_writer(upstream: Upstream) -> None:
    upstream.sync()
    with (upstream.store / "store.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for result in (upstream.sync(), upstream.module("snapshot")):
            assert result.msg == (
                f"{upstream.store}: another run is writing to this store."
                " Wait until it has ended, then run again"
            )
    assert not upstream.sync().failed


def test_no_store(upstream: Upstream) -> None:
    assert upstream.module("snapshot").msg == (
        f"{upstream.store}: there is no store here. Sync a repository into it first"
    )
