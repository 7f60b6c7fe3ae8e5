# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Signatures of manifests: by the site's key, and checked with the keys that a reader trusts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    AllErrors,
    FleetError,
    VerificationError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.keys import make_ring, signature_fault
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import MANIFEST, MANIFEST_SIGNATURE
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store


def is_signed(store: Store, name: str) -> bool:
    """Whether the manifest of this snapshot has a signature, by whomever."""
    return (store.snapshots / name / MANIFEST_SIGNATURE).is_file()


def verify_manifests(runner: Runner, store: Store, names: Iterable[str], keys: Sequence[Path]) -> None:
    """Raises AllErrors about each of the snapshots whose manifest none of the `keys` (files) signed.

    Raises InputError for a key file that is missing or holds no key.
    """
    errors: list[FleetError] = []
    with tempfile.TemporaryDirectory() as scratch:
        ring = make_ring(runner, keys, Path(scratch), where="gpgkey")
        for name in names:
            why = "it is not signed"
            if is_signed(store, name):
                place = store.snapshots / name
                why = signature_fault(runner, ring, place / MANIFEST, place / MANIFEST_SIGNATURE)
            if why:
                errors.append(VerificationError(why, where=f"{name}: {MANIFEST}"))
    if errors:
        raise AllErrors(errors)
