# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package list: parsed by createrepo_c, judged here."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError, UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package, RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.primary import conflicts, parse_primary

A, B = "a" * 64, "b" * 64
PACKAGE = """<package type="rpm"><name>{name}</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/>
<checksum type="sha256" pkgid="YES">{digest}</checksum><summary/><description/><packager/><url/>
<time file="1" build="1"/><size package="{size}" installed="1" archive="1"/><location href="{href}"/>
<format><rpm:license/></format></package>"""
HEAD = (
    '<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"'
    ' packages="1">'
)


def package(name: str = "a", digest: str = A, href: str = "a.rpm", size: int = 5) -> str:
    return PACKAGE.format(name=name, digest=digest, href=href, size=size)


def parse(tmp_path: Path, *packages: str, head: str = "") -> list[Package]:
    path = tmp_path / "primary.xml"
    path.write_text(f'<?xml version="1.0"?>{head}{HEAD}{"".join(packages)}</metadata>')
    return parse_primary(path, repository="os")


def made(nevra: str, digest: str, href: str) -> Package:
    build = parse_nevra(nevra, where="test")
    return Package(nevra, RemoteFile(href, "sha256", digest, 5), build, "", ("", href))


def test_packages(tmp_path: Path) -> None:
    assert parse(tmp_path, package(), package("b", B, "p/b.rpm")) == [
        made("a-0:1-1.noarch", A, "a.rpm"),
        made("b-0:1-1.noarch", B, "p/b.rpm"),
    ]
    assert parse(tmp_path) == []


def test_all_faults_are_told(tmp_path: Path) -> None:
    packages = [
        package("up", href="../x"),
        package("weak").replace("sha256", "md5"),
        package("huge", size=1 << 40),
        package("void", size=0),
        package("meta", href="repodata/meta.rpm"),
    ]
    with pytest.raises(FleetError) as caught:
        parse(tmp_path, *packages)
    for fault in (
        "os: up-0:1-1.noarch: location '../x' is refused: '..' would leave the repo",
        "os: weak-0:1-1.noarch: checksum type 'md5' is refused",
        "os: huge-0:1-1.noarch: size 1099511627776 is not between 1 and",
        "os: void-0:1-1.noarch: size 0 is not between 1 and",
        "os: meta-0:1-1.noarch: location 'repodata/meta.rpm' is refused: a package has no place in repodata/",
    ):
        assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rule"), [("", "not XML"), ("<metadata", "not XML"), ("<html/>", "not a package list")]
)
def test_not_a_package_list(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / "primary.xml"
    path.write_text(text)
    with pytest.raises(UpstreamError, match=f"os: primary: this is {rule}: "):
        parse_primary(path, repository="os")


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    with pytest.raises(UpstreamError, match="it declares XML entities, which are refused"):
        parse(tmp_path, package().replace("<summary/>", "<summary>&b;</summary>"), head=bomb)


def test_conflicts() -> None:
    a = made("a-0:1-1.noarch", A, "a.rpm")
    assert list(conflicts([a, a, made(a.nevra, A, "copy/a.rpm")], repository="os")) == [], "copies are none"
    [mutable] = conflicts([a, made(a.nevra, B, "other/a.rpm")], repository="os")
    assert str(mutable) == (
        f"os: a-0:1-1.noarch: one NEVRA has two digests: {A} (a.rpm) and {B} (other/a.rpm)."
        " Ask upstream which one is right, and say so in accept_mutable"
    )
    [place] = conflicts([a, made("b-0:1-1.noarch", B, "a.rpm")], repository="os")
    assert str(place) == "os: a.rpm: one location for a-0:1-1.noarch and b-0:1-1.noarch"
    [below] = conflicts([a, made("b-0:1-1.noarch", B, "a.rpm/b.rpm")], repository="os")
    assert str(below) == "os: a.rpm: is wanted as a file and as a directory"
