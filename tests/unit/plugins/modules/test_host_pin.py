# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_pin, on a directory that stands for a host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_releases import mark_bad
from unit.harness import RunModule

ARGUMENTS: dict[str, Any] = {
    "release": "20261101T000000Z",
    "digest": "d",
    "url": "http://store",
    "repositories": [{"name": "baseos", "gpgkey": ["one"]}],
    "gpgkeys": [{"name": "one", "content": "KEY"}],
}


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in list(vars(paths).items()):
        if isinstance(value, Path):
            monkeypatch.setattr(paths, name, tmp_path / value.relative_to("/"))
    return tmp_path


def test_check_do_check_do(run_module: RunModule) -> None:
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        result = run_module("host_pin", ARGUMENTS, check=check, diff=True)
        assert result.changed is changed
        assert bool(result.data["diff"]) is changed
        assert result.data["pin"]["release"] == "20261101T000000Z"
        assert paths.PIN_FILE.exists() is not (check and changed)
    for check, changed in ((True, True), (False, True), (False, False)):
        result = run_module("host_pin", {"state": "absent"}, check=check)
        assert (result.changed, result.data["pin"]) == (changed, None)
    assert not paths.PIN_FILE.exists()


def test_the_release_before_is_remembered(run_module: RunModule) -> None:
    run_module("host_pin", ARGUMENTS)
    result = run_module("host_pin", {**ARGUMENTS, "release": "20261102T000000Z"})
    assert result.data["pin"]["previous"]["release"] == "20261101T000000Z"


def test_a_bad_release_is_refused_unless_forced(run_module: RunModule) -> None:
    mark_bad("20261101T000000Z", "beacon died")
    refused = run_module("host_pin", ARGUMENTS)
    assert refused.msg.startswith("release 20261101T000000Z: failed on this host at 20")
    assert refused.msg.endswith(": beacon died. Pin another release, or set force if the cause is gone")
    assert run_module("host_pin", {**ARGUMENTS, "force": True}).changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"release": "stable"}, "release: 'stable' is not a snapshot id. Give one like"),
        ({"gpgkeys": []}, "repositories: baseos: key 'one' is not in gpgkeys. Add its public key there"),
        ({"gpgkeys": [{"name": "../x", "content": "K"}]}, "gpgkeys: '../x' is not a valid name."),
    ],
)
def test_bad_input(run_module: RunModule, change: dict[str, Any], message: str) -> None:
    result = run_module("host_pin", {**ARGUMENTS, **change})
    assert result.msg.startswith(message)
    assert not paths.PIN_FILE.exists()


def test_a_pin_needs_a_release(run_module: RunModule) -> None:
    result = run_module("host_pin", {})
    assert result.msg == "state is present but all of the following are missing: release, digest, url"
