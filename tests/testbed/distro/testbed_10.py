# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flavour testbed-10: Debian trixie's packages, like an EL10 (systemd 257, dnf 4.23, Python 3.13).

It has what machines boot from, a kernel and a boot loader, the tools that make disks, and QEMU to boot them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .flavour import Amendment, File, Scriptlet, words
from .testbed_9 import TESTBED_9

_INITRD = Path(__file__).parent / "initrd"
# As on EL: a kernel that is installed has an initramfs, made by a tool of its own there.
_KERNEL = """\
for kernel in /usr/lib/modules/*; do
  /usr/sbin/depmod "${kernel##*/}" && /usr/bin/mkinitrd "/boot/initramfs-${kernel##*/}.img" "${kernel##*/}"
done"""

TESTBED_10 = replace(
    TESTBED_9,
    name="testbed-10",
    suite="trixie",
    major="10",
    # A plugin of dnf, system-upgrade, imports it without requiring it.
    core=(*TESTBED_9.core, "python3-systemd"),
    offered=words("""
        btrfs-progs busybox-static cpio cryptsetup-bin dosfstools e2fsprogs erofs-utils gpgv
        linux-image-cloud-amd64 mtools ovmf qemu-system-x86 squashfs-tools systemd-boot
        systemd-boot-efi systemd-repart systemd-ukify
        """),
    amendments={
        **TESTBED_9.amendments,
        "busybox-static": Amendment(
            files={
                "/usr/bin/mkinitrd": File((_INITRD / "mkinitrd").read_text(), mode=0o755),
                "/usr/lib/testbed-initrd/init": File((_INITRD / "init").read_text(), mode=0o755),
            }
        ),
        "linux-image-[0-9]*": Amendment(scriptlets=(Scriptlet("posttrans", _KERNEL),)),
    },
)
