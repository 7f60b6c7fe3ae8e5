# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package hosts move between releases as transactions that survive anything.

The tests of this file are one story: they run in their order, on hosts of their own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR, on_flavours
from .host_site import R1, R2, R3, REPOS, Site, fill_store

pytestmark = on_flavours("testbed-9", "testbed-next")

FOREIGN, GONE = "20261105T000000Z", "20261107T000000Z"
CHECKS = [
    {"kind": "units"},
    {"kind": "unit", "unit": "beacon.service", "name": "beacon"},
    {"kind": "http", "url": "http://127.0.0.1:8000/", "retries": 3},
]


@pytest.fixture(scope="module")
def site(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two hosts on r1, and a store with the releases of upstream as snapshots."""
    scratch = tmp_path_factory.mktemp("site")
    store = scratch / "store"
    fill_store(store, distro)
    _sign_with_another_key(distro.release("r2"), store / "snapshots" / FOREIGN, scratch)
    with Fleet.start(
        "host", distro=distro, hosts=2, racks=1, store=store, run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        yield Site(fleet, distro, scratch)


def _sign_with_another_key(release: Path, snapshot: Path, scratch: Path) -> None:
    """The metadata of `release`, signed by somebody else."""
    home = scratch / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--homedir", str(home), "--passphrase", ""]
    subprocess.run([*gpg, "--quick-gen-key", "stranger@example.com", "ed25519", "sign"], check=True)
    for repo in REPOS:
        target = snapshot / repo / "repodata"
        target.mkdir(parents=True)
        for file in (release / repo / "repodata").iterdir():
            if file.suffix != ".asc":
                (target / file.name).write_bytes(file.read_bytes())
        subprocess.run([*gpg, "--armor", "--detach-sign", str(target / "repomd.xml")], check=True)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)


def test_a_pinned_host_that_is_there_already_changes_nothing(site: Site) -> None:
    assert site.pin("host-01", R1)["changed"]
    assert not site.pin("host-01", R1)["changed"]
    result = site.update("host-01", "active", R1)
    assert (result["failed"], result["changed"], result["transaction"]) == (False, False, "")
    assert not any(result["packages"].values())
    assert not result["reboot_required"]
    host = site.call("host-01", "host_info")["host"]
    assert (host["pinned"], host["running"], host["drift"]) == (R1, R1, False)


def test_staging_tells_the_plan_and_downloads_once(site: Site) -> None:
    site.pin("host-01", R2)
    predicted = site.update("host-01", "staged", R2, "--check")
    assert predicted["changed"] and len(predicted["plan"]["upgrade"]) >= 20
    assert not site.shell("host-01", "find /var/cache/osaas -name '*.rpm'")
    staged = site.update("host-01", "staged", R2)
    assert staged["changed"] and staged["plan"] == predicted["plan"]
    again = site.update("host-01", "staged", R2)
    assert not again["changed"] and again["plan"]["download_bytes"] == 0


def test_activation_needs_no_network_and_says_what_must_restart(site: Site) -> None:
    before = site.call("host-01", "host_info")["host"]["package_set_digest"]
    snapshot = site.config.parent / "store/snapshots" / R2
    snapshot.rename(snapshot.with_name("away"))
    result = site.update("host-01", "active", R2)
    snapshot.with_name("away").rename(snapshot)
    assert not result["failed"] and result["changed"], result
    assert result["from_release"] == R1 and result["package_set_digest"] != before
    assert "systemd was updated since the boot" in result["reboot_reasons"]
    again = site.update("host-01", "active", R2)
    assert not again["changed"] and again["package_set_digest"] == result["package_set_digest"]
    assert again["transaction"] == result["transaction"]


def test_two_hosts_converge_on_one_digest_though_a_controller_died(site: Site) -> None:
    site.pin("host-02", R2)
    assert site.update("host-02", "staged", R2)["changed"]
    controller = subprocess.Popen(
        site.command("host-02", "os_update", {"state": "active", "release": R2}),
        env=site.environment(),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not site.shell("host-02", "ls /var/lib/osaas/transactions 2>/dev/null || true"):
        assert time.monotonic() < deadline, "no transaction was started"
    os.killpg(controller.pid, signal.SIGKILL)
    controller.wait()
    result = site.update("host-02", "active", R2)
    assert not result["failed"] and not result["recovered"], result
    other = site.call("host-01", "host_info")["host"]["package_set_digest"]
    assert result["package_set_digest"] == other
    assert site.shell("host-02", "ls /var/lib/osaas/transactions | wc -l") == "1"


def test_a_bad_release_is_seen_left_and_remembered(site: Site) -> None:
    healthy = site.call("host-01", "health_check", checks=CHECKS, fail=False)
    assert healthy["healthy"], healthy
    site.reboot("host-01")
    rebooted = site.call("host-01", "health_check", checks=CHECKS, baseline=healthy["baseline"])
    assert rebooted["healthy"], rebooted
    before = site.call("host-01", "host_info")["host"]["package_set_digest"]
    assert site.converge("host-01", R3)["changed"]
    sick = site.call("host-01", "health_check", checks=CHECKS, baseline=healthy["baseline"])
    assert sick["failed"]
    assert sick["failures"][1:] == [
        "beacon: unit beacon.service is failed",
        "http http://127.0.0.1:8000/: connection refused",
    ]
    back = site.update("host-01", "rolled_back", R3, reason="beacon does not start")
    assert not back["failed"] and back["changed"], back
    assert not back["reboot_required"] and "beacon.service" in back["services_restarted"]
    assert (back["release"], back["from_release"], back["package_set_digest"]) == (R2, R3, before)
    assert not site.update("host-01", "rolled_back", R3)["changed"]
    assert site.call("host-01", "health_check", checks=CHECKS, baseline=healthy["baseline"])["healthy"]
    refused = site.pin("host-01", R3)
    assert refused["failed"]
    assert refused["msg"].startswith(f"release {R3}: failed on this host at ")
    assert "beacon does not start" in refused["msg"]


def test_a_repo_signed_by_a_stranger_is_refused(site: Site) -> None:
    site.pin("host-02", FOREIGN)
    result = site.update("host-02", "staged", FOREIGN)
    assert result["failed"]
    assert re.search("Bad GPG signature|Signing key not found", result["msg"])  # dnf 4, dnf 5
    assert result["msg"].endswith("Only these keys may have signed it: RPM-GPG-KEY-osaas-testbed")


def test_a_release_that_is_not_served_is_an_error(site: Site) -> None:
    site.pin("host-02", GONE)
    result = site.update("host-02", "staged", GONE)
    assert result["failed"] and "Is the store reachable from this host?" in result["msg"]


def test_other_repos_are_disabled_and_come_back(site: Site) -> None:
    text = "[vendor]\\nname=v\\nbaseurl=http://a/\\n\\n[other]\\nname=o\\nenabled = 1\\nbaseurl=http://b/"
    site.shell("host-02", f"printf '{text}' > /etc/yum.repos.d/site.repo")
    before = site.shell("host-02", "sha256sum /etc/yum.repos.d/site.repo")
    pinned = site.pin("host-02", R2, force=True, allow_repositories=["vendor"])
    assert pinned["disabled_repositories"] == ["other"]
    assert "other" not in site.shell("host-02", "dnf -q repolist --enabled")
    assert not site.pin("host-02", R2, force=True, allow_repositories=["vendor"])["changed"]
    assert site.call("host-02", "host_pin", state="absent")["changed"]
    assert site.shell("host-02", "sha256sum /etc/yum.repos.d/site.repo") == before
    site.shell("host-02", "rm /etc/yum.repos.d/site.repo")


def test_a_host_that_is_gone_is_a_failure(site: Site) -> None:
    site.fleet.kill("host-02")
    result = site.call("host-02", "host_info", reconnect_timeout=3)
    assert result["failed"]
    assert result["msg"].startswith("host-02 cannot be reached for ")
    assert result["unreachable_for"] >= 3
    site.fleet.power_on("host-02")
    assert not site.call("host-02", "host_info")["failed"]
