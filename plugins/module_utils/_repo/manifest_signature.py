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
from ansible_collections.osaas.fleet.plugins.module_utils._gpgv import signature_fault
from ansible_collections.osaas.fleet.plugins.module_utils._repo.keys import make_ring
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import MANIFEST, MANIFEST_SIGNATURE


def is_signed(release: Path) -> bool:
    """Whether the manifest in the directory of a release has a signature, by whomever."""
    return (release / MANIFEST_SIGNATURE).is_file()


def unsigned(runner: Runner, releases: Iterable[Path], keys: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each of the `releases` (directories) whose manifest none of the `keys` (files) signed, and why.

    None without keys.

    Raises InputError for a key file that is missing or holds no key.
    """
    if not keys:
        return
    with tempfile.TemporaryDirectory() as scratch:
        ring = make_ring(runner, keys, Path(scratch), where="gpgkey")
        for release in releases:
            why = "it is not signed"
            if is_signed(release):
                why = signature_fault(runner, ring, release / MANIFEST, release / MANIFEST_SIGNATURE)
            if why:
                yield release, why


def verify_manifests(runner: Runner, releases: Iterable[Path], keys: Sequence[Path]) -> None:
    """Raises AllErrors about all that unsigned() finds."""
    errors: list[FleetError] = [
        VerificationError(why, where=f"{release.name}: {MANIFEST}")
        for release, why in unsigned(runner, releases, keys)
    ]
    if errors:
        raise AllErrors(errors)
