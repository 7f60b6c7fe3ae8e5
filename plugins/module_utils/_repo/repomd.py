# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""repomd.xml: the entry point of a repo, which names all other metadata files (the records)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import ALGORITHMS, check_digest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hrefs import (
    brought,
    check_href,
    foreign,
    spelled,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import REPOMD, SIGNATURE, RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.safexml import check_xml

RECORD = "http://linux.duke.edu/metadata/repo data"
RECORD_BYTES = 4 << 30  # the largest seen in the wild is about 2 GiB
OPEN_BYTES = 4 << 30


@dataclass(frozen=True)
class Record:
    """One metadata file: how it is advertised, and how large and with which checksum it unpacks.

    Its own size is 0 if that is not said, as old tools did not.
    `open_size` is 0, and the other two are "", if that is not said; of primary it always is.
    `timestamp` is seconds since 1970.
    """

    kind: str
    file: RemoteFile
    open_size: int
    open_algorithm: str
    open_digest: str
    timestamp: int = 0


@dataclass(frozen=True)
class Tags:
    """What repomd.xml says the repo is for; each of `distro` is a CPE id ("": not said) and a name."""

    content: tuple[str, ...] = ()
    repo: tuple[str, ...] = ()
    distro: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Repomd:
    """What repomd.xml says."""

    revision: str
    records: tuple[Record, ...]
    tags: Tags = Tags()

    @property
    def primary(self) -> Record:
        """The list of packages."""
        return next(record for record in self.records if record.kind == "primary")

    def first(self, *kinds: str) -> Record | None:
        """The record of the first of these kinds that there is."""
        return next((found for kind in kinds for found in self.records if found.kind == kind), None)


def parse_repomd(
    path: Path, *, repository: str, weak: bool = False, foreign_bases: Sequence[str] = (), baseurl: str = ""
) -> Repomd:
    """Read `path`. Raises UpstreamError or AllErrors naming every record that breaks a rule.

    `weak` accepts weak checksums, `foreign_bases` records outside the repo at `baseurl` that are below these.
    """
    where = f"{repository}: {REPOMD}"
    errors: list[FleetError] = []
    try:
        check_xml(path, where=where)
        raw = createrepo_c.Repomd(str(path))
        errors += _double_kinds(path, where=where)
    except (createrepo_c.CreaterepoCError, expat.ExpatError) as error:
        raise UpstreamError(f"this is not repository metadata: {str(error).strip()}", where=where) from error
    records: list[Record] = []
    for entry in raw.records:
        try:
            at = f"{where}: record {entry.type!r}"
            origin = (entry.location_base or "", entry.location_href or "")
            address = foreign(baseurl, origin, foreign_bases)
            records.append(_record(entry, origin, address, where=at, weak=weak))
        except FleetError as error:
            errors.append(error)
    errors += _set_errors(records, where=where) if not errors else []
    if errors:
        raise AllErrors(errors)
    distro = tuple((cpe or "", name) for cpe, name in raw.distro_tags)
    tags = Tags(tuple(raw.content_tags), tuple(raw.repo_tags), distro)
    return Repomd(raw.revision or "", tuple(records), tags)


def _record(
    entry: createrepo_c.RepomdRecord, origin: tuple[str, str], address: str, *, where: str, weak: bool
) -> Record:
    algorithm, digest = check_digest(entry.checksum_type, entry.checksum, where=where, weak=weak)
    href = brought(address, digest) if address else check_href(origin[1], origin[0], where=where)
    for name, size, most in (("size", entry.size, RECORD_BYTES), ("open-size", entry.size_open, OPEN_BYTES)):
        if size > most:
            raise UpstreamError(f"{name} {size} is over the limit of {most} bytes", where=where)
    file = RemoteFile(href, algorithm, digest, max(entry.size, 0), address, spelled(href, origin))
    open_size, timestamp = max(entry.size_open, 0), max(entry.timestamp, 0)
    opened = (entry.checksum_open_type or "", entry.checksum_open or "")
    if entry.type == "primary":
        # A file that is not compressed needs no second checksum.
        open_size = open_size or entry.size
        opened = (opened[0] or algorithm, opened[1] or digest)
        opened = check_digest(*opened, where=f"{where}: open-checksum", weak=weak)
    elif opened[0] not in ALGORITHMS:
        opened = ("", "")
    return Record(entry.type, file, open_size, *opened, timestamp)


def _set_errors(records: list[Record], *, where: str) -> list[FleetError]:
    errors: list[FleetError] = []
    if all(record.kind != "primary" for record in records):
        errors.append(UpstreamError("it names no primary record", where=where))
    hrefs = [record.file.href for record in records]
    for href in sorted({href for href in hrefs if hrefs.count(href) > 1}):
        errors.append(UpstreamError(f"two records have the location {href!r}", where=where))
    for href in sorted({REPOMD, SIGNATURE}.intersection(hrefs)):
        errors.append(UpstreamError(f"a record claims the location {href!r}", where=where))
    return errors


def _double_kinds(path: Path, *, where: str) -> list[FleetError]:
    """createrepo_c keeps the last record of a kind; clients may take another one."""
    kinds: Counter[str] = Counter()

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == RECORD:
            kinds[attributes.get("type", "")] += 1

    # Events, no tree: that would take many times the memory of the file.
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    with path.open("rb") as stream:
        parser.ParseFile(stream)
    doubles = [kind for kind, count in kinds.items() if count > 1]
    return [UpstreamError(f"two records are {kind!r}", where=where) for kind in doubles]
