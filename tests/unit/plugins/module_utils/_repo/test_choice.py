# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages are chosen, by rules in data."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import Choice, choose
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package, RemoteFile


def package(nevra: str) -> Package:
    build = parse_nevra(nevra, where="test")
    return Package(str(build), RemoteFile(f"{nevra}.rpm", "sha256", "0" * 64, 1), build, "", ("", nevra))


PACKAGES = [
    package(nevra)
    for nevra in (
        "a-1-1.x86_64",
        "a-1.10-1.x86_64",
        "a-1.9-1.x86_64",
        "a-1.9-1.i686",
        "b-1:0.1-1.noarch",
        "b-2-1.src",
    )
]


def chosen(choice: Choice, streams: dict[str, str] | None = None) -> list[str]:
    return [str(package.origin[1]) for package in choose(PACKAGES, choice, streams or {}).packages]


def test_source_packages_are_left_out_unless_asked_for() -> None:
    assert chosen(Choice()) == [package.origin[1] for package in PACKAGES[:-1]]
    assert chosen(Choice(source=True)) == [package.origin[1] for package in PACKAGES]
    assert chosen(Choice(source=True, arches=("noarch",))) == ["b-1:0.1-1.noarch", "b-2-1.src"]


@pytest.mark.parametrize("glob", ["b", "b.noarch", "b-0.1-1", "b-0.1-1.noarch", "b-1:0.1-1.noarch", "[b]*"])
def test_globs(glob: str) -> None:
    assert chosen(Choice(include=(glob,))) == ["b-1:0.1-1.noarch"]
    assert "b-1:0.1-1.noarch" not in chosen(Choice(exclude=(glob,)))


def test_newest_goes_by_the_order_of_rpm() -> None:
    assert chosen(Choice(newest=1)) == ["a-1.10-1.x86_64", "a-1.9-1.i686", "b-1:0.1-1.noarch"]
    assert chosen(Choice(newest=2, include=("a.x86_64",))) == ["a-1.10-1.x86_64", "a-1.9-1.x86_64"]


def test_every_module_stream_has_newest_packages() -> None:
    streams = {"a-0:1-1.x86_64": "a:old", "a-0:1.9-1.x86_64": "a:new", "a-0:1.10-1.x86_64": "a:new"}
    assert chosen(Choice(newest=1, arches=("x86_64",)), streams) == ["a-1-1.x86_64", "a-1.10-1.x86_64"]


def test_every_rule_says_what_it_left_out() -> None:
    result = choose(PACKAGES, Choice(exclude=("b",), arches=("x86_64", "noarch"), newest=9), {})
    assert result.why == (
        "source: false (1 packages left out)",
        "arches: x86_64, noarch (1 packages left out)",
        "exclude: b (1 packages left out)",
    )


def test_bad_number() -> None:
    with pytest.raises(InputError, match="newest: -1 is too small"):
        Choice(newest=-1)
