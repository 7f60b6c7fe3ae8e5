# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The testbed keeps its promises: real hosts, reachable, rebootable, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from testbed.distro import Distro
from testbed.fleet import Fleet, FleetError
from testbed.fleet.cgroup import Cgroup
from testbed.fleet.instance import Instance
from testinfra.host import Host as Reached

from .conftest import CACHE, CHECKOUT, RUN_DIR

Reach = Callable[[str], Reached]


def test_every_host_runs_its_services(fleet: Fleet, reach: Reach) -> None:
    for host in fleet.hosts:
        reached = reach(host.name)
        assert reached.check_output("systemctl is-system-running") == "running"
        assert reached.check_output("hostname") == host.name
        assert reached.service("beacon").is_running
        assert reached.service("ssh").is_enabled
        assert reached.file("/etc/redhat-release").contains("Testbed Linux")


def test_hosts_have_no_repo_until_they_are_pinned(fleet: Fleet, reach: Reach) -> None:
    assert reach("host-01").check_output("dnf -q repolist --all") == ""


def test_hosts_differ_where_they_must(fleet: Fleet) -> None:
    for question in (
        ["cat", "/etc/machine-id"],
        ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"],
        ["stat", "--format=%i", "/sys/fs/cgroup/system.slice"],  # else they would stop one another's services
    ):
        assert len({fleet.ssh(host.name, *question).stdout for host in fleet.hosts}) == len(fleet.hosts)


def test_ansible_reaches_all(fleet: Fleet) -> None:
    done = fleet.run(
        [sys.executable, "-m", "ansible", "adhoc", "-i", str(fleet.inventory), "all", "-m", "ping"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("SUCCESS") == len(fleet.hosts), done.stdout + done.stderr


def test_hosts_read_hard_and_symbolic_links_of_the_store(fleet: Fleet, store: Path) -> None:
    (store / "objects").mkdir()
    (store / "objects/one").write_text("content")
    (store / "hard").hardlink_to(store / "objects/one")
    (store / "soft").symlink_to("objects/one")
    for name in ("hard", "soft"):
        assert fleet.ssh("host-02", "curl", "-fsS", f"http://{fleet.address}:8080/{name}").stdout == "content"
    assert "objects/" in fleet.ssh("host-02", "curl", "-fsS", f"http://{fleet.address}:8080/").stdout


def test_publish_swaps_what_upstream_serves(fleet: Fleet, distro: Distro) -> None:
    def served() -> bytes:
        url = f"http://{fleet.address}:8081/baseos/repodata/repomd.xml"
        return bytes(fleet.run(["curl", "-fsS", url], capture_output=True, check=True).stdout)

    for release in ("r2", "r1"):
        fleet.publish(release)
        assert served() == (distro.release(release) / "baseos/repodata/repomd.xml").read_bytes()
    with pytest.raises(FleetError, match="there is no release 'r9'; choose from r1, r2, r3, r4"):
        fleet.publish("r9")


def test_a_reboot_is_a_new_boot(fleet: Fleet) -> None:
    before = _boot_id(fleet, "host-03")
    fleet.ssh("host-03", "systemctl", "reboot")
    _wait_for(lambda: _boot_id(fleet, "host-03") not in ("", before), "host-03 came back")


def test_a_power_cut_hits_one_host_alone(fleet: Fleet) -> None:
    cut, other = "host-04", "host-05"
    before, elsewhere = _boot_id(fleet, cut), _boot_id(fleet, other)
    fleet.kill(cut)
    assert fleet.ssh(cut, "true").returncode == 255
    fleet.power_on(cut)
    assert _boot_id(fleet, cut) not in ("", before)
    assert _boot_id(fleet, other) == elsewhere


def test_an_attached_fleet_is_the_same(fleet: Fleet) -> None:
    assert Fleet.attach("e2e", run_dir=RUN_DIR).hosts == fleet.hosts


def test_unknown_names_are_refused(fleet: Fleet) -> None:
    with pytest.raises(FleetError, match="there is no host 'host-99'; choose from host-01 … host-06"):
        fleet.kill("host-99")
    with pytest.raises(FleetError, match=r"no testbed 'nobody' runs in .*; start it with `up --name nobody`"):
        Fleet.attach("nobody", run_dir=RUN_DIR)


def test_a_second_start_of_a_name_is_refused(fleet: Fleet, distro: Distro) -> None:
    with pytest.raises(
        FleetError, match=r"testbed 'e2e' is already running \(pid \d+\) in .*/\.run/e2e; end it"
    ):
        Fleet.start("e2e", distro=distro, run_dir=RUN_DIR, cache=CACHE, progress=print)
    assert _boot_id(fleet, "host-01")


def test_a_release_that_does_not_come_up_names_its_units_and_leaves_nothing(distro: Distro) -> None:
    with pytest.raises(
        FleetError, match=r"host-01 is degraded, failed units: beacon.service; see .*/host-01.log"
    ):
        Fleet.start("bad", distro=distro, release="r3", hosts=1, run_dir=RUN_DIR, cache=CACHE, progress=print)
    assert _traces(Instance("bad", RUN_DIR)) == []


CHILD = """
    import time
    from pathlib import Path
    from testbed.distro import ensure_distro
    from testbed.fleet import Fleet
    place = {"cache": Path(".cache/testbed"), "progress": print}
    Fleet.start("orphan", distro=ensure_distro(**place), hosts=2, run_dir=Path(".run"), **place)
    Path(".run/orphan/started").touch()
    time.sleep(600)
"""


@pytest.mark.parametrize("moment", ["log/host-01.log", "started"])
def test_a_killed_starter_takes_its_fleet_along(distro: Distro, moment: str) -> None:
    orphan = Instance("orphan", RUN_DIR)
    orphan.log("host-01").unlink(missing_ok=True)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD)],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "tests")},
    )
    with child:
        _wait_for((orphan.directory / moment).exists, f"{moment} of a fleet that starts")
        assert _processes(orphan)
        child.kill()
    _wait_for(lambda: _traces(orphan) == [], "all gone")


def test_a_killed_supervisor_takes_its_hosts_along_and_down_clears_up(distro: Distro) -> None:
    instance = Instance("headless", RUN_DIR)
    fleet = Fleet.start("headless", distro=distro, hosts=1, run_dir=RUN_DIR, cache=CACHE, progress=print)
    os.kill(int(instance.lock.read_text()), 9)
    _wait_for(lambda: not _processes(instance), "its processes have ended")
    fleet.stop()
    assert _traces(instance) == []


def _boot_id(fleet: Fleet, host: str) -> str:
    return fleet.ssh(host, "cat", "/proc/sys/kernel/random/boot_id").stdout


def _wait_for(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def _traces(instance: Instance) -> list[str]:
    """All that is left of a fleet, but its lock and logs."""
    place = f"{instance.directory}/"
    loops = subprocess.run(["losetup", "--list", "--noheadings"], capture_output=True, text=True, check=True)
    lines = [*Path("/proc/mounts").read_text().splitlines(), *loops.stdout.splitlines()]
    groups = [str(path) for path in Cgroup.of(instance.cgroup).paths if path.exists()]
    kept = (instance.lock, instance.logs)
    files = [str(path) for path in instance.directory.iterdir() if path not in kept]
    return [line for line in lines if place in line] + groups + files + _processes(instance)


def _processes(instance: Instance) -> list[str]:
    """Command lines that name the instance; its supervisor has the name as its last word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        line = " ".join(words)
        if f"{instance.directory}/" in line or line.endswith(f"testbed.fleet.supervisor {instance.name}"):
            found.append(line)
    return found
