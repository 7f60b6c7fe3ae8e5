# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of repo_sync: what it asks of an operator. What it does is shown in tests/integration/repo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.harness import RunModule

GOOD = {"name": "os", "baseurl": ["http://127.0.0.1:9/"], "gpgcheck": False, "repo_gpgcheck": False}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"gpgcheck": True},
            "os: signatures are to be checked, but no gpgkey is given. Give key files",
        ),
        (
            {"baseurl": ["ftp://host/"]},
            "os: 'ftp://host/' is not an http, https or file URL of a directory",
        ),
        ({"name": "../os"}, "repositories: '../os' is not a valid name"),
    ],
)
def test_bad_options(
    run_module: RunModule, tmp_path: Path, change: dict[str, Any], message: str, check: bool
) -> None:
    store = tmp_path / "store"
    result = run_module("repo_sync", {"store": str(store), "repositories": [GOOD | change]}, check=check)

    assert result.failed
    assert result.msg.startswith(message)
    assert not store.exists()


def test_one_name_twice(run_module: RunModule, tmp_path: Path) -> None:
    result = run_module("repo_sync", {"store": str(tmp_path / "store"), "repositories": [GOOD, GOOD]})

    assert result.msg == "os: is given twice. Give each repository once"


@pytest.mark.parametrize("library", ["aiohttp", "createrepo_c", "yaml"])
def test_missing_library(
    run_module: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setattr(f"ansible_collections.osaas.fleet.plugins.modules.repo_sync.{library}", None)

    message = run_module("repo_sync", {"store": str(tmp_path), "repositories": [GOOD]}).msg

    name = {"yaml": "PyYAML"}.get(library, library)
    assert f"Failed to import the required Python library ({name})" in message


@pytest.mark.parametrize(("options", "least"), [({"connections": 0}, 1), ({"retries": -1}, 0)])
def test_senseless_numbers(
    run_module: RunModule, tmp_path: Path, options: dict[str, int], least: int
) -> None:
    result = run_module("repo_sync", {"store": str(tmp_path / "store"), "repositories": [GOOD], **options})

    [(name, value)] = options.items()
    assert result.msg == f"{name}: {value} is too small. Give {least} or more"
