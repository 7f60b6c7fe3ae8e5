# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The values that the repo service talks about."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._names import check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import Choice
from ansible_collections.osaas.fleet.plugins.module_utils._repo.transfer import Transfer

REPOMD = "repodata/repomd.xml"
SIGNATURE = "repodata/repomd.xml.asc"


class RemoteFile(t.NamedTuple):
    """A file as the metadata advertises it; a tuple, for a repo has tens of thousands of them.

    `address` is its URL if it does not come from below the repo's base URLs. `spelled` is its href as the
    metadata has it, if that is percent-encoded: a client that does not decode it asks for that.
    """

    href: str
    algorithm: str
    digest: str
    size: int
    address: str = ""
    spelled: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """All names that it has in a tree."""
        return (self.href, self.spelled) if self.spelled else (self.href,)


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
class Mutable:
    """The operator's word on one NEVRA with two digests: which one to `take`, and the reason."""

    nevra: str
    digests: frozenset[str]
    take: str
    reason: str

    def __post_init__(self) -> None:
        if len(self.digests) != 2 or self.take not in self.digests or not self.reason.strip():
            raise InputError(
                "it needs two digests, the one of them to take, and a reason",
                where=f"accept_mutable: {self.nevra}",
            )


@dataclass(frozen=True)
class Tolerance:
    """What the operator puts up with in this upstream; nothing, by default."""

    weak_digests: bool = False
    foreign_bases: tuple[str, ...] = ()
    mutable: tuple[Mutable, ...] = ()

    def __post_init__(self) -> None:
        for base in self.foreign_bases:
            _check_url(base, ("http", "https"), where="allow_foreign_base")

    def verdict(self, nevra: str, digests: AbstractSet[str]) -> Mutable | None:
        """What was decided about these two digests of a NEVRA, if anything was."""
        return next((one for one in self.mutable if (one.nevra, one.digests) == (nevra, digests)), None)


@dataclass(frozen=True)
class Repository:
    """One upstream as the operator describes it: by one of `baseurls`, `metalink` and `mirrorlist`.

    `treeinfo` asks for the images of its installer, too.
    """

    name: str
    baseurls: tuple[str, ...]
    gpgkeys: tuple[Path, ...]
    gpgcheck: bool
    repo_gpgcheck: bool
    metalink: str = ""
    mirrorlist: str = ""
    transfer: Transfer = field(default_factory=Transfer)
    tolerance: Tolerance = field(default_factory=Tolerance)
    choice: Choice = field(default_factory=Choice)
    treeinfo: bool = False

    @property
    def address(self) -> str:
        """The first URL that the operator gave."""
        return self.metalink or self.mirrorlist or self.baseurls[0]

    def __post_init__(self) -> None:
        check_name(self.name, where="repositories")
        if self.name in ("manifest.json", "manifest.json.asc", "manifest.json.copy"):
            raise InputError("this name is taken by the manifest of a snapshot", where=self.name)
        if sum(map(bool, (self.baseurls, self.metalink, self.mirrorlist))) != 1:
            raise InputError("give one of baseurl, metalink and mirrorlist", where=self.name)
        for url in self.baseurls:
            _check_url(url, ("http", "https", "file"), where=self.name)
        for url in filter(None, (self.metalink, self.mirrorlist)):
            _check_list(url, where=self.name)
        if (self.gpgcheck or self.repo_gpgcheck) and not self.gpgkeys:
            raise InputError(
                "signatures are to be checked, but no gpgkey is given",
                where=self.name,
                way_out="Give key files, or set gpgcheck and repo_gpgcheck to false",
            )


def _check_url(url: str, schemes: tuple[str, ...], *, where: str) -> None:
    parts = urlsplit(url)
    place = parts.path.startswith("/") and not parts.netloc if parts.scheme == "file" else parts.hostname
    if parts.scheme not in schemes or not place or parts.query or parts.fragment:
        raise InputError(
            f"{url!r} is not an {', '.join(schemes[:-1])} or {schemes[-1]} URL of a directory",
            where=where,
            way_out="Give one like https://mirror.example.com/os/",
        )


def _check_list(url: str, *, where: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url!r} is not an http or https URL of a list of mirrors", where=where)


def unique_names(repositories: Sequence[Repository]) -> None:
    """Raises InputError if two repositories have one name."""
    seen: set[str] = set()
    for repository in repositories:
        if repository.name in seen:
            raise InputError("is given twice", where=repository.name, way_out="Give each repository once")
        seen.add(repository.name)
