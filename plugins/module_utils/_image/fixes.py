# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The CVEs that packages have fixed, as the advisories of a snapshot say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metadata import unpack_record


def fixed_cves(runner: Runner, trees: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """CVE ids by NEVRA, sorted; of the repositories that have advisories."""
    found: dict[str, set[str]] = {}
    for tree in trees:
        with tempfile.TemporaryDirectory() as scratch:
            path = unpack_record(runner, tree, "updateinfo", Path(scratch))
            for update in createrepo_c.UpdateInfo(str(path)).updates if path is not None else ():
                cves = {reference.id for reference in update.references if reference.type == "cve"}
                for package in (one for collection in update.collections for one in collection.packages):
                    evr = f"{package.epoch or 0}:{package.version}-{package.release}"
                    found.setdefault(f"{package.name}-{evr}.{package.arch}", set()).update(cves)
    return {nevra: tuple(sorted(cves)) for nevra, cves in found.items() if cves}
