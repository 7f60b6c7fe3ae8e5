# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Signatures of manifests, checked with the keys that a reader trusts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
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


def unsigned(
    runner: Runner, store: Store, names: Iterable[str], keys: Sequence[Path]
) -> Iterator[tuple[str, str]]:
    """Each of the snapshots whose manifest none of the `keys` (files) signed, and why; none without keys.

    Raises InputError for a key file that is missing or holds no key.
    """
    if not keys:
        return
    with tempfile.TemporaryDirectory() as scratch:
        ring = make_ring(runner, keys, Path(scratch), where="gpgkey")
        for name in names:
            why = "it is not signed"
            if is_signed(store, name):
                place = store.snapshots / name
                why = signature_fault(runner, ring, place / MANIFEST, place / MANIFEST_SIGNATURE)
            if why:
                yield name, why


def verify_manifests(runner: Runner, store: Store, names: Iterable[str], keys: Sequence[Path]) -> None:
    """Raises AllErrors about all that unsigned() finds."""
    errors: list[FleetError] = [
        VerificationError(why, where=f"{name}: {MANIFEST}")
        for name, why in unsigned(runner, store, names, keys)
    ]
    if errors:
        raise AllErrors(errors)
