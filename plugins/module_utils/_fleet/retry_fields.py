# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What is tried again, from plain data, checked field by field."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.failures import (
    KINDS,
    RETRIABLE,
    Retries,
    Retry,
)


def parse_retries(raw: t.Any, *, where: str) -> Retries:
    """From `times` and `after` (seconds) by kind of failure. Raises InputError naming the field."""
    if not isinstance(raw, Mapping):
        raise InputError(
            "is no dictionary", where=where, way_out=f"It has entries for any of {', '.join(RETRIABLE)}"
        )
    for kind in raw:
        if kind not in RETRIABLE:
            why = "is never tried again" if kind in KINDS else "is no kind of failure"
            raise InputError(f"{kind!r} {why}", where=where, way_out=f"Choose of {', '.join(RETRIABLE)}")
    return {str(kind): _retry(entry, f"{where}.{kind}") for kind, entry in raw.items()}


def _retry(raw: t.Any, where: str) -> Retry:
    if not isinstance(raw, Mapping) or set(raw) != {"times", "after"}:
        raise InputError(
            "needs times and after", where=where, way_out="Give for example {times: 2, after: 300}"
        )
    times, after = _number(raw["times"]), _number(raw["after"])
    if not (1 <= times <= 10 and times.is_integer()):
        raise InputError(f"{raw['times']!r} is not a number from 1 to 10", where=f"{where}.times")
    if not 1 <= after <= 86400:
        raise InputError(f"{raw['after']!r} is not a time from 1 s to 86400 s", where=f"{where}.after")
    return Retry(int(times), after)


def _number(value: t.Any) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan
