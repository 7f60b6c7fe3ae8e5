# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The package-set digest, which tells whether two hosts run the same OS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_KEYS = "gpg-pubkey-"  # imported public keys are in the rpm database, but in no repo


def sorted_packages(nevras: Iterable[str]) -> list[str]:
    """The package set: its NEVRAs (name-epoch:version-release.arch) sorted, without imported public keys."""
    return sorted(nevra for nevra in nevras if not nevra.startswith(_KEYS))


def digest_of(nevras: Iterable[str]) -> str:
    """The package-set digest: sha256 over the package set, one line for each package."""
    return hashlib.sha256("".join(f"{nevra}\n" for nevra in sorted_packages(nevras)).encode()).hexdigest()
