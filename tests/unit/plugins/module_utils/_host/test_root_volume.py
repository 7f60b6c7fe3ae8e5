# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subvolume is the root, as /proc/self/mountinfo tells it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.root_volume import RootVolume, root_volume

OTHER = "22 28 0:20 / /proc rw,nosuid shared:5 - proc proc rw\n"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "28 1 0:25 /root / rw,noatime shared:1 - btrfs /dev/vda3 rw,subvolid=256,subvol=/root",
            RootVolume("/dev/vda3", "root"),
        ),
        ("28 1 0:25 /a/@\\040b / rw - btrfs /dev/mapper/x rw", RootVolume("/dev/mapper/x", "a/@ b")),
        ("28 1 0:25 / / rw - btrfs /dev/vda3 rw,subvolid=5", None),
        ("28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw", None),
        ("28 1 0:25 /home /home rw - btrfs /dev/vda3 rw", None),
    ],
)
def test_the_root(tmp_path: Path, line: str, found: RootVolume | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"{OTHER}{line}\n{OTHER}")
    assert root_volume(mounts) == found
