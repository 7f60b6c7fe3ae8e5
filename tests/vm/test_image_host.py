# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image host on real firmware, boot loader and kernel decides as the cases say, which nspawn follows too.

One machine goes through all of them, in this order: an emulated boot takes half a minute.
"""

from __future__ import annotations

import json
from pathlib import Path

from testbed.firmware import cases
from testbed.firmware.cases import Case
from vm.conftest import Published, Site, commit, stage
from vm.vm_host import Machine, VmHost

TRIES = 2  # of the cases


def test_the_power_goes_while_a_kernel_is_written(machine: Machine, site: Site, tmp_path: Path) -> None:
    a, b, c = (site.releases[name] for name in ("A", "B", "Sick"))
    kernel = f"/osaas/{b.short}/vmlinuz"
    with machine.on() as host:
        host.wait_for_entries("1-A")
        _is_who_it_should_be(host, a)
        for release in (b, c):
            staged = host.module("deployment", **stage(machine, release))
            assert staged["changed"], staged
            assert staged["bytes_copied"] > 4 * staged["bytes_fetched"]
        committing = host.start_module("deployment", **commit(b, tries=TRIES))
        # The kernel is there in part or as a whole, and its entry cannot be.
        host.wait(lambda: machine.disk.has(f"/osaas/{b.short}"), f"writing {kernel}")
        host.vm.process.kill()
        committing.kill()
        committing.communicate()
    # As if it had come elsewhere: half a kernel, and half an entry under its name while it is written.
    half = tmp_path / "half"
    half.write_bytes((b.directory / "web.vmlinuz").read_bytes()[:5_000_000])
    machine.disk.write(half, kernel)
    half.write_bytes(b"title Testbed")
    machine.disk.write(half, f"/loader/entries/{cases.file_name('2-B+2', machine.digests)}.new")

    with machine.on() as host:
        host.goes_through(cases.CUT_IN_COMMIT)


def test_an_update_is_kept(machine: Machine, site: Site) -> None:
    b = site.releases["B"]
    with machine.on() as host:
        committed = host.module("deployment", **commit(b, tries=TRIES))
        assert committed["entry"] == cases.file_name("2-B+2", machine.digests), committed
        assert machine.disk.read(f"/osaas/{b.short}/vmlinuz") == (b.directory / "web.vmlinuz").read_bytes()
        host.ssh("echo stays > /var/lib/marker; echo goes > /etc/marker; sync")
        host.forget_boots()
        host.reboot()
        host.goes_through(cases.GOOD)

        found = host.ssh("cat /var/lib/marker; test ! -e /etc/marker && cat /usr/lib/well").split()
        assert found == ["stays", b.release]
        info = host.module("deployment_info")["deployment"]
        assert (info["current"], info["previous"]) == (b.digest, site.releases["A"].digest)


def test_what_is_not_healthy_is_left_and_refused(machine: Machine, site: Site) -> None:
    sick = site.releases["Sick"]
    machine.set_up(cases.UNHEALTHY, b="Sick")
    with machine.on() as host:
        host.goes_through(cases.UNHEALTHY, b="Sick")

        info = host.module("deployment_info")["deployment"]
        assert info["current"] == site.releases["A"].digest
        (failed,) = info["failed"]
        assert (failed["digest"], failed["release"]) == (sick.digest, sick.release)
        assert failed["reason"] == "unhealthy: file /usr/lib/well: /usr/lib/well does not exist"
        refused = host.module("deployment", **commit(sick))
        assert refused["msg"] == (
            f"release {sick.release}: failed on this host at {failed['when']}: {failed['reason']}."
            " Deploy another release, or set force if the cause is gone"
        )


def test_what_has_no_userspace_is_left(machine: Machine) -> None:
    machine.set_up(cases.NO_USERSPACE, more="init=/usr/bin/false")
    with machine.on() as host:
        host.goes_through(cases.NO_USERSPACE)
        assert "Kernel panic" in host.vm.said()


def test_a_root_that_rotted_is_left(machine: Machine) -> None:
    machine.set_up(cases.DAMAGED)
    machine.disk.flip(f"/deployments/{machine.digests['B']}/root.erofs", 1024)
    with machine.on() as host:
        host.goes_through(cases.DAMAGED)
        assert f"osaas-root: cannot mount the root of {machine.digests['B']}" in host.vm.said()
    machine.disk.flip(f"/deployments/{machine.digests['B']}/root.erofs", 1024)


def test_what_was_good_and_rotted_is_left(machine: Machine) -> None:
    """Its boots are not counted: its initramfs says what the loader cannot know. On nspawn there is none."""
    rotted = Case("good once", ("1-A", "2-B"), "B was good", ("2-B", "1-A"), ("1-A", "2-B+0-1"))
    machine.set_up(rotted)
    machine.disk.flip(f"/deployments/{machine.digests['B']}/root.erofs", 1024)
    with machine.on() as host:
        host.goes_through(rotted)
    machine.disk.flip(f"/deployments/{machine.digests['B']}/root.erofs", 1024)


def test_a_roll_back_is_kept(machine: Machine, site: Site) -> None:
    machine.set_up(cases.ROLLED_BACK)
    with machine.on() as host:
        host.goes_through(cases.ROLLED_BACK)

        host.ssh("mount -o remount,ro /efi")
        refused = host.module("deployment", **stage(machine, site.releases["Sick"]))
        assert refused["msg"] == (
            "/efi: is mounted read-only, as Linux does with a file system that it finds damaged."
            " Unmount it, repair it (fsck.vfat -a), mount it again, and run this again"
        )


def test_the_power_goes_in_a_first_boot(machine: Machine) -> None:
    machine.set_up(cases.CUT_IN_FIRST_BOOT)
    with machine.on() as host:
        host.wait(lambda: len(host.boots()) == 1, "its first boot")
        first = host.decisions()
    with machine.on() as host:
        host.goes_through(cases.CUT_IN_FIRST_BOOT, first=first)

        # A byte of the running root: who reads it is told, and so is who asks for the host's health.
        place = 2_000_000
        machine.disk.flip(f"/deployments/{machine.digests['B']}/root.erofs", place)
        host.ssh("echo 3 > /proc/sys/vm/drop_caches")
        read = f"dd if=/dev/mapper/osaas-root of=/dev/null bs=4096 skip={place // 4096} count=1 2>&1 || true"
        assert "Input/output error" in host.ssh(read)
        told = host.ssh("/usr/bin/python3 /usr/lib/osaas/host.pyz health || true")
        assert told == "unhealthy: root: dm-verity says that it is corrupted\n"


def _is_who_it_should_be(host: VmHost, release: Published) -> None:
    told = host.ssh(
        "cat /etc/hostname /etc/machine-id; readlink /etc/localtime; head -n 1 /etc/shadow | cut -d: -f2;"
        " findmnt --noheadings --output FSTYPE /; cat /run/osaas/booted.json;"
        " systemctl start osaas-grow.service; df --output=size --block-size=1M /run/osaas/data"
    ).splitlines()
    assert told[:5] == [
        "web-01",
        "0123456789abcdef0123456789abcdef",
        "../usr/share/zoneinfo/Europe/Berlin",
        "$6$salt$0123456789",
        "overlay",
    ]
    assert json.loads(told[5])["digest"] == release.digest
    assert int(told[-1]) > 1000  # of 1200 MiB of the disk, 96 of them the ESP


def test_every_case_was_gone_through() -> None:
    """What a boot loader decides is told by the cases alone: a new one wants a boot here, too."""
    told: tuple[Case, ...] = (
        cases.CUT_IN_COMMIT,
        cases.GOOD,
        cases.UNHEALTHY,
        cases.NO_USERSPACE,
        cases.DAMAGED,
        cases.ROLLED_BACK,
        cases.CUT_IN_FIRST_BOOT,
    )
    assert set(told) == set(cases.CASES)
