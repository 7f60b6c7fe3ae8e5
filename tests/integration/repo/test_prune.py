# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What prune keeps, what it frees, and that it can be killed."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.related import offer
from integration.repo.test_crash import no_litter
from integration.repo.test_story import contents

STRICT: dict[str, Any] = {"keep_newest": 1, "keep_days": 0}


def size(store: Path) -> int:
    """Bytes of all files as du counts them: each once, however many names it has."""
    found = subprocess.run(["find", str(store), "-type", "f", "-print0"], check=True, capture_output=True)
    argv = ["du", "--bytes", "--total", "--files0-from=-"]
    told = subprocess.run(argv, input=found.stdout, check=True, capture_output=True).stdout
    return int(told.split(b"\n")[-2].split()[0])


@pytest.fixture
def ids(upstream: Upstream) -> list[str]:
    """Four snapshots, the first two of which share a package with all others."""
    return [offer(upstream, ("same", "1", ""), ("tool", str(version), "")) for version in range(1, 5)]


def test_four_steps(upstream: Upstream, ids: list[str]) -> None:
    upstream.module("channel", name="stable", release=ids[1], who="me", reason="test")
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


def test_where_a_channel_was_before_its_last_move(upstream: Upstream, ids: list[str]) -> None:
    """It may be moved back, and clients may be half way in it."""
    for snapshot in ids[:3]:
        upstream.module("channel", name="stable", release=snapshot, who="me", reason="test")
    content = contents(upstream.store / "snapshots" / ids[1])

    told = upstream.module("store_prune", **STRICT, keep=[]).data["prune"]

    assert told["snapshots"] == [ids[0]]
    assert told["kept"][ids[1]] == "channel stable before its last move"
    assert contents(upstream.store / "superseded" / "channels" / "stable") == content
    upstream.module("channel", name="stable", release=ids[1], who="me", reason="back")
    assert not upstream.module("store_prune", **STRICT, keep=[]).changed, "now the other one is kept"


def test_the_state_before_the_newest_stays_reachable(upstream: Upstream) -> None:
    """No snapshot has these states."""
    states = []
    for versions in (("1",), ("2",), ("1", "2")):
        upstream.offer(*versions)
        upstream.sync()
        states.append(contents(upstream.store / "mirrors" / "os"))

    told = upstream.module("store_prune", **STRICT, keep=[]).data["prune"]

    assert len(told["trees"]) == 1
    assert contents(upstream.store / "mirrors" / "os") == states[2]
    assert contents(upstream.store / "superseded" / "mirrors" / "os") == states[1]
    assert not upstream.module("store_verify").failed


def test_a_signed_manifest_is_freed_to_the_last_byte(upstream: Upstream) -> None:
    for version in ("1", "2"):
        upstream.offer(version)
        upstream.sync()
        assert upstream.module("snapshot", **upstream.signing).changed
    upstream.offer("1")
    upstream.sync()
    before = size(upstream.store)
    old_map = (upstream.store / "at.map").stat().st_size

    told = upstream.module("store_prune", **STRICT, keep=[]).data["prune"]

    shrunk = old_map - (upstream.store / "at.map").stat().st_size
    assert before - size(upstream.store) == told["freed"] + shrunk
