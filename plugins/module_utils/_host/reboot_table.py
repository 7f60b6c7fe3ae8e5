# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What needs a reboot to take effect, as data. Names as fnmatch patterns."""

from __future__ import annotations

# Packages that everything runs on: a restart of services would have to restart all of them.
REBOOT_PACKAGES = (
    "kernel",
    "kernel-core",
    "kernel-modules*",
    "kernel-rt*",
    "kernel-64k*",
    "kernel-uek*",
    "linux-image-*",
    "linux-firmware",
    "microcode_ctl",
    "glibc",
    "libc6",
    "systemd",
    "systemd-libs",
    "libsystemd0",
    "dbus",
    "dbus-broker",
    "dbus-daemon",
    "openssl-libs",
    "libssl3",
    "selinux-policy-targeted",
)

# Services that must not be restarted on a running system; with replaced files they need a reboot.
REBOOT_SERVICES = ("dbus.service", "dbus-broker.service", "auditd.service")

# Services that are a person's session: they end by themselves.
SESSION_SERVICES = ("user@*.service", "*getty*.service", "osaas-transaction-*.service")
