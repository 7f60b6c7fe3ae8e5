# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts of free space."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.size import missing_space

GIB = 1024**3


@pytest.mark.parametrize("minimum", ["1", "512M", "2G", "2GiB", "1.5 g", "20%", "19.5%"])
def test_enough(minimum: str) -> None:
    assert missing_space(minimum, free=2 * GIB, total=10 * GIB) == ""


@pytest.mark.parametrize(
    ("minimum", "complaint"),
    [("3G", "2048 MiB free, less than 3G"), ("21%", "20.0 % free, less than 21%")],
)
def test_too_little(minimum: str, complaint: str) -> None:
    assert missing_space(minimum, free=2 * GIB, total=10 * GIB) == complaint


def test_nonsense() -> None:
    with pytest.raises(
        InputError, match=r"minimum: 'much' is no amount of space. Give bytes, 500M, 2G or 10%"
    ):
        missing_space("much", free=1, total=1)
