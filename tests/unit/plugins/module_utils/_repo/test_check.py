# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction is judged by, and which broken packages are news."""

from __future__ import annotations

from datetime import UTC, datetime

from ansible_collections.osaas.fleet.plugins.module_utils._repo.check import (
    faults,
    held_builds,
    newly_broken,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.closure import Broken
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Effect, Hold
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.transaction import Transaction

OLD = "python3-six-compat-0:1-1.noarch"


def test_a_removal_is_a_fault_with_its_reasons() -> None:
    removal = Transaction(solved=True, remove=(OLD,), reasons=("a conflicts with b",))

    assert list(faults(removal, [])) == [f"{OLD} would be removed: a conflicts with b"]
    assert list(faults(removal, ["python3-*-compat"])) == []
    assert list(faults(removal, ["python3"])) != []


def test_what_makes_room_or_is_replaced_is_none() -> None:
    assert list(faults(Transaction(solved=True, expire=(OLD,), replace=(OLD,), downgrade=(OLD,)), [])) == []


def test_a_long_chain_is_cut() -> None:
    hopeless = Transaction(solved=False, reasons=tuple("abcdefg"))

    assert list(faults(hopeless, ["*"])) == ["cannot be solved: a; b; c; d; e; 2 more reasons"]


def test_another_build_that_lacks_the_same_is_no_news() -> None:
    before = [Broken("app-0:1-1.x86_64", "abi = 1", ("nothing provides abi = 1",))]
    same = Broken("app-0:2-1.x86_64", "abi = 1", ("nothing provides abi = 1",))
    other = Broken("app-0:2-1.x86_64", "abi = 2", ("nothing provides abi = 2",))

    assert newly_broken([same, other, other], before) == [other]


def test_the_newest_build_left_out_counts() -> None:
    until = datetime(2026, 12, 31, tzinfo=UTC)
    hold = Hold(until, "regression", source="lib")
    builds = ("lib-0:1.9-1.x86_64", "lib-0:1.10-1.x86_64", "lib-0:1.8-1.i686")
    manifest = Manifest("20261122T174400Z", "", None, None, {}, (Effect(hold, ("lib",), (), builds),))

    assert {key: one.version for key, one in held_builds(manifest).items()} == {
        ("lib", "x86_64"): "1.10",
        ("lib", "i686"): "1.8",
    }
