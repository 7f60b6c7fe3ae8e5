# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots a policy keeps, and which policies make no sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._names import snapshot_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.prune import Policy, keep
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest

NOW = datetime(2026, 11, 22, 17, 44, tzinfo=UTC)
MOMENTS = [NOW - timedelta(days=days) for days in (0, 10, 20, 30, 40)]
EXISTING = [Manifest(snapshot_id(one), one.isoformat(), None, None, {}) for one in MOMENTS]
IDS = [one.id for one in EXISTING]


def test_every_rule() -> None:
    kept = keep(EXISTING, {"stable": IDS[4]}, {"stable": IDS[2]}, Policy(1, 10, (IDS[3],)), now=NOW)

    assert kept == {
        IDS[0]: "one of the newest 1",
        IDS[1]: "not older than 10 days",
        IDS[2]: "channel stable before its last move",
        IDS[3]: "hosts run it or may go back to it",
        IDS[4]: "channel stable",
    }


def test_no_days_keeps_none_by_age() -> None:
    assert list(keep(EXISTING, {}, {}, Policy(2, 0, ()), now=MOMENTS[0])) == IDS[:2]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ((0, 1, ()), "keep_newest: 0 is too small. Give 1 or more"),
        ((1, -1, ()), "keep_days: -1 is too small. Give 0 or more"),
        ((1, 1, ("stable",)), "keep: 'stable' is not the id of a release"),
    ],
)
def test_senseless_policies(policy: tuple[int, int, tuple[str, ...]], message: str) -> None:
    with pytest.raises(InputError) as raised:
        Policy(*policy)
    assert str(raised.value).startswith(message)
