# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of packages beside a tree."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.listing import (
    Listed,
    read_listing,
    write_listing,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package, RemoteFile

HREFS = ["Packages/a.rpm", "with blanks/ä and\u2028more .rpm", "not utf8 \udcff.rpm"]


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    build = Nevra("a", 0, "1", "1", "noarch")
    files = [RemoteFile(href, "sha512", "a" * 128, 5) for href in HREFS]
    packages = [Package("a-0:1-1.noarch", file, build, "", ("", file.href)) for file in files]

    write_listing(tmp_path / "os" / "x.list", packages, dict.fromkeys(HREFS, "b" * 64))

    assert read_listing(tmp_path / "os" / "x.list") == [
        Listed("sha512", "a" * 128, "b" * 64, "a-0:1-1.noarch", href) for href in HREFS
    ]


def test_an_empty_repo_has_an_empty_list(tmp_path: Path) -> None:
    write_listing(tmp_path / "x.list", [], {})

    assert read_listing(tmp_path / "x.list") == []


@pytest.mark.parametrize("content", [None, "nothing of the kind\n"])
def test_what_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "x.list").write_text(content)

    assert read_listing(tmp_path / "x.list") is None
