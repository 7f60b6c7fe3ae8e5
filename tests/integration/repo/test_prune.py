# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What prune keeps, what it frees, and that it can be killed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.kill_at import changes, run_and_die
from integration.repo.related import offer
from integration.repo.test_crash import no_litter
from integration.repo.test_story import contents

STRICT: dict[str, Any] = {"keep_newest": 1, "keep_days": 0}


def size(store: Path) -> int:
    """Bytes of all files, each inode once."""
    files = [path.stat() for path in store.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum({one.st_ino: one.st_size for one in files}.values())


@pytest.fixture
def ids(upstream: Upstream) -> list[str]:
    """Four snapshots, the first two of which share a package with all others."""
    return [offer(upstream, ("same", "1", ""), ("tool", str(version), "")) for version in range(1, 5)]


def test_four_steps(upstream: Upstream, ids: list[str]) -> None:
    upstream.module("channel", name="stable", snapshot=ids[1], who="me", reason="test")
    options = {**STRICT, "keep": [ids[2], "20200101T000000Z"]}
    upstream.module("snapshot_check", snapshot=ids[0])
    before, kept = size(upstream.store), contents(upstream.store / "snapshots" / ids[1])
    old_map = (upstream.store / "at.map").stat().st_size

    foreseen = upstream.module("store_prune", check=True, **options)
    assert foreseen.changed
    assert size(upstream.store) == before
    done = upstream.module("store_prune", **options)
    assert done.data["prune"] == foreseen.data["prune"]
    told = done.data["prune"]
    assert (told["snapshots"], len(told["trees"])) == ([ids[0]], 1)
    assert told["kept"] == {
        ids[3]: "one of the newest 1",
        ids[2]: "hosts run it or may go back to it",
        ids[1]: "channel stable",
    }
    shrunk = old_map - (upstream.store / "at.map").stat().st_size
    assert before - size(upstream.store) == told["freed"] + shrunk
    assert contents(upstream.store / "snapshots" / ids[1]) == kept
    assert not list((upstream.store / "checks").iterdir())
    for check in (True, False):
        assert not upstream.module("store_prune", check=check, **options).changed
    no_litter(upstream)


def test_age(upstream: Upstream, ids: list[str]) -> None:
    assert not upstream.module("store_prune", keep=[], keep_newest=1, keep_days=1).changed


def test_killed_anywhere(upstream: Upstream, ids: list[str]) -> None:
    old = shutil.copytree(upstream.store, f"{upstream.store}.old", symlinks=True)
    newest = contents(upstream.store / "snapshots" / ids[3])
    total = changes(upstream, "store_prune", **STRICT, keep=[])
    whole = sorted(contents(upstream.store))
    assert total > 20
    for fatal in range(1, total + 1, max(1, total // 10)):
        shutil.rmtree(upstream.store)
        # No links to the old store: prune counts them.
        shutil.copytree(old, upstream.store, symlinks=True)
        _relink(upstream.store)
        run_and_die(upstream, fatal, "store_prune", **STRICT, keep=[])
        assert contents(upstream.store / "snapshots" / ids[3]) == newest
        again = upstream.module("store_prune", **STRICT, keep=[])
        assert not again.failed, again.msg
        assert sorted(contents(upstream.store)) == whole
        no_litter(upstream)


def _relink(store: Path) -> None:
    """Make the files of the trees links into the objects again."""
    objects = {path.read_bytes(): path for path in store.glob("objects/sha256/*/*")}
    for path in store.glob("trees/*/*/**/*"):
        if path.is_file():
            same = objects[path.read_bytes()]
            path.unlink()
            path.hardlink_to(same)
