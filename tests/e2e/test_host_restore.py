# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way back by the root as it was: the next boot finds everything as before, not packages alone.

The tests of this file are one story on one host, whose root is a subvolume of btrfs: they run in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR, on_flavours
from .host_site import R1, R2, Site, fill_store

pytestmark = on_flavours("testbed-9", "testbed-next")

HOST = "host-01"
# As soon as the first package is on its way; asked on the host, for a transaction is over in seconds.
KILL_IN_TRANSACTION = """timeout 60 sh -c '
    until systemctl is-active --quiet "osaas-transaction-*" &&
        tail -n1 "$(ls -t /var/lib/osaas/transactions/*/log | head -n1)" | grep -q "osaas.dnf: [0-9]"
    do sleep 0.02; done
    systemctl kill --signal=KILL "osaas-transaction-*"'
"""
VOLUMES = "btrfs subvolume list / | sed 's/.* path //' | grep ^host"


@pytest.fixture(scope="module")
def site(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A host on r1 that can handle subvolumes."""
    scratch = tmp_path_factory.mktemp("restore")
    fill_store(scratch / "store", distro)
    with Fleet.start(
        "restore",
        distro=distro,
        hosts=1,
        racks=1,
        store=scratch / "store",
        run_dir=RUN_DIR,
        cache=CACHE,
        progress=print,
    ) as fleet:
        site = Site(fleet, distro, scratch)
        assert not site.pin(HOST, R1)["failed"]
        site.shell(HOST, "dnf -y -q install btrfs-progs")
        assert not site.update(HOST, "active", R1)["failed"]
        yield site


@pytest.fixture(scope="module")
def before(site: Site) -> str:
    """The package-set digest on r1."""
    return str(site.call(HOST, "host_info")["host"]["package_set_digest"])


def enter(site: Site) -> dict[str, Any]:
    assert not site.pin(HOST, R2, force=True)["failed"]
    return site.update(HOST, "active", R2, restore_point="btrfs")


def back(site: Site) -> dict[str, Any]:
    return site.update(HOST, "rolled_back", R2, restore_point="btrfs", reason="it is worse")


def test_the_next_boot_finds_the_root_as_it_was(site: Site, before: str) -> None:
    site.shell(HOST, "echo before > /etc/site.conf")
    entered = enter(site)
    assert not entered["failed"] and entered["package_set_digest"] != before, entered
    site.shell(HOST, "echo after > /etc/site.conf; touch /etc/stray")
    waits = back(site)
    assert waits["changed"] and waits["waits_for_boot"] and waits["reboot_required"], waits
    assert waits["reboot_reasons"][0] == f"the next boot brings the host to {R1}"
    assert waits["restored"] is None
    again = back(site)
    assert not again["changed"] and again["waits_for_boot"], again
    refused = site.update(HOST, "active", R1)
    assert refused["msg"] == (
        f"this host: leaves {R2} at the next boot, with all that changes until then. Reboot it first"
    )
    for release, url in ((R2, "http://10.99.0.1:8080"), (R1, "http://other")):
        assert site.pin(HOST, release, force=True, url=url)["msg"] == refused["msg"]
    assert site.call(HOST, "host_pin", state="absent")["msg"] == refused["msg"]
    assert not site.pin(HOST, R1)["changed"]
    site.reboot(HOST)
    assert site.shell(HOST, "cat /etc/site.conf; ls /etc/stray 2>/dev/null || true") == "before"
    told = back(site)
    assert not told["failed"] and told["changed"] and told["restored"], told
    assert (told["release"], told["from_release"], told["package_set_digest"]) == (R1, R2, before)
    assert not told["reboot_required"] and told["transaction"] == waits["transaction"]
    assert not back(site)["changed"] and not site.update(HOST, "active", R1)["changed"]
    host = site.call(HOST, "host_info")["host"]
    assert (host["pinned"], host["running"], host["drift"], host["failed_units"]) == (R1, R1, False, [])
    assert site.pin(HOST, R2)["msg"].startswith(f"release {R2}: failed on this host at ")


def test_a_cut_off_transaction_is_left_behind_whole(site: Site, before: str) -> None:
    assert not site.pin(HOST, R2, force=True)["failed"]
    with ThreadPoolExecutor() as pool:
        call = pool.submit(enter, site)
        site.shell(HOST, KILL_IN_TRANSACTION)
        assert "ended without a result" in call.result()["msg"]
    assert back(site)["waits_for_boot"]
    site.reboot(HOST)
    told = back(site)
    assert told["restored"] and not told["repairs"] and told["package_set_digest"] == before, told
    assert site.shell(HOST, "rpm -Va --nodeps | grep -v '^..5.* c /etc/' || true") == ""


def test_one_root_is_kept_and_the_default_follows(site: Site, before: str) -> None:
    site.shell(HOST, "btrfs subvolume set-default $(btrfs inspect-internal rootid /) /")
    assert not enter(site)["failed"]
    assert site.shell(HOST, VOLUMES).split() == [HOST, f"{HOST}.osaas-{R2}"]
    assert back(site)["waits_for_boot"]
    site.reboot(HOST)
    assert back(site)["restored"]
    default = "btrfs subvolume get-default / | cut -d ' ' -f 2"
    assert site.shell(HOST, default) == site.shell(HOST, "btrfs inspect-internal rootid /")


def test_without_it_the_way_back_is_by_packages(site: Site, before: str) -> None:
    assert not enter(site)["failed"]
    result = site.update(HOST, "rolled_back", R2, remember=False)
    assert not result["waits_for_boot"] and result["restored"], result
    assert result["package_set_digest"] == before


def test_what_a_restore_point_would_leave_out_bars_it(site: Site, before: str) -> None:
    site.shell(HOST, "btrfs subvolume create /srv/data; touch /srv/data/file")
    refused = enter(site)
    assert refused["failed"]
    assert "/srv/data: is a subvolume inside of /, which a restore point leaves out. " in refused["msg"]
    host = site.call(HOST, "host_info")["host"]
    assert (host["running"], host["package_set_digest"]) == (R1, before)
    site.shell(HOST, "btrfs subvolume delete /srv/data")
