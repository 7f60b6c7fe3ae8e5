# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock is right if the kernel and whoever asks say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.options import check_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.health.system import clock


@dataclass
class Timedatectl:
    """What it answers."""

    answer: Completed

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        return self.answer

    def warn(self, message: str) -> None:
        raise AssertionError(message)


IN_SYNC = Completed(0, "yes\n", "")


@pytest.mark.parametrize(
    ("given", "answer", "seen"),
    [
        ({}, IN_SYNC, (True, "the clock is in sync")),
        ({}, Completed(0, "no\n", ""), (False, "the clock is not in sync")),
        ({}, Completed(1, "", "a line\nno bus\n"), (False, "timedatectl: no bus")),
        ({}, Completed(1, "", ""), (False, "timedatectl: no answer")),
        ({"ahead": 59.9}, IN_SYNC, (True, "the clock is in sync")),
        ({"ahead": 61.2}, IN_SYNC, (False, "the clock is 61 s ahead of the controller's")),
        ({"ahead": -90000.0}, IN_SYNC, (False, "the clock is 90000 s behind the controller's")),
        ({"ahead": -4.0, "maximum": 2.5}, IN_SYNC, (False, "the clock is 4 s behind the controller's")),
    ],
)
def test_clock(given: dict[str, Any], answer: Completed, seen: tuple[bool, str]) -> None:
    found = clock(Timedatectl(answer), check_of({"kind": "clock", **given}), {})
    assert (found.ok, found.message) == seen
