# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator may say of an upstream."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Repository, unique_names

KEY = (Path("/key"),)


def repository(
    name: str = "os",
    baseurls: tuple[str, ...] = ("https://host/os/",),
    gpgkeys: tuple[Path, ...] = KEY,
    *,
    gpgcheck: bool = True,
    repo_gpgcheck: bool = True,
) -> Repository:
    return Repository(name, baseurls, gpgkeys, gpgcheck, repo_gpgcheck)


def test_good() -> None:
    assert repository().gpgcheck
    assert not repository(gpgkeys=(), gpgcheck=False, repo_gpgcheck=False).gpgkeys


@pytest.mark.parametrize("name", ["", "../os", "a/b", ".os", "-os", "o" * 128])
def test_bad_name(name: str) -> None:
    with pytest.raises(InputError, match="is not a valid name"):
        repository(name)


def test_name_of_the_manifest() -> None:
    with pytest.raises(InputError, match="taken by the manifest"):
        repository("manifest.json")


def test_no_baseurl() -> None:
    with pytest.raises(InputError, match="os: give one of baseurl, metalink and mirrorlist"):
        repository(baseurls=())


@pytest.mark.parametrize(
    "url", ["", "host/os", "file://host/srv", "ftp://host/", "http:///os", "http://h/?x=1", "http://h/#x"]
)
def test_bad_baseurl(url: str) -> None:
    with pytest.raises(InputError, match="is not an http, https or file URL of a directory"):
        repository(baseurls=("https://host/os/", url))


@pytest.mark.parametrize(("gpgcheck", "repo_gpgcheck"), [(True, True), (True, False), (False, True)])
def test_checks_need_keys(gpgcheck: bool, repo_gpgcheck: bool) -> None:
    with pytest.raises(InputError, match="os: signatures are to be checked, but no gpgkey is given"):
        repository(gpgkeys=(), gpgcheck=gpgcheck, repo_gpgcheck=repo_gpgcheck)


def test_names_are_unique() -> None:
    unique_names([repository("a"), repository("b")])
    with pytest.raises(InputError, match="a: is given twice"):
        unique_names([repository("a"), repository("b"), repository("a")])
