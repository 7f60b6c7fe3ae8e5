# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at points spread over stage, commit and clearing up: it always boots, and a second run finishes."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.blocks import Blocks
from integration.host.conftest import Host, Published, Publisher
from integration.repo.kill_at import count_changes, die_at
from unit.harness import ModuleResult

POINTS = int(os.environ.get("FAULT_POINTS", "10"))
SHARES = [(number + 0.5) / POINTS for number in range(POINTS)]
COMING = "coming"
at_points = pytest.mark.parametrize("share", SHARES)


def kill(host: Host, share: float, work: Callable[[], ModuleResult]) -> None:
    """Kill it when that share of its changes on disk is made, which a run that leaves no trace counts."""
    counts: list[int] = []
    host.rehearse(lambda: counts.append(count_changes(host.root, work)))
    die_at(host.root, 1 + int(share * counts[0]), work)


@at_points
def test_stage(share: float, host: Host, image_a: Published, image_b: Published) -> None:
    kill(host, share, lambda: host.stage(image_b))

    assert host.info()["committed"] == image_a.digest
    assert host.boot() == image_a.digest
    assert not host.stage(image_b).failed
    assert host.info()["staged"] == [image_b.digest]
    assert list(host.paths.staging.iterdir()) == []
    host.commit(image_b)
    assert host.boot() == image_b.digest


@at_points
def test_stage_while_blocks_come(share: float, host: Host, image_a: Published, image_b: Published) -> None:
    """And what came is not fetched again."""
    blocks = 256  # of image_b differ
    fatal = 1 + int(share * blocks)

    def work() -> ModuleResult:
        """Touch a file at each block that comes: that is a change too."""
        keep = Blocks._check

        def check(self: Blocks, block: int, data: bytes) -> int:
            self.stream.flush()
            (host.root / COMING / str(block)).touch()
            return keep(self, block, data)

        Blocks._check = check  # type: ignore[method-assign]  # of this process, which ends here
        return host.stage(image_b)

    (host.root / COMING).mkdir()
    die_at(host.root / COMING, fatal, work)

    assert host.boot() == image_a.digest
    staged = host.stage(image_b)
    assert not staged.failed
    assert staged.data["bytes_fetched"] <= (blocks - fatal + 4) * 4096
    host.commit(image_b)
    assert host.boot() == image_b.digest


@at_points
def test_commit(share: float, host: Host, image_a: Published, image_b: Published) -> None:
    host.stage(image_b)

    kill(host, share, lambda: host.commit(image_b))

    first = host.boot()
    assert first in (image_a.digest, image_b.digest)
    assert not host.commit(image_b).failed
    assert host.info()["committed"] == image_b.digest
    assert host.boot() == image_b.digest
    host.bless()
    assert host.info()["previous"] == image_a.digest
    assert not [name for name in host.entries() if not name.endswith(".conf")]


@at_points
def test_clearing_up(share: float, host: Host, publisher: Publisher, image_a: Published) -> None:
    """The oldest of three goes when a fourth is brought."""
    images = [publisher.publish({"usr/name": name}) for name in (b"1", b"2", b"3")]
    for image in images[:2]:
        host.stage(image)
        host.commit(image)
        host.boot()
        host.bless()

    kill(host, share, lambda: host.stage(images[2]))

    assert host.boot() == images[1].digest
    assert host.info()["previous"] == images[0].digest
    assert not host.stage(images[2]).failed
    assert {one["digest"] for one in host.info()["deployments"]} == {one.digest for one in images}
    assert not host.paths.kernel(image_a.digest).exists()
    assert list(host.paths.staging.iterdir()) == []


@at_points
def test_a_torn_kernel_without_an_entry_is_written_anew(share: float, host: Host, image_b: Published) -> None:
    """What a power cut may leave of a file that was never flushed."""
    host.stage(image_b)
    kernel = host.paths.kernel(image_b.digest)
    kernel.mkdir()
    content = (image_b.directory / "web.vmlinuz").read_bytes()
    (kernel / "vmlinuz").write_bytes(content[: int(share * len(content))] + random.Random(1).randbytes(64))

    host.commit(image_b)

    assert host.boot() == image_b.digest


def test_a_killed_blessing_is_done_by_the_next_boot(host: Host, image_b: Published) -> None:
    host.stage(image_b)
    host.commit(image_b)
    host.boot()
    host.boot()  # nobody blessed the first one
    host.bless()

    assert host.info()["current"] == image_b.digest
