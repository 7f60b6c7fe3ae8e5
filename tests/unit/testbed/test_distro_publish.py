# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups and advisories of a repo, as dnf's own libraries read them."""

from __future__ import annotations

from pathlib import Path

import createrepo_c
from testbed.distro.build import FLAVOURS
from testbed.distro.publish import Notice, comps, repo_of, updateinfo
from testbed.distro.releases import RELEASES
from testbed.distro.rpm import RpmSpec
from testbed.distro.versions import evr

FLAVOUR = FLAVOURS["testbed-9"]


def package(name: str, version: str) -> RpmSpec:
    return RpmSpec(name, evr(version), "source", evr("3-4"), "noarch", name, name, (), (), (), ())


def test_every_package_of_a_group_lives_in_the_groups_repo() -> None:
    assert {repo_of(FLAVOUR, name) for name in FLAVOUR.core} == {"baseos"}
    assert {repo_of(FLAVOUR, name) for name in (*FLAVOUR.tools, "beacon")} == {"appstream"}


def test_groups_and_environment() -> None:
    assert b"<id>core</id>" in comps(FLAVOUR, "baseos")
    assert b"<id>minimal-environment</id>" in comps(FLAVOUR, "baseos")
    assert b'<packagereq type="mandatory">beacon</packagereq>' in comps(FLAVOUR, "appstream")
    assert b"<environment>" not in comps(FLAVOUR, "appstream")


def test_advisories_name_only_packages_of_the_repo(tmp_path: Path) -> None:
    advisory = RELEASES[1].advisory
    assert advisory is not None
    notice = Notice(advisory, "2026-10-15 00:00:00", (package("jq", "1.6-2"), package("bash", "1:5.2-1")))
    assert updateinfo([notice], {"less"}) == b""
    file = tmp_path / "updateinfo.xml"
    file.write_bytes(updateinfo([notice], {"bash"}))
    (update,) = createrepo_c.UpdateInfo(str(file)).updates
    assert (update.id, update.type, update.severity) == ("TBLSA-2026:0002", "security", "Important")
    assert [reference.id for reference in update.references] == list(advisory.cves)
    (collection,) = update.collections
    (named,) = collection.packages
    assert (named.name, named.epoch, named.version, named.release) == ("bash", "1", "5.2", "1")
    assert (named.filename, named.src) == ("bash-5.2-1.noarch.rpm", "source-3-4.src.rpm")
