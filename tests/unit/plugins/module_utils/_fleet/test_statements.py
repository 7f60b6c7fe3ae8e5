# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent to each kind of database; that it does what it should, the tests of the ledger see."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

CHANGES = [
    statements.update(tables().host, {"name": "web"}, {"unavailable": "claimed", "fence": 7}),
    statements.delete(tables().claim, {"host": "web"}),
    tally.charge("rack", 1),
    statements.insert(tables().meta, {"key": "a", "value": "b"}),
]


def test_a_server_gets_one_statement_and_sqlite_one_for_each_change() -> None:
    parts = tuple(change.part for change in CHANGES)
    [update, delete, charge, insert] = statements._texts("sqlite", parts)
    words = (
        "UPDATE host SET unavailable=:c0_new_unavailable, fence=:c0_new_fence WHERE host.name = :c0_key_name"
    )
    assert " ".join(update.sql.split()) == words
    assert " ".join(delete.sql.split()) == "DELETE FROM claim WHERE claim.host = :c1_key_host"
    assert list(charge.constants.values()) == ["fleet"]
    assert insert.sql == 'INSERT INTO meta ("key", value) VALUES (:c3_key, :c3_value)'
    pytest.importorskip("psycopg")
    [together] = statements._texts("postgresql", parts)
    assert [line.split()[0] for line in together.sql.splitlines()][:2] == ["WITH", "(UPDATE"]
    assert all(verb in together.sql for verb in ("UPDATE host", "DELETE FROM claim", "UPDATE capacity"))
    assert together.sql.splitlines()[-1].strip().startswith("INSERT INTO meta (key, value) VALUES (")
