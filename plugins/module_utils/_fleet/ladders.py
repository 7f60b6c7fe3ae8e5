# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Ready-made policies, by name: canaries first, then growing shares. What a policy says goes before."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

_HOUR = 3600
_CANARY: Mapping[str, t.Any] = {"name": "canary", "labels": {"canary": True}}


def _waves(*percents: int) -> list[Mapping[str, t.Any]]:
    return [_CANARY, *({"name": f"{percent}%", "percent": percent} for percent in percents)]


# What a network or a full disk does to a host for a while. Soaks are long, so it need not be hurried.
_PATIENT: Mapping[str, t.Any] = {
    "unreachable": {"times": 3, "after": _HOUR // 4},
    "staging": {"times": 3, "after": _HOUR // 4},
}


LADDERS: Mapping[str, Mapping[str, t.Any]] = {
    # Ten waves on ten working days: with weekends, inside of two weeks.
    "standard": {
        "waves": _waves(1, 2, 5, 15, 25, 40, 60, 80, 100),
        "soak": 20 * _HOUR,
        "retry": _PATIENT,
        "windows": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "00:00", "until": "00:00"}],
    },
    "rapid": {"waves": _waves(3, 12, 40, 80, 100), "soak": 3 * _HOUR, "deadline": 24 * _HOUR},
    "emergency": {
        "waves": _waves(5, 25, 50, 100),
        "soak": _HOUR // 2,
        "deadline": 3 * _HOUR,
        "approval": True,
    },
}
