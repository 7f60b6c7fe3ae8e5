# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet asks of the machine before and while it runs there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from testbed.fleet import lock, namespaces, pool, preflight
from testbed.fleet.cgroup import hierarchies
from testbed.fleet.command import run
from testbed.fleet.errors import FleetError
from testbed.fleet.instance import Instance

UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n"
HYBRID = (
    "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
    "cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n"
    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
)


@pytest.mark.parametrize(
    ("mounts", "found"),
    [(UNIFIED, ["/sys/fs/cgroup"]), (HYBRID, ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"])],
)
def test_hierarchies_are_those_that_nspawn_uses(mounts: str, found: list[str]) -> None:
    assert [str(path) for path in hierarchies("proc /proc proc rw 0 0\n" + mounts)] == found


def test_a_machine_without_cgroup_v2_is_refused() -> None:
    with pytest.raises(FleetError, match="cgroup v2 is not mounted"):
        hierarchies("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n")


def test_too_little_space_says_how_much_is_needed(tmp_path: Path) -> None:
    pool.need_space(tmp_path, 1)
    with pytest.raises(
        FleetError, match=rf"{tmp_path}: \d+ MiB free, 1000000 hosts need 200000600 MiB; make room"
    ):
        pool.need_space(tmp_path, 1_000_000)


def test_missing_tools_name_their_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for tool in preflight.PACKAGES.keys() - {"nginx", "ssh", "ssh-keygen"}:
        (tmp_path / tool).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        FleetError,
        match="not installed: nginx, ssh, ssh-keygen; run `apt-get install nginx-light openssh-client`",
    ):
        preflight.need_tools()


def test_a_failed_command_is_named_with_its_last_words() -> None:
    with pytest.raises(FleetError, match=r"ls /nowhere: exit 2: ls: cannot access '/nowhere'"):
        run(["ls", "/nowhere"])


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    instance = Instance("demo", tmp_path)
    assert lock.holder(instance) is None
    with lock.acquire(instance, 42):
        assert lock.holder(instance) == 42
        with pytest.raises(FleetError, match=r"testbed 'demo' is already running \(pid 42\)"):
            lock.acquire(instance, 43)
    assert lock.holder(instance) is None


def test_the_lock_of_a_dead_holder_is_free(tmp_path: Path) -> None:
    instance = Instance("demo", tmp_path)
    if (child := os.fork()) == 0:
        lock.acquire(instance, os.getpid())
        os._exit(0)
    os.waitpid(child, 0)
    with lock.acquire(instance, 42):
        assert lock.holder(instance) == 42


def test_killing_all_is_refused_outside_of_a_namespace_of_our_own() -> None:
    with pytest.raises(RuntimeError, match="outside of a PID namespace of our own"):
        namespaces.kill_all()
