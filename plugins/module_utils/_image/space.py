# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Room on disk, looked at before it is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError

MIB = 1 << 20


def check_space(directory: Path, needed: int, *, what: str = "the layers need") -> None:
    """Raises InputError if `directory` has no room for so many bytes."""
    free = shutil.disk_usage(directory).free
    if needed > free:
        told = f"{what} about {-(-needed // MIB)} MiB, {free // MIB} MiB are free"
        raise InputError(told, where=str(directory), way_out="Make room there, or give another directory")
