# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Amounts of free space: bytes, bytes with a unit, or a share of the file system."""

from __future__ import annotations

import re

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError

_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]|%)?i?B?", re.IGNORECASE)
_FACTORS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def missing_space(minimum: str, *, free: int, total: int) -> str:
    """A complaint if less than `minimum` is free, else nothing. Raises InputError for an unknown amount."""
    amount = _AMOUNT.fullmatch(minimum.strip())
    if not amount:
        raise InputError(
            f"{minimum!r} is no amount of space", where="minimum", way_out="Give bytes, 500M, 2G or 10%"
        )
    if amount["unit"] == "%":
        share = 100 * free / total if total else 0.0
        return "" if share >= float(amount["number"]) else f"{share:.1f} % free, less than {minimum}"
    needed = float(amount["number"]) * _FACTORS[(amount["unit"] or "").upper()]
    return "" if free >= needed else f"{free // 1024**2} MiB free, less than {minimum}"
