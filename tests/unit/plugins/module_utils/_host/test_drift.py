# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that somebody else changed, with time and command."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.drift import Change, changes_since
from ansible_collections.osaas.fleet.plugins.module_utils._host.history import _DNF4, Entry, read_history
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package

JQ, NEWER, BASH = "jq-0:1.6-1.x86_64", "jq-0:1.7-1.x86_64", "bash-0:5.2-1.x86_64"
KEY = Package("gpg-pubkey-0:1-1.none", "gpg-pubkey", 9)


def test_nothing_changed() -> None:
    assert changes_since([JQ], [Package(JQ, "jq", 5), KEY], {}) == []


def test_every_change_is_told() -> None:
    history = {NEWER: Entry(80, "upgrade jq"), BASH: Entry(90, "remove bash")}
    installed = [Package(NEWER, "jq", 60), Package("less-0:1-1.noarch", "less", 0)]
    assert changes_since([JQ, BASH], installed, history) == [
        Change("bash", BASH, None, "1970-01-01T00:01:30+00:00", "remove bash"),
        Change("jq", JQ, NEWER, "1970-01-01T00:01:00+00:00", "upgrade jq"),
        Change("less", None, "less-0:1-1.noarch", None, None),
    ]


def test_the_last_entry_of_dnf4_counts(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            """
            CREATE TABLE trans (id INTEGER, dt_end INTEGER, cmdline TEXT);
            CREATE TABLE trans_item (trans_id INTEGER, item_id INTEGER);
            CREATE TABLE rpm (item_id INTEGER, name, epoch INTEGER, version, release, arch);
            INSERT INTO rpm VALUES (7, 'jq', 0, '1.6', '1', 'x86_64');
            INSERT INTO trans VALUES (1, 10, 'install jq'), (2, 20, 'remove jq'), (3, NULL, NULL);
            INSERT INTO trans_item VALUES (1, 7), (2, 7);
            """
        )
    assert read_history([(path, _DNF4)]) == {JQ: Entry(20, "remove jq")}
    assert read_history([(tmp_path / "none", _DNF4)]) == {}
    (tmp_path / "odd").write_text("no database")
    assert read_history([(tmp_path / "odd", _DNF4)]) == {}
