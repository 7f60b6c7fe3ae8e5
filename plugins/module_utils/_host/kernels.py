# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The kernels that are installed."""

from __future__ import annotations

from functools import cmp_to_key
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._evr import compare_versions

_MODULES = Path("/usr/lib/modules")
_CONTAINER = Path("/run/systemd/container")


def installed_kernels(modules: Path = _MODULES, container: Path = _CONTAINER) -> list[str]:
    """Their releases as `uname -r` tells them, oldest first: directories that have a list of modules.

    A container runs its host's kernel, whatever is installed in it: it has none.
    """
    if container.exists():
        return []
    found = [path.parent.name for path in modules.glob("*/modules.order")]
    return sorted(found, key=cmp_to_key(compare_versions))
