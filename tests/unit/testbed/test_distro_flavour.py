# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How flavours differ from one another, and what they make of a package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from testbed.distro.build import FLAVOURS
from testbed.distro.deb import Deb, demanding, recommended
from testbed.distro.flavour import Amendment
from testbed.distro.versions import clauses

NEXT = FLAVOURS["testbed-next"]
LIBRARY = Deb(
    path=Path("library.deb"),
    name="library",
    version="1-1",
    source="library",
    source_version="1-1",
    arch="x86_64",
    summary="",
    description="",
    requires=tuple(clauses("libc6")),
    recommends=tuple(clauses("default-bus | bus, plugin (>= 2), extra | other")),
    provides=(),
)


@pytest.mark.parametrize("package", ["libdnf5-2", "libdnf5-3"])
def test_a_library_is_amended_whatever_its_number(package: str) -> None:
    assert "/etc/dnf/libdnf5-plugins/local.conf" in NEXT.amendment(package).rewritten


def test_what_is_not_amended() -> None:
    assert NEXT.amendment("libdnf5-cli3") == Amendment()


def test_of_recommended_alternatives_the_first_is_taken() -> None:
    assert recommended(LIBRARY, ("other",)) == ["default-bus", "plugin"]


def test_a_demanding_package_requires_what_it_recommends() -> None:
    assert demanding(LIBRARY).requires == (*LIBRARY.requires, *LIBRARY.recommends)
    assert demanding(replace(LIBRARY, recommends=())) == replace(LIBRARY, recommends=())


def test_every_flavour_has_a_suite_and_a_major_version_of_its_own() -> None:
    for what in ("suite", "major", "name"):
        assert len({getattr(flavour, what) for flavour in FLAVOURS.values()}) == len(FLAVOURS)


def test_the_next_flavour_has_no_dnf_4() -> None:
    assert {"dnf5", "python3-libdnf5", "python3-rpm"} <= set(NEXT.core)
    assert not {"dnf", "python3-dnf"} & set(NEXT.core)
