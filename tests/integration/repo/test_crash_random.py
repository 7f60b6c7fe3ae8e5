# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at ten random points: the next run comes to the same store as one that was never disturbed.

Byte for byte: every file, mode and link. The clock stands still, for its time is in records and names.
The points are drawn anew each day; the seed is in the message of a failure, and OSAAS_SEED sets it.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from integration.repo.conftest import Upstream
from integration.repo.kill_at import changes, run_and_die
from integration.repo.related import offer
from integration.repo.state import differing, state
from integration.repo.test_crash import described, no_litter

POINTS = 10
SEED = int(os.environ.get("OSAAS_SEED", date.today().toordinal()))


class Still(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Still:
        return cls(2026, 11, 22, 17, 44, tzinfo=tz or UTC)


@pytest.fixture
def still_clock(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is imported by a first look at the store, so that its clock can be stopped."""
    upstream.sync(check=True)
    upstream.module("snapshot", check=True)
    for name, module in list(sys.modules.items()):
        if "._repo." in name and getattr(module, "datetime", None) is datetime:
            monkeypatch.setattr(module, "datetime", Still)


@dataclass
class Operation:
    """A module and its options; before each run the store is as `prepare` has left it."""

    module: str
    prepare: Callable[[Upstream], None]
    options: Callable[[Upstream], dict[str, Any]]
    least: int


def _synced(upstream: Upstream) -> None:
    upstream.sync()


def _behind(upstream: Upstream) -> None:
    upstream.sync()
    upstream.module("snapshot")
    upstream.offer("2")


def _with_snapshots(upstream: Upstream) -> None:
    for version in range(1, 4):
        offer(upstream, ("same", "1", ""), ("tool", str(version), ""))


def _harmed(upstream: Upstream) -> None:
    """A package and metadata are damaged, one more package is nowhere, links and records are wrong."""
    upstream.sync()
    upstream.module("snapshot")
    tree = (upstream.store / "mirrors" / "os").resolve()
    packages = sorted(tree.glob("Packages/*.rpm"))
    for path in (packages[0], packages[1], next(tree.glob("repodata/*primary.xml*"))):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        path.chmod(0o444)
    (upstream.path / packages[1].relative_to(tree)).unlink()
    packages[2].unlink()
    packages[3].chmod(0o600)
    record = tree.with_name(f"{tree.name}.json")
    record.write_text(record.read_text().replace('"packages": 4', '"packages": 5'))
    (upstream.store / "at.map").write_text("")
    next(upstream.store.glob("snapshots/*/os")).unlink()


OPERATIONS = {
    "sync": Operation("repo_sync", _behind, lambda upstream: {"repositories": described(upstream)}, 40),
    "cut": Operation("snapshot", _synced, lambda _upstream: {}, 8),
    "prune": Operation(
        "store_prune", _with_snapshots, lambda _upstream: {"keep": [], "keep_newest": 1, "keep_days": 0}, 20
    ),
    "repair": Operation(
        "store_verify",
        _harmed,
        lambda upstream: {"repair": True, "retries": 0, "repositories": described(upstream)},
        20,
    ),
}


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_at_random_points(upstream: Upstream, name: str) -> None:
    operation = OPERATIONS[name]
    operation.prepare(upstream)
    options = operation.options(upstream)
    before = Path(f"{upstream.store}.before")
    _copy(upstream.store, before)
    done = upstream.module(operation.module, **options)
    undisturbed = state(upstream.store)
    _copy(before, upstream.store)
    total = changes(upstream, operation.module, **options)
    assert state(upstream.store) == undisturbed, "two undisturbed runs come to the same"
    assert total >= operation.least
    points = random.Random(f"{SEED} {name}").sample(range(1, total + 1), min(POINTS, total))

    for fatal in points:
        told = f"OSAAS_SEED={SEED}: {name} killed at change {fatal} of {total}"
        _copy(before, upstream.store)
        run_and_die(upstream, fatal, operation.module, **options)
        again = upstream.module(operation.module, **options)
        assert again.failed == done.failed, f"{told}: {again.msg}"
        assert differing(state(upstream.store), undisturbed) == set(), told
        no_litter(upstream)
    print(f"OSAAS_SEED={SEED}: {name} killed at {sorted(points)} of {total} changes")


def _copy(source: Path, target: Path) -> None:
    """With its hard links among themselves."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "--archive", str(source), str(target)], check=True)
