# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package-set digest."""

from __future__ import annotations

import hashlib

from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import (
    Package,
    nevra,
    set_digest,
    surplus,
    version_of,
)

BASH = Package(nevra("bash", 0, "5.2", "1", "x86_64"), "bash", 7)
DBUS = Package(nevra("dbus", 1, "1.14.10", "1~a", "x86_64"), "dbus", 8)
KEY = Package(nevra("gpg-pubkey", 0, "79fb0e4a", "6b03617b", "none"), "gpg-pubkey", 9)


def test_digest_is_over_sorted_lines_without_keys() -> None:
    lines = b"bash-0:5.2-1.x86_64\ndbus-1:1.14.10-1~a.x86_64\n"
    assert set_digest([DBUS, KEY, BASH]) == hashlib.sha256(lines).hexdigest()


def test_version_of() -> None:
    assert version_of([BASH, DBUS], "dbus") == "1.14.10"
    assert version_of([BASH], "dbus") is None


TWICE = ("bash-0:5.9-1.x86_64", "bash-0:5.10-1.x86_64", "dbus-1:1-1.x86_64", "dbus-0:2-1.x86_64")


def test_of_packages_in_several_versions_the_newest_stays() -> None:
    assert surplus(TWICE, ()) == ["bash-0:5.9-1.x86_64", "dbus-0:2-1.x86_64"]


def test_or_the_one_that_is_to_be_kept() -> None:
    assert surplus(TWICE, ("bash-0:5.9-1.x86_64",)) == ["bash-0:5.10-1.x86_64", "dbus-0:2-1.x86_64"]


def test_packages_of_two_architectures_are_not_two_versions() -> None:
    assert surplus(("glibc-0:2-1.i686", "glibc-0:2-1.x86_64"), ()) == []
