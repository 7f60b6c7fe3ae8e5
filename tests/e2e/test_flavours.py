# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the newer flavours are what they say, and move between releases as those of testbed-9 do.

How those of testbed-next move is told by test_host.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CACHE, RUN_DIR, on_flavours
from .host_site import R1, R2, Site, fill_store

HOST = "host-01"
VERSIONS = {  # of the operating system, how those of dnf and rpm begin, and the least of systemd
    "testbed-10": ("10.1", "4.", "4.", 257),
    "testbed-next": ("11.1", "5.", "6.", 260),
}


@pytest.fixture(scope="module")
def site(distro: Distro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host on r1."""
    scratch = tmp_path_factory.mktemp("flavour")
    fill_store(scratch / "store", distro)
    with Fleet.start(
        "flavour",
        distro=distro,
        hosts=1,
        racks=1,
        store=scratch / "store",
        run_dir=RUN_DIR,
        cache=CACHE,
        progress=print,
    ) as fleet:
        yield Site(fleet, distro, scratch)


@on_flavours(*VERSIONS)
def test_a_host_is_of_its_flavour(site: Site, distro: Distro) -> None:
    system, dnf, rpm, systemd = VERSIONS[distro.flavour]
    host = site.call(HOST, "host_info")["host"]
    assert host["os"] == {"id": "testbed", "version": system}
    assert host["dnf"]["flavour"] == f"dnf{dnf[0]}"
    assert host["dnf"]["version"].startswith(dnf)
    assert site.shell(HOST, "rpm --version").startswith(f"RPM version {rpm}")
    assert int(site.shell(HOST, "systemctl --version").split()[1]) >= systemd


@on_flavours(*VERSIONS)
def test_no_file_of_a_package_was_changed_but_the_accounts(site: Site) -> None:
    changed = site.shell(HOST, "rpm -Va || true").splitlines()
    assert {line.split()[-1] for line in changed} == {
        f"/etc/{n}" for n in ("passwd", "group", "shadow", "gshadow")
    }


@on_flavours("testbed-10")
def test_forward_back_and_forward_again(site: Site) -> None:
    first = site.converge(HOST, R1)
    assert (first["failed"], first["changed"]) == (False, False), first
    site.pin(HOST, R2)
    staged = site.update(HOST, "staged", R2)
    assert len(staged["plan"]["upgrade"]) >= 20, staged
    forward = site.update(HOST, "active", R2)
    assert not forward["failed"] and forward["changed"], forward
    assert "systemd was updated since the boot" in forward["reboot_reasons"]
    checks = [{"kind": "units"}, {"kind": "unit", "unit": "beacon.service"}]
    assert site.call(HOST, "health_check", checks=checks)["healthy"]
    back = site.update(HOST, "rolled_back", R2, remember=False)
    assert (back["release"], back["package_set_digest"]) == (R1, first["package_set_digest"])
    again = site.converge(HOST, R2)
    assert again["package_set_digest"] == forward["package_set_digest"]
    host = site.call(HOST, "host_info")["host"]
    assert (host["running"], host["drift"], host["failed_units"]) == (R2, False, [])
