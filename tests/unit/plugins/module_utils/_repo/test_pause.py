# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long is waited before the next try: longer each time, never for ever, and not all at one moment."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.upstream import _pause

SAMPLES = 400


@pytest.mark.parametrize(
    ("turn", "most"), [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (8, 30.0), (5000, 30.0)]
)
def test_back_off_and_jitter(turn: int, most: float) -> None:
    pauses = [_pause(turn) for _sample in range(SAMPLES)]
    assert most / 2 <= min(pauses) and max(pauses) <= most
    shares = [(pause - most / 2) / (most / 2) for pause in pauses]  # of the random half
    assert all(any(start <= share <= start + 0.25 for share in shares) for start in (0.0, 0.25, 0.5, 0.75))
    assert len(set(pauses)) > SAMPLES / 2
