# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a release of upstream: two repos with comps, advisories and signed metadata."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cache import code, digest, new_directory
from .command import run
from .flavour import Flavour
from .keys import KEY_NAME, Key, gpg
from .parallel import WORKERS
from .releases import Advisory, Release
from .rpm import RpmSpec

REPOS = ("baseos", "appstream")


@dataclass(frozen=True)
class Package:
    """A signed RPM: what is said of it, and its file in the cache."""

    spec: RpmSpec
    file: Path


@dataclass(frozen=True)
class Notice:
    """An advisory, when it was issued, and the packages that brought it."""

    advisory: Advisory
    issued: str
    packages: tuple[RpmSpec, ...]


def repo_of(flavour: Flavour, name: str) -> str:
    """The repo that holds the package `name`."""
    return "appstream" if name in flavour.appstream or name == "beacon" else "baseos"


def publish(
    flavour: Flavour,
    release: Release,
    packages: Sequence[Package],
    notices: Sequence[Notice],
    key: Key,
    place: Path,
) -> bool:
    """Write the release's repos to `place`, all or nothing; False if they are there already.

    Packages are hard links into the cache.
    """
    described = (repr(packages), repr(notices), repr(flavour), str(release.issued))
    inputs = digest(*described, key.fingerprint, code("publish.py"))
    stamp = place / ".inputs"
    if stamp.exists() and stamp.read_text() == inputs:
        return False
    with new_directory(place) as beside:
        (beside / stamp.name).write_text(inputs)
        for repo in REPOS:
            inside = [package for package in packages if repo_of(flavour, package.spec.name) == repo]
            _lay_out(inside, key, beside / repo)
            _describe(flavour, release, repo, inside, notices, beside / repo)
            gpg(key.home, "--armor", "--detach-sign", str(beside / repo / "repodata" / "repomd.xml"))
    return True


def _lay_out(packages: Iterable[Package], key: Key, place: Path) -> None:
    for package in packages:
        shelf = place / "Packages" / package.spec.name[0].lower()
        shelf.mkdir(parents=True, exist_ok=True)
        os.link(package.file, shelf / package.spec.file_name)
    (place / KEY_NAME).write_text(key.public.read_text())


def _describe(
    flavour: Flavour,
    release: Release,
    repo: str,
    packages: Iterable[Package],
    notices: Sequence[Notice],
    place: Path,
) -> None:
    """Write the repodata of the packages that lie in `place`."""
    groups = place / "comps.xml"
    groups.write_bytes(comps(flavour, repo))
    options = ["--quiet", "--no-database", "--workers", str(WORKERS), "--groupfile", str(groups)]
    stamp = ["--revision", str(release.issued), "--set-timestamp-to-revision"]
    run(["createrepo_c", *options, *stamp, str(place)])
    groups.unlink()
    advisories = updateinfo(notices, {package.spec.name for package in packages})
    if advisories:
        source = place / "updateinfo.xml"
        source.write_bytes(advisories)
        run(["modifyrepo_c", str(source), str(place / "repodata")])
        source.unlink()


def comps(flavour: Flavour, repo: str) -> bytes:
    """Groups of a repo: baseos has `core` and the environment `minimal-environment`, appstream `tools`."""
    root = ET.Element("comps")
    if repo == "appstream":
        _group(root, "tools", "Tools", ("beacon", *flavour.tools))
    else:
        _group(root, "core", "Core", ("filesystem", "setup", "testbed-release", *flavour.core))
        environment = _described(root, "environment", "minimal-environment", "Minimal host")
        ET.SubElement(ET.SubElement(environment, "grouplist"), "groupid").text = "core"
    return _xml(root, '<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">\n')


def _group(root: ET.Element, identity: str, name: str, packages: Iterable[str]) -> None:
    group = _described(root, "group", identity, name)
    ET.SubElement(group, "default").text = "true"
    ET.SubElement(group, "uservisible").text = "true"
    members = ET.SubElement(group, "packagelist")
    for package in packages:
        ET.SubElement(members, "packagereq", type="mandatory").text = package


def _described(root: ET.Element, kind: str, identity: str, name: str) -> ET.Element:
    element = ET.SubElement(root, kind)
    for tag, text in (("id", identity), ("name", name), ("description", f"{name} of Testbed Linux")):
        ET.SubElement(element, tag).text = text
    return element


def updateinfo(notices: Iterable[Notice], names: set[str]) -> bytes:
    """The advisories that touch the packages `names` of a repo; empty if none does."""
    root = ET.Element("updates")
    for notice in notices:
        packages = [package for package in notice.packages if package.name in names]
        if packages:
            _update(root, notice, packages)
    return _xml(root) if len(root) else b""


def _update(root: ET.Element, notice: Notice, packages: Iterable[RpmSpec]) -> None:
    advisory = notice.advisory
    origin = {"from": "release@testbed.invalid", "status": "stable", "version": "1"}
    update = ET.SubElement(root, "update", origin, type=advisory.kind)
    for tag, text in (
        ("id", advisory.id),
        ("title", advisory.title),
        ("severity", advisory.severity),
        ("summary", advisory.title),
        ("description", advisory.description),
    ):
        ET.SubElement(update, tag).text = text
    ET.SubElement(update, "issued", date=notice.issued)
    ET.SubElement(update, "updated", date=notice.issued)
    references = ET.SubElement(update, "references")
    for cve in advisory.cves:
        address = f"https://testbed.invalid/{cve}"
        ET.SubElement(references, "reference", href=address, id=cve, type="cve", title=cve)
    collection = ET.SubElement(ET.SubElement(update, "pkglist"), "collection", short="testbed")
    ET.SubElement(collection, "name").text = "Testbed Linux"
    for package in packages:
        evr, source = package.evr, package.source_evr
        element = ET.SubElement(
            collection,
            "package",
            name=package.name,
            epoch=evr.epoch,
            version=evr.version,
            release=evr.release,
            arch=package.arch,
            src=f"{package.source}-{source.version}-{source.release}.src.rpm",
        )
        ET.SubElement(element, "filename").text = package.file_name


def _xml(root: ET.Element, doctype: str = "") -> bytes:
    ET.indent(root)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}{ET.tostring(root, encoding="unicode")}\n'.encode()
    )
