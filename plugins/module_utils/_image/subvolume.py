# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What btrfs(8) cannot say of a subvolume, but the kernel can."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from uuid import UUID

# linux/btrfs.h: struct btrfs_ioctl_received_subvol_args; its times have seconds, nanoseconds and padding.
RECEIVED = struct.Struct("=16sQQ QI4x QI4x Q 16Q")
BTRFS_IOC_SET_RECEIVED_SUBVOL = 3 << 30 | RECEIVED.size << 16 | 0x94 << 8 | 37


def set_received(subvolume: Path, uuid: UUID) -> None:
    """Let a subvolume say that it was received under this id: who receives what it is sent as looks for that.

    Raises OSError.
    """
    told = RECEIVED.pack(uuid.bytes, 1, 0, 0, 0, 0, 0, 0, *[0] * 16)
    directory = os.open(subvolume, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(directory, BTRFS_IOC_SET_RECEIVED_SUBVOL, bytearray(told))
    finally:
        os.close(directory)
