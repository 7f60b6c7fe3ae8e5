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
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, compare_evr, parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metadata import unpack_record


def fixed_cves(runner: Runner, trees: Iterable[Path], packages: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """CVE ids, sorted, by those of the `packages` (NEVRAs) that have fixed any.

    What an advisory says of a build is true of later ones.
    """
    advised = _advised(runner, trees)
    found: dict[str, tuple[str, ...]] = {}
    for package in packages:
        one = parse_nevra(package, where="an image")
        builds = advised.get((one.name, one.arch), ())
        if cves := {cve for build, fixed in builds if compare_evr(build, one) <= 0 for cve in fixed}:
            found[package] = tuple(sorted(cves))
    return found


def _advised(runner: Runner, trees: Iterable[Path]) -> dict[tuple[str, str], list[tuple[Nevra, set[str]]]]:
    """Of each package, by name and architecture, the builds that advisories name, with their CVEs."""
    found: dict[tuple[str, str], list[tuple[Nevra, set[str]]]] = {}
    for tree in trees:
        with tempfile.TemporaryDirectory() as scratch:
            path = unpack_record(runner, tree, "updateinfo", Path(scratch))
            for update in createrepo_c.UpdateInfo(str(path)).updates if path is not None else ():
                cves = {reference.id for reference in update.references if reference.type == "cve"}
                for one in (one for collection in update.collections for one in collection.packages):
                    build = Nevra(one.name, int(one.epoch or 0), one.version, one.release, one.arch)
                    found.setdefault((one.name, one.arch), []).append((build, cves))
    return found
