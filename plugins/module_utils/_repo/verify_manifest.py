# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Manifests of releases: hold them against their copies, and mend them from these.

A release that nothing is known of any more is taken away.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._names import IMAGE_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_files import (
    read_copy,
    read_files,
    write_files,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import MANIFEST as NAME
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import (
    MANIFEST_COPY,
    MANIFEST_SIGNATURE,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, writable
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import MANIFEST, MODE, Fault


def check_manifest(store: Store, release: Path) -> Fault | None:
    """What is wrong with the manifest in the directory of a release, or with the copy of it."""
    copy = read_copy(release)
    if copy is None:
        return _fault(store, MANIFEST, release / MANIFEST_COPY, "the manifest has no good copy")
    if read_files(release) != copy:
        return _fault(store, MANIFEST, release / NAME, "it, or its signature, is not what it was made with")
    return None


def check_modes(store: Store, release: Path) -> Iterator[Fault]:
    """Nobody is to write to the directory of a release, or to its manifest."""
    for one in (release, *sorted(release.glob(f"{NAME}*"))):
        right = 0o555 if one == release else 0o444
        mode = stat.S_IMODE(one.stat().st_mode)
        if mode != right:
            yield _fault(store, MODE, one, f"its mode is {mode:04o}, not {right:04o}")


def mend_manifest(store: Store, fault: Fault) -> str:
    """Do what can be done about a fault of a manifest; returns that in words, "" if it is nothing."""
    kind, name, *file = fault.path.split("/")
    release = store.root / kind / name
    if file == [MANIFEST_SIGNATURE]:
        return ""  # whoever must have signed it is not here
    good = read_files(release) if file == [MANIFEST_COPY] else read_copy(release)
    if good is None:
        return _quarantine(store, release, fault)
    with writable(release):
        write_files(release, good)
    return "copied" if file == [MANIFEST_COPY] else "taken from its copy"


def _quarantine(store: Store, release: Path, fault: Fault) -> str:
    """Its files stay until the next prune; a channel that points at it goes back to where it was before."""
    cell = store.quarantine / release.name
    cell.parent.mkdir(mode=0o700, exist_ok=True)
    write_json(cell.with_name(f"{cell.name}.json"), fault.to_dict())
    release.chmod(0o755)
    release.rename(cell)
    sync_directory(cell.parent)
    sync_directory(release.parent)
    return f"quarantined: {fault.why}, and it has no good copy"


def _fault(store: Store, what: str, path: Path, why: str) -> Fault:
    place = path.relative_to(store.root)
    name = place.parts[1]
    if IMAGE_ID.fullmatch(name):
        return Fault(what, str(place), why, images=(name,))
    return Fault(what, str(place), why, snapshots=(name,))
