# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other repos are disabled line by line, and come back byte for byte."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._host.repofiles import (
    disable,
    enabled_ids,
    original,
    render,
)

VENDOR = "# mine\n[a]\nname=A\nenabled = 1\n\n[b]\nname=B\n[c]\nenabled=0\n"


def test_render() -> None:
    pin = Pin("20261122T174400Z", "d", "http://store/", (Repository("baseos", ("one", "two")),))
    assert render(pin).splitlines()[2:] == [
        "[baseos]",
        "name=baseos of release 20261122T174400Z",
        "baseurl=http://store/snapshots/20261122T174400Z/baseos",
        "enabled=1",
        "gpgcheck=1",
        "repo_gpgcheck=1",
        "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-osaas-one file:///etc/pki/rpm-gpg/RPM-GPG-KEY-osaas-two",
        "skip_if_unavailable=0",
        "sslverify=1",
    ]


def test_a_repo_is_enabled_unless_it_says_otherwise() -> None:
    assert enabled_ids(VENDOR) == ("a", "b")
    assert enabled_ids("[x]\nenabled: False\n[y]\nENABLED=yes\n") == ("y",)


def test_disable_touches_only_what_is_enabled() -> None:
    disabled = "# mine\n[a]\nenabled=0\nname=A\n\n[b]\nenabled=0\nname=B\n[c]\nenabled=0\n"
    assert disable(VENDOR, ()) == disabled
    assert disable(disabled, ()) == disabled
    assert enabled_ids(disable(VENDOR, ("b",))) == ("b",)


@pytest.mark.parametrize("text", ["", "[x]\nenabled=0", "no section at all"])
def test_nothing_to_disable_changes_nothing(text: str) -> None:
    assert disable(text, ()) == text


@pytest.mark.parametrize("allowed", [(), ("a",), ("a", "b")])
def test_the_saved_file_stands_while_nobody_edited_it(allowed: tuple[str, ...]) -> None:
    assert original(VENDOR, disable(VENDOR, allowed)) == VENDOR


def test_an_edited_file_is_the_new_original() -> None:
    edited = disable(VENDOR, ()).replace("name=B", "name=new")
    assert original(VENDOR, edited) == edited
    assert original(None, VENDOR) == VENDOR
