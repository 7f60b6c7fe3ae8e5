# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""How much package sets have to download to get from one snapshot to another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._repo.package_sets import PackageSet
from ansible_collections.osaas.fleet.plugins.module_utils._repo.solve import Universe


def downloads(
    runner: Runner, before: Sequence[Path], after: Sequence[Path], sets: Sequence[PackageSet], *, arch: str
) -> dict[str, int | None]:
    """Bytes by the name of the set, new dependencies included; None if there is no way to update it.

    `before` and `after` are the trees of the snapshots, `arch` is of sets whose packages are all noarch.
    """
    found: dict[str, int | None] = {}
    for each in sorted({one.arch or arch for one in sets}):
        mine = [one for one in sets if (one.arch or arch) == each]
        universe = Universe(runner, each, after, before, {nevra for one in mine for nevra in one.packages})
        for one in mine:
            done = universe.distro_sync(one.packages, one.streams)
            found[one.name] = done.download if done.solved else None
    return {one.name: found[one.name] for one in sets}
