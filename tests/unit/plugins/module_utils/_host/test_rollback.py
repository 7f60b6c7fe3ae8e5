# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is undone on the way back, and when there is nothing to undo any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Plan
from ansible_collections.osaas.fleet.plugins.module_utils._host.rollback import Stay, last_stay
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import (
    Job,
    Outcome,
    new_transaction,
)

R1, R2, R3 = "20261101T000000Z", "20261102T000000Z", "20261103T000000Z"
PLAN = Plan(install=("new-0:1-1.noarch",), remove=("old-0:1-1.noarch",), upgrade=("bash-0:2-1.noarch",))
ASKED = Demand(allow_removals=("tool",))
UNDONE = Demand(("tool",), drop=("new-0:1-1.noarch",), bring=("old-0:1-1.noarch",))


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "TRANSACTIONS", tmp_path)


def done(release: str, before: str, plan: Plan = PLAN, error: str = "") -> None:
    transaction = new_transaction(release)
    transaction.record(Job(transaction.id, release, None, Source(Path("cache"), ()), plan, before=before))
    transaction.end(Outcome(error, "", 1.0))


def test_a_host_without_history() -> None:
    assert last_stay(R2, R1) == Stay()
    assert (Stay().before, Stay().undone(ASKED)) == ("", ASKED)


def test_all_tries_of_the_last_stay_are_undone() -> None:
    done(R2, "an earlier stay", Plan(install=("gone-0:1-1.noarch",)))
    done(R1, "")
    done(R2, "at first", Plan(install=("new-0:1-1.noarch",)), error="no room")
    done(R2, "half way", Plan(remove=("old-0:1-1.noarch",)))
    stay = last_stay(R2, R1)
    assert (stay.before, len(stay.jobs), stay.undone(ASKED)) == ("at first", 2, UNDONE)


def test_what_is_left_already_is_not_undone_again() -> None:
    done(R2, "at first")
    done(R1, "", error="no room")
    assert last_stay(R2, R1).undone(ASKED) == UNDONE
    done(R1, "")
    stay = last_stay(R2, R1)
    assert (stay.over, stay.before, stay.undone(ASKED)) == (True, "at first", ASKED)


def test_another_release_in_between_ends_it() -> None:
    done(R2, "at first")
    done(R3, "")
    assert last_stay(R2, R1) == Stay()
