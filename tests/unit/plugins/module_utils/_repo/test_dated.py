# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshot a moment stands for."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

from ansible_collections.osaas.fleet.plugins.module_utils._names import snapshot_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.dated import at_map

START = datetime(2026, 11, 22, 17, 44, tzinfo=UTC)


def look_up(text: str, moment: str) -> str | None:
    """As nginx does: the first pattern that fits."""
    for line in text.splitlines():
        pattern, _space, target = line.removesuffix(";").rpartition(" ")
        if re.search(pattern.strip('"').removeprefix("~"), moment):
            return target
    return None


def test_the_newest_at_or_before() -> None:
    dice = random.Random(4)
    moments = [START + timedelta(seconds=dice.randrange(40_000_000)) for _ in range(30)] + [START]
    ids = [snapshot_id(one) for one in moments]
    text = at_map(ids)
    for _ in range(2000):
        when = dice.choice(moments) + timedelta(seconds=dice.choice([-1, 0, 1, 60, dice.randrange(10**7)]))
        expected = max((one for one in ids if one <= snapshot_id(when)), default=None)
        assert look_up(text, snapshot_id(when)) == expected
        minute = when.replace(second=0)
        expected = max((one for one in ids if one <= snapshot_id(minute)), default=None)
        assert look_up(text, f"{minute:%Y%m%dT%H%MZ}") == expected


def test_what_is_no_moment() -> None:
    text = at_map([snapshot_id(START)])
    for wrong in ("", "20261122", "latest", "20261122T1744", "x20261122T1744Z", "20261122T174400Z/.."):
        assert look_up(text, wrong) is None
    assert at_map([]) == ""
