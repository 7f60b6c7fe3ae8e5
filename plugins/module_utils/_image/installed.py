# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What an image's own database says of its packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.transaction import DATABASE

TAGS = (
    "NAME",
    "EPOCHNUM",
    "VERSION",
    "RELEASE",
    "ARCH",
    "SIZE",
    "LICENSE",
    "VENDOR",
    "URL",
    "SOURCERPM",
    "SUMMARY",
)
FORMAT = "\\t".join(f"%{{{tag}}}" for tag in TAGS) + "\\t[%{CHANGELOGTEXT} ]\\a"
CVE = re.compile(r"\bCVE-\d{4}-\d{4,}\b")
KEY = "gpg-pubkey"  # what rpm calls a key that it trusts, as if it were a package


@dataclass(frozen=True)
class InstalledPackage:
    """A package. What its builder did not say is "(none)", as rpm has it; `size` is that of its files."""

    name: str
    epoch: int
    version: str
    release: str
    arch: str
    size: int
    licence: str
    vendor: str
    url: str
    source: str
    summary: str
    changelog_cves: tuple[str, ...]

    @property
    def nevra(self) -> str:
        """Its name with all that tells it from others."""
        return f"{self.name}-{self.epoch}:{self.version}-{self.release}.{self.arch}"


def installed_packages(image: Finished) -> list[InstalledPackage]:
    """All packages of an image, by name. rpm is the builder's own. Raises CommandError."""
    builder = replace(image.tools, root=Path("/"))
    database = image.root / DATABASE[1:]
    if not database.is_dir():
        return []
    query = ["rpm", "--dbpath", str(database), "--query", "--all", "--queryformat", FORMAT]
    done = builder.run_tool(query, reads=[image.root], writes=image.stack[-1])
    return sorted(_read(done.stdout), key=lambda package: package.nevra)


def _read(text: str) -> Iterator[InstalledPackage]:
    for line in filter(None, text.split("\a")):
        *fields, changelog = line.split("\t", len(TAGS))
        name, epoch, version, release, arch, size, licence, vendor, url, source, summary = fields
        if name != KEY:
            yield InstalledPackage(
                name,
                int(epoch),
                version,
                release,
                arch,
                int(size),
                licence,
                vendor,
                url,
                source,
                summary,
                changelog_cves=tuple(sorted(set(CVE.findall(changelog)))),
            )
