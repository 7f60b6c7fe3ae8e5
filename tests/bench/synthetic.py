# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repo of many packages with many files each: real metadata, and no packages worth the name."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import createrepo_c

from bench.__main__ import CACHE

FILES = 60  # of a package
NEEDS = 12  # of a package


def synthetic(packages: int) -> Path:
    """A repo of so many, from the cache if it is there."""
    root = CACHE / f"synthetic-{packages}"
    if (root / "complete").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    (root / "Packages").mkdir(parents=True)
    (root / "repodata").mkdir()
    kinds = {
        "primary": createrepo_c.PrimaryXmlFile,
        "filelists": createrepo_c.FilelistsXmlFile,
        "other": createrepo_c.OtherXmlFile,
    }
    paths = {kind: root / "repodata" / f"{kind}.xml.gz" for kind in kinds}
    lists = [opened(str(paths[kind]), createrepo_c.GZ_COMPRESSION) for kind, opened in kinds.items()]
    for one in lists:
        one.set_num_of_pkgs(packages)
    for number in range(packages):
        package = _package(root, number)
        for one in lists:
            one.add_pkg(package)
    repomd = createrepo_c.Repomd()
    for (kind, path), one in zip(paths.items(), lists, strict=True):
        one.close()
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(createrepo_c.SHA256)
        repomd.set_record(record)
    (root / "repodata" / "repomd.xml").write_text(repomd.xml_dump())
    (root / "complete").touch()
    return root


def _package(root: Path, number: int) -> createrepo_c.Package:
    package = createrepo_c.Package()
    package.name, package.arch, package.epoch = f"synthetic-{number:06}", "x86_64", "0"
    package.version, package.release = "1.0", "1.el9"
    package.summary, package.description = "A package", "A package that is not one. " * 5
    package.rpm_sourcerpm = f"{package.name}-1.0-1.el9.src.rpm"
    content = package.name.encode()
    package.location_href = f"Packages/{package.name}.rpm"
    (root / package.location_href).write_bytes(content)
    package.checksum_type, package.pkgId = "sha256", hashlib.sha256(content).hexdigest()
    package.size_package = len(content)
    directory = f"/usr/share/synthetic/{number % 97}/{package.name}/"
    package.files = [("", directory, f"file-{one:02}.txt") for one in range(FILES)]
    package.provides = [(package.name, "EQ", "0", "1.0", "1.el9", False)]
    package.requires = [
        (f"lib{(number + one) % 5000}.so.1()(64bit)", None, None, None, None, False) for one in range(NEEDS)
    ]
    package.changelogs = [("somebody", 1_700_000_000, "- a change")]
    return package
