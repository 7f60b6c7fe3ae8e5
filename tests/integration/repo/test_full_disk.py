# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that fills up, for real, at several points: it is told, nothing is half done, and room mends it."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.related import offer
from integration.repo.state import differing, state
from integration.repo.test_crash import described, no_litter
from integration.repo.test_story import contents
from unit.harness import ModuleResult


@dataclass(frozen=True)
class Disk:
    """A file system of its own that holds the store, and little more."""

    path: Path

    def resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.path)], check=True)

    def fill(self) -> None:
        """To the last byte."""
        with (self.path / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC

    def empty(self) -> None:
        (self.path / "filler").unlink()


@pytest.fixture
def disk(upstream: Upstream, tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(path)], check=True)
    upstream.store = path / "store"
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)


def full(upstream: Upstream) -> str:
    return f"{upstream.store}: no space left on device. Free space and run again: what was downloaded is kept"


# The upstream has about 42 kB in 12 files; a page of 4 kB goes to each.
@pytest.mark.parametrize("size", ["8k", "16k", "24k", "36k", "48k", "56k"])
def test_sync(upstream: Upstream, disk: Disk, size: str) -> None:
    disk.resize(size)

    result = upstream.sync()

    assert result.msg == full(upstream)
    assert not (upstream.store / "mirrors").exists()
    disk.resize("16m")
    assert upstream.sync().changed
    assert contents(upstream.store / "mirrors" / "os") == contents(upstream.path)
    no_litter(upstream)


def _next(upstream: Upstream) -> None:
    """Another state of the mirror, not cut yet."""
    upstream.offer("1")
    assert upstream.sync().changed


def _cut(upstream: Upstream) -> ModuleResult:
    return upstream.module("snapshot")


def _move(upstream: Upstream) -> ModuleResult:
    return upstream.module("channel", name="stable", release=_first(upstream), who="me", reason="test")


def _first(upstream: Upstream) -> str:
    return min(path.name for path in (upstream.store / "snapshots").iterdir())


def _repair(upstream: Upstream) -> ModuleResult:
    repositories: list[dict[str, Any]] = described(upstream)
    return upstream.module("store_verify", repair=True, retries=0, repositories=repositories)


def _harm(upstream: Upstream) -> None:
    rpm = next((upstream.store / "mirrors" / "os").glob("*.rpm"))
    rpm.chmod(0o644)
    rpm.write_bytes(rpm.read_bytes()[:-1] + b"!")
    rpm.chmod(0o444)


STEPS: dict[str, tuple[Callable[[Upstream], object], Callable[[Upstream], ModuleResult]]] = {
    "cut": (_next, _cut),
    "move": (lambda _upstream: None, _move),
    "repair": (_harm, _repair),
}


@pytest.mark.parametrize("step", STEPS)
def test_steps(upstream: Upstream, disk: Disk, step: str) -> None:
    prepare, run = STEPS[step]
    offer(upstream, ("tool", "1", ""))
    prepare(upstream)
    before = state(upstream.store)
    disk.fill()

    result = run(upstream)

    assert result.msg == full(upstream)
    begun = {str(path.relative_to(upstream.store)) for path in upstream.store.glob("partial/*/*")}
    assert differing(before, state(upstream.store)) <= begun, "nothing is half done"
    disk.empty()
    done = run(upstream)
    assert done.changed, done.msg
    assert not run(upstream).changed
    assert not upstream.module("store_verify").failed
    no_litter(upstream)


def test_prune_needs_no_room(upstream: Upstream, disk: Disk) -> None:
    """It is the way out of a full disk."""
    ids = [offer(upstream, ("tool", str(version), "")) for version in range(1, 4)]
    disk.fill()

    result = upstream.module("store_prune", keep=[], keep_newest=1, keep_days=0)

    assert not result.failed, result.msg
    assert result.data["prune"]["snapshots"] == [ids[1], ids[0]]
    disk.empty()
    assert not upstream.module("store_verify").failed
    no_litter(upstream)
