# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Debian's paths lie in a merged-/usr system, and how a spec file names them."""

from __future__ import annotations

import pytest
from testbed.distro.paths import canonical, link_target, member_path, pattern, shipped


@pytest.mark.parametrize(
    ("path", "moved"),
    [
        ("/bin/ls", "/usr/bin/ls"),
        ("/sbin/init", "/usr/sbin/init"),
        ("/lib64/ld-linux-x86-64.so.2", "/usr/lib64/ld-linux-x86-64.so.2"),
        ("/lib", "/usr/lib"),
        ("/usr/bin/jq", "/usr/bin/jq"),
        ("/library/x", "/library/x"),
        ("/boot/vmlinuz-6.12.1+deb13", "/usr/lib/modules/6.12.1+deb13/vmlinuz"),
        ("/", "/"),
    ],
)
def test_canonical(path: str, moved: str) -> None:
    assert canonical(path) == moved


@pytest.mark.parametrize(
    ("name", "path"), [("./", "/"), ("./usr/bin/", "/usr/bin"), ("./etc/.pwd.lock", "/etc/.pwd.lock")]
)
def test_member_path(name: str, path: str) -> None:
    assert member_path(name) == path


@pytest.mark.parametrize(
    ("path", "target", "result"),
    [
        ("/lib/x/libfoo.so", "libfoo.so.1", "libfoo.so.1"),  # beside it: moves along
        ("/lib/systemd/system/a", "/dev/null", "/dev/null"),
        ("/lib64/ld.so", "../lib/x86/ld.so", "../lib/x86/ld.so"),  # both move, still beside each other
        ("/sbin/telinit", "../usr/bin/systemctl", "/usr/bin/systemctl"),  # would point to /usr/usr/bin
        ("/bin/sh", "../etc/alternatives/sh", "/etc/alternatives/sh"),
        ("/usr/bin/x", "../../bin/y", "../../bin/y"),  # did not move itself
    ],
)
def test_link_target(path: str, target: str, result: str) -> None:
    assert link_target(path, target) == result


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/usr/share/man/man1/ls.1.gz", False),
        ("/usr/share/doc", False),
        ("/usr/share/docker", True),
        ("/usr/lib", True),
        ("/bin", False),
        ("/", False),
    ],
)
def test_shipped(path: str, expected: bool) -> None:
    assert shipped(path) is expected


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/usr/bin/ls", "/usr/bin/ls"),
        ("/usr/bin/[", "/usr/bin/?"),
        ("/lib/a\\x2db.slice", "/lib/a?x2db.slice"),
        ("/usr/share/100%", "/usr/share/100%%"),
        ("/with space/*", "/with?space/?"),
    ],
)
def test_quoted(path: str, word: str) -> None:
    assert pattern(path) == word
