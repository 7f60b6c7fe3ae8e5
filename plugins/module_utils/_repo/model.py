# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The values that the repo service talks about."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name

REPOMD = "repodata/repomd.xml"
SIGNATURE = "repodata/repomd.xml.asc"


class RemoteFile(t.NamedTuple):
    """A file as the metadata advertises it; a tuple, for a repo has tens of thousands of them."""

    href: str
    algorithm: str
    digest: str
    size: int


class Package(t.NamedTuple):
    """One package of primary.xml.

    `source` is the file name of its source package ("" for one that is a source package); `origin` is its
    location as primary.xml spells it: xml:base ("" if there is none) and href.
    """

    nevra: str
    file: RemoteFile
    build: Nevra
    source: str
    origin: tuple[str, str]


@dataclass(frozen=True)
class Repository:
    """One upstream as the operator describes it."""

    name: str
    baseurls: tuple[str, ...]
    gpgkeys: tuple[Path, ...]
    gpgcheck: bool
    repo_gpgcheck: bool

    def __post_init__(self) -> None:
        check_name(self.name, where="repositories")
        if self.name == "manifest.json":
            raise InputError("this name is taken by the manifest of a snapshot", where=self.name)
        if not self.baseurls:
            raise InputError("no baseurl", where=self.name, way_out="Give one or more")
        for url in self.baseurls:
            _check_baseurl(url, where=self.name)
        if (self.gpgcheck or self.repo_gpgcheck) and not self.gpgkeys:
            raise InputError(
                "signatures are to be checked, but no gpgkey is given",
                where=self.name,
                way_out="Give key files, or set gpgcheck and repo_gpgcheck to false",
            )


def _check_baseurl(url: str, *, where: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InputError(
            f"baseurl {url!r} is not an http or https URL of a directory",
            where=where,
            way_out="Give one like https://mirror.example.com/os/",
        )


def unique_names(repositories: Sequence[Repository]) -> None:
    """Raises InputError if two repositories have one name."""
    seen: set[str] = set()
    for repository in repositories:
        if repository.name in seen:
            raise InputError("is given twice", where=repository.name, way_out="Give each repository once")
        seen.add(repository.name)
