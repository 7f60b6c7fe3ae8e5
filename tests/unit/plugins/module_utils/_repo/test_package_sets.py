# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Package sets as an operator gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.package_sets import read_package_sets


def test_option_and_file(tmp_path: Path) -> None:
    file = tmp_path / "sets.json"
    packages = ["bash-5.1-1.x86_64", "gpg-pubkey-0:1234-5678.(none)"]
    file.write_text(json.dumps([{"name": "db", "hosts": ["db-01", "db-02", "db-03"], "packages": packages}]))

    web, db = read_package_sets([{"name": "web", "packages": ["bash-0:5.1-1.x86_64"]}], str(file))

    assert (web.told, db.told) == ("web", "db (db-01, db-02 and 1 more)")
    assert web.packages == db.packages


def test_what_it_is_for() -> None:
    [mixed] = read_package_sets(
        [{"name": "m", "packages": ["a-1-1.noarch", "b-1-1.i686", "c-1-1.i686"]}], None
    )
    [plain] = read_package_sets([{"name": "p", "packages": ["a-1-1.noarch"], "streams": ["-perl"]}], None)

    assert (mixed.arch, mixed.streams) == ("i686", None)
    assert (plain.arch, plain.streams) == (None, ("-perl",))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "{file}: this is not a list of package sets"),
        (
            [{"name": "web"}],
            "{file}[0]: a package set has a name, packages and, if you like, hosts and streams",
        ),
        (
            [{"name": "web", "packages": "bash"}],
            "{file}[0]: name is a text; hosts, packages and streams are lists of texts",
        ),
        (
            [{"name": "web", "packages": ["a-1-1.noarch"], "streams": ["nodejs"]}],
            "{file}[0]: 'nodejs' is no module stream. Give it as name:stream, or a disabled module as -name",
        ),
        ([{"name": "web", "packages": []}], "{file}[0]: web: a package set without packages is no host"),
        (
            [{"name": "web", "packages": ["a-1-1.noarch"]}] * 2,
            "web: two package sets have this name. Give each its own",
        ),
    ],
)
def test_bad_files(tmp_path: Path, raw: Any, message: str) -> None:
    file = tmp_path / "sets.json"
    file.write_text(json.dumps(raw))
    with pytest.raises(InputError) as raised:
        read_package_sets([], str(file))
    assert str(raised.value) == message.replace("{file}", str(file))
