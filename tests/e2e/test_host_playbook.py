# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook host: from release to release without a rollout and without a ledger.

The tests of this file are one story: they run in their order, on hosts of their own.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from demo.site import Site, make_site
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR

# What Ansible runs on a host, however much there is to do: one call of one module for each phase.
PHASES = ["health_check", "host_pin", "os_update", "os_update", "health_check"]


@pytest.fixture(scope="module")
def site(distro: Distro) -> Iterator[Site]:
    """Two hosts on r1 without a pin, and an operator's directory for them."""
    directory = RUN_DIR / "single-site"
    with Fleet.start(
        "single",
        distro=distro,
        hosts=2,
        racks=1,
        store=directory / "store",
        run_dir=RUN_DIR,
        cache=CACHE,
        progress=print,
    ) as fleet:
        yield make_site(directory, fleet, distro)


def sync(site: Site, release: str) -> str:
    """Let upstream publish a release; the id of the snapshot of it."""
    site.fleet.publish(release)
    assert site.play("sync") == 0
    return (site.directory / "store/channels/untested").readlink().name


def host(site: Site, *flags: str, **variables: Any) -> tuple[int, str]:
    """Exit status and output of the playbook."""
    argv = [*site.argv("host", osaas_release="untested", **variables), *flags]
    done = subprocess.run(
        argv, cwd=site.directory, env=site.environment(), check=False, capture_output=True, text=True
    )
    output = done.stdout + done.stderr
    print(output)
    assert "[WARNING]" not in output and "[DEPRECATION" not in output, output
    return done.returncode, output


def on_host(site: Site, name: str, *argv: str) -> str:
    done = site.fleet.ssh(name, *argv)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def pinned(site: Site, name: str) -> str:
    return str(json.loads(on_host(site, name, "cat", "/etc/osaas/release.json"))["release"])


def test_a_plan_before_any_pin(site: Site) -> None:
    sync(site, "r1")
    second = sync(site, "r2")
    status, output = host(site, "--check", osaas_targets="host-01")
    assert status == 0, output
    assert re.search(rf"host-01 to {second}: [0-9.]+ MB to download\n +upgrade \d+: .*\bsystemd-0:", output)
    assert site.fleet.ssh("host-01", "ls", "/etc/osaas", "/etc/yum.repos.d/osaas.repo").returncode != 0


def test_there_in_one_run(site: Site) -> None:
    second = (site.directory / "store/channels/untested").readlink().name
    boot = on_host(site, "host-01", "cat", "/proc/sys/kernel/random/boot_id")
    status, output = host(site, "-vvv", osaas_targets="host-*", osaas_updaters="refuse")
    assert status == 0, output
    ours = r"^Using module file \S+/osaas/fleet/plugins/modules/(?!snapshot_info)(\w+)\.py$"
    assert re.findall(ours, output, re.MULTILINE) == [*PHASES, *PHASES]  # one host after the other
    said = re.findall(rf"(host-0\d) runs {second}, rebooted, package set ([0-9a-f]{{12}})", output)
    assert [name for name, _digest in said] == ["host-01", "host-02"]
    assert len({digest for _name, digest in said}) == 1
    assert on_host(site, "host-01", "cat", "/proc/sys/kernel/random/boot_id") != boot
    status, output = host(site, "--limit", "host-01")
    assert (status, pinned(site, "host-01")) == (0, second)
    assert f"host-01 to {second}: nothing to do" in output and "rebooted" not in output


def test_a_bad_release_is_left_and_the_next_host_not_begun(site: Site) -> None:
    second = (site.directory / "store/channels/untested").readlink().name
    third = sync(site, "r3")
    before = on_host(site, "host-01", "rpm", "-qa")
    status, output = host(site, osaas_targets="host-01,host-02")
    assert status == 2, output
    assert "Check that it fares no worse FAILED: " in output and "beacon" in output
    assert f"host-01 is not on {third}, for the reason above; it is back on {second}" in output
    assert not re.search(r"host-02 +Pin the host", output)
    assert (pinned(site, "host-01"), pinned(site, "host-02")) == (second, second)
    assert sorted(on_host(site, "host-01", "rpm", "-qa").split()) == sorted(before.split())


def test_a_release_that_failed_on_the_host_is_not_taken_again(site: Site) -> None:
    status, output = host(site, osaas_targets="host-01")
    assert status == 2, output
    reason = (
        r"Pin the host to the release FAILED: release \w+: failed on this host at .+beacon\.service is failed"
    )
    assert re.search(reason, output), output


def test_what_is_not_told(site: Site) -> None:
    argv = [str(site.bin / "ansible-playbook"), "osaas.fleet.host"]
    done = subprocess.run(argv, env=site.environment(), check=False, capture_output=True, text=True)
    assert done.returncode == 2
    missing = (
        "osaas_gpgkeys, osaas_host_repositories, osaas_release, osaas_store, osaas_store_url, osaas_targets"
    )
    assert f"Validation of arguments failed:\nmissing required arguments: {missing}" in done.stdout
