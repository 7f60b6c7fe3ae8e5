# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Mend manifests: from their copies, or take away a snapshot that nothing is known of any more."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_files import (
    read_copy,
    read_files,
    write_files,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import (
    MANIFEST_COPY,
    MANIFEST_SIGNATURE,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import Fault


def mend_manifest(store: Store, fault: Fault) -> str:
    """Do what can be done about a fault of a manifest; returns that in words, "" if it is nothing."""
    [name] = fault.snapshots
    snapshot = store.snapshots / name
    file = fault.path.rpartition("/")[2]
    if file == MANIFEST_SIGNATURE:
        return ""  # whoever must have signed it is not here
    good = read_files(snapshot) if file == MANIFEST_COPY else read_copy(snapshot)
    if good is None:
        return _quarantine(store, snapshot, fault)
    snapshot.chmod(0o755)
    write_files(snapshot, good)
    snapshot.chmod(0o555)
    return "copied" if file == MANIFEST_COPY else "taken from its copy"


def _quarantine(store: Store, snapshot: Path, fault: Fault) -> str:
    """Its trees stay until the next prune; a channel that points at it goes back to where it was before."""
    cell = store.quarantine / snapshot.name
    cell.parent.mkdir(mode=0o700, exist_ok=True)
    write_json(cell.with_name(f"{cell.name}.json"), fault.to_dict())
    snapshot.chmod(0o755)
    snapshot.rename(cell)
    sync_directory(cell.parent)
    sync_directory(store.snapshots)
    return f"quarantined: {fault.why}, and it has no good copy"
