# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/proc, as files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import (
    boot_id,
    boot_time,
    maps_replaced_file,
    stale_units,
    unit_of,
)

LINE = "7f00-7f01 r-xp 00000000 fe:01 42                 {}"


@pytest.mark.parametrize(
    ("path", "replaced"),
    [
        ("/usr/lib64/libssl.so.3 (deleted)", True),
        ("/usr/lib64/libssl.so.3", False),
        ("/memfd:pulse (deleted)", False),
        ("/tmp/ffi (deleted)", False),
        ("[heap]", False),
        ("", False),
    ],
)
def test_replaced_files(path: str, replaced: bool) -> None:
    assert maps_replaced_file(f"{LINE.format('/usr/bin/x')}\n{LINE.format(path)}\n") is replaced


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/ssh.service\n", "ssh.service"),
        ("5:cpu:/\n1:name=systemd:/system.slice/a.service/sub\n0::/x.service\n", "a.service"),
        ("0::/user.slice/user-0.slice/user@0.service/app.slice/dbus.service\n", "user@0.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", ""),
        ("0::/init.scope\n", ""),
    ],
)
def test_unit_of(cgroup: str, unit: str) -> None:
    assert unit_of(cgroup) == unit


def test_stale_units(tmp_path: Path) -> None:
    for pid, path, unit in (("1", "/usr/lib/x (deleted)", "a"), ("22", "/usr/lib/x", "b"), ("3", None, "c")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cgroup").write_text(f"0::/system.slice/{unit}.service\n")
        if path:  # without maps it has ended
            (tmp_path / pid / "maps").write_text(LINE.format(path))
    assert stale_units(tmp_path) == {"a.service"}


def test_boot_time_is_that_of_pid_1(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    started = 50 * os.sysconf("SC_CLK_TCK")
    (tmp_path / "1/stat").write_text(f"1 (a) b) S {' '.join(['0'] * 18)} {started} 0 0\n")
    (tmp_path / "stat").write_text("cpu 1 2\nbtime 1000\n")
    assert boot_time(tmp_path) == 1050
    assert 0 < boot_time() <= time.time()
    assert len(boot_id()) == 36
