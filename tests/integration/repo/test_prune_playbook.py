# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook prune: the ledger is asked, and without an answer nothing goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from integration.repo.conftest import Upstream
from integration.repo.related import offer
from integration.repo.state import state

COLLECTIONS = Path(__file__).parents[3] / ".cache/collections"


def prune(upstream: Upstream, *flags: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    given = {
        "osaas_store": str(upstream.store),
        "osaas_keep_newest": 1,
        "osaas_keep_days": 0,
        "ansible_python_interpreter": sys.executable,
        **variables,
    }
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(upstream.tmp),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    program = str(Path(sys.executable).parent / "ansible-playbook")
    argv = [program, "osaas.fleet.prune", "-e", json.dumps(given), *flags]
    return subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)


@pytest.fixture
def ids(upstream: Upstream) -> list[str]:
    """Three snapshots that share nothing."""
    return [offer(upstream, ("tool", str(version), "")) for version in range(1, 4)]


def test_what_hosts_run_stays(upstream: Upstream, ids: list[str]) -> None:
    ledger = upstream.tmp / "ledger.db"
    with Ledger.open(str(ledger)) as opened, opened.write() as connection:
        enrol(connection, [Enrolment("web", "", release=ids[1])], who="test", now=0.0)
    before = state(upstream.store)

    foreseen = prune(upstream, "--check", osaas_ledger=str(ledger))
    assert foreseen.returncode == 0, foreseen.stdout + foreseen.stderr
    assert "1 of 3 snapshots and images would go" in foreseen.stdout
    assert state(upstream.store) == before
    done = prune(upstream, osaas_ledger=str(ledger))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 3 snapshots and images went" in done.stdout
    assert sorted(path.name for path in (upstream.store / "snapshots").iterdir()) == ids[1:]
    again = prune(upstream, osaas_ledger=str(ledger))
    assert "0 of 2 snapshots and images went" in again.stdout
    assert "changed=0" in again.stdout


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "Give osaas_ledger, which knows what hosts run, or osaas_keep, the snapshots that hosts need."),
        ({"osaas_ledger": "{tmp}/new.db"}, "ledger: knows no host, so it cannot tell what hosts run."),
        ({"osaas_ledger": "{tmp}/none/ledger.db"}, "unable to open database file"),
        ({"osaas_ledger": "{tmp}/garbage.db"}, "file is not a database"),
        ({"osaas_ledger": "{tmp}/new.db", "osaas_keep": []}, "ledger: knows no host"),
        ({"osaas_keep": ["stable"]}, "keep: 'stable' is not the id of a release"),
    ],
)
def test_without_an_answer_nothing_goes(
    upstream: Upstream, ids: list[str], variables: dict[str, Any], message: str
) -> None:
    (upstream.tmp / "garbage.db").write_text("this is no database\n" * 100)
    before = state(upstream.store)
    given = {
        name: value.format(tmp=upstream.tmp) if isinstance(value, str) else value
        for name, value in variables.items()
    }

    done = prune(upstream, **given)

    assert done.returncode == 2
    assert message in done.stdout
    assert state(upstream.store) == before


def test_a_site_without_a_ledger_names_what_to_keep(upstream: Upstream, ids: list[str]) -> None:
    done = prune(upstream, osaas_keep=[ids[0]])

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (upstream.store / "snapshots").iterdir()) == [ids[0], ids[2]]
