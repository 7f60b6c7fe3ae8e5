# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flavour of Testbed Linux is. Each flavour is one value, in a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


def words(text: str) -> tuple[str, ...]:
    """The words of a text: lists of many names read best without quotes and commas."""
    return tuple(text.split())


@dataclass(frozen=True)
class File:
    """A file made by us. `config`: kept when a person changed it."""

    text: str
    mode: int = 0o644
    config: bool = False


@dataclass(frozen=True)
class Owner:
    """Mode and owner that a maintainer script gives to a file."""

    mode: int
    user: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Scriptlet:
    """A scriptlet (`kind` such as "posttrans"), or a file trigger ("transfiletriggerin") over `paths`."""

    kind: str
    body: str
    paths: tuple[str, ...] = ()
    priority: int | None = None


@dataclass(frozen=True)
class Amendment:
    """What Debian's maintainer scripts would do for one package, said as an RPM would say it.

    files, links: added (links: path -> target); copies: config files, path -> the package's path they copy;
    rewritten: path -> new text of a file of the package; omitted: canonical paths left out;
    owners: path -> mode and owner; services: units preset at the first install, restarted after an upgrade.
    """

    files: Mapping[str, File] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)
    rewritten: Mapping[str, str] = field(default_factory=dict)
    omitted: tuple[str, ...] = ()
    owners: Mapping[str, Owner] = field(default_factory=dict)
    provides: tuple[str, ...] = ()
    scriptlets: tuple[Scriptlet, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flavour:
    """A flavour: which Debian packages make it, and how they differ from what Debian does with them.

    suite: of Debian, that the packages come from; core, tools: packages of the groups of that name; offered:
    packages of no group, for hosts that want them; appstream: packages that live in the appstream repo (all
    others: baseos); dropped: Debian packages that stay behind, with every dependency on them; demanding:
    packages that need what they only recommend; amendments: by name of the package, or pattern (of a library
    whose name has a number that grows); passwd, group: accounts beyond Debian's base accounts, as lines of
    those files; presets: units enabled.
    """

    name: str
    suite: str
    major: str
    core: tuple[str, ...]
    tools: tuple[str, ...]
    appstream: tuple[str, ...]
    dropped: tuple[str, ...]
    amendments: Mapping[str, Amendment]
    passwd: tuple[str, ...]
    group: tuple[str, ...]
    presets: tuple[str, ...]
    demanding: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """All packages that it has for their own sake; what they depend on comes with them."""
        return (*self.core, *self.tools, *self.offered)

    def amendment(self, package: str) -> Amendment:
        """What is amended of a package."""
        found = (one for name, one in self.amendments.items() if fnmatchcase(package, name))
        return next(found, Amendment())
