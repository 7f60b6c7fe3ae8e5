# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Derived metadata: a repo of chosen packages, described as createrepo_c would, from metadata that verified.

The same input gives the same bytes: nothing here reads a clock or depends on an order of files.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.advisories import Advisories
from ansible_collections.osaas.fleet.plugins.module_utils._repo.comps import cut_comps
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import REPOMD, SIGNATURE, Package
from ansible_collections.osaas.fleet.plugins.module_utils._repo.modules import (
    Document,
    carry_modules,
    cut_modules,
    merge_modules,
    read_modules,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import Record, Repomd, Tags
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.unpack import unpack

GROUPS = ("group", "group_gz", "group_xz", "group_zck")
REGENERATED = {"primary", "filelists", "other", "modules", "updateinfo", *GROUPS}
INDEPENDENT = {"productid"}  # says nothing of any package: carried over as it is


@dataclass(frozen=True)
class Source:
    """A state to take packages from: `packages` are all it has, `take` those that are wanted of them.

    `files` has the verified metadata files by href. Where a package of `take` has another file.href than its
    origin says, it is published there.
    """

    name: str
    repomd: Repomd
    files: Mapping[str, Path]
    packages: Sequence[Package]
    take: Collection[Package]

    def where(self, record: Record) -> str:
        """For messages."""
        return f"{self.name}: {record.file.href}"


@dataclass(frozen=True)
class Derived:
    """New metadata: `repomd` and the `files` that it names, by href.

    `left_out` are the kinds of records that the repo itself has and this one does without.
    """

    repomd: Path
    files: dict[str, Path]
    left_out: tuple[str, ...]


def derive(runner: Runner, sources: Sequence[Source], scratch: Path) -> Derived:
    """Metadata for what is taken of `sources`, made below `scratch`, a directory that does not exist yet.

    The first source is the repo itself: its groups and revision are kept. Of the others come packages with
    their modules and advisories. Raises UpstreamError for metadata that breaks the format, or a location that
    two packages would have.
    """
    scratch.mkdir()
    return _Derivation(runner, sources, scratch).make()


def sign(store: Store, runner: Runner, derived: Derived, key: SigningKey, repository: str) -> Path:
    """The signature of its repomd.xml, beside it.

    A state that a tree has with a signature by this key keeps that one: it is no other state.
    """
    trees = store.root.glob(f"trees/{repository}/{sha256(derived.repomd.read_bytes())}-*")
    signatures = (tree / SIGNATURE for tree in trees if tree.is_dir())
    known = next((one for one in signatures if key.has_signed(runner, derived.repomd, one)), None)
    beside = derived.repomd.with_name("signature")
    beside.write_bytes(known.read_bytes() if known else key.sign(runner, derived.repomd))
    return beside


def adopt(store: Store, derived: Derived, signature: Path) -> dict[str, str]:
    """Move its files into the store; returns href -> sha256 of all its metadata files."""
    objects = {}
    for href, path in ((REPOMD, derived.repomd), (SIGNATURE, signature), *derived.files.items()):
        objects[href] = sha256(path.read_bytes())
        store.adopt(path, objects[href])
    return objects


class _Derivation:
    """One run of derive()."""

    def __init__(self, runner: Runner, sources: Sequence[Source], scratch: Path) -> None:
        self._runner = runner
        self._sources = sources
        self._scratch = scratch
        self._files: dict[str, Path] = {}
        self._repomd = createrepo_c.Repomd()
        taken = [package for source in sources for package in source.take]
        self._kept = frozenset(package.nevra for package in taken)
        self._gone = frozenset(package.nevra for package in sources[0].packages) - self._kept
        left = {package.build.name for package in taken}
        self._names = frozenset(
            package.build.name for package in sources[0].packages if package.build.name not in left
        )
        self._time = max(record.timestamp for source in sources for record in source.repomd.records)
        self._count = sum(len(set(source.take)) for source in sources)
        _check_places(taken, sources[0].name)

    def make(self) -> Derived:
        base = self._sources[0]
        self._primary()
        self._lists("filelists", createrepo_c.FilelistsXmlFile, createrepo_c.xml_parse_filelists)
        self._lists("other", createrepo_c.OtherXmlFile, createrepo_c.xml_parse_other)
        self._groups()
        self._advisories()
        self._modules()
        for record in base.repomd.records:
            if record.kind in INDEPENDENT:
                self._copy(record, base.files[record.file.href])
        self._repomd.set_revision(base.repomd.revision)
        self._tags(base.repomd.tags)
        self._repomd.sort_records()
        path = self._scratch / "repomd.xml"
        path.write_text(self._repomd.xml_dump(), encoding="utf-8")
        met = {record.kind for record in base.repomd.records}
        return Derived(path, self._files, tuple(sorted(met - REGENERATED - INDEPENDENT)))

    def _tags(self, tags: Tags) -> None:
        for content in tags.content:
            self._repomd.add_content_tag(content)
        for repo in tags.repo:
            self._repomd.add_repo_tag(repo)
        for cpe, name in tags.distro:
            self._repomd.add_distro_tag(name, *([cpe] if cpe else []))

    def _primary(self) -> None:
        with self._list("primary", createrepo_c.PrimaryXmlFile) as out:
            for source in self._sources:
                places = {(package.file.digest, package.origin): package.file.href for package in source.take}

                def keep(raw: createrepo_c.Package) -> None:
                    place = places.pop((raw.pkgId, (raw.location_base or "", raw.location_href)), None)  # noqa: B023
                    if place is not None:
                        raw.location_href, raw.location_base = place, None
                        out.add_pkg(raw)

                self._parse(source, "primary", createrepo_c.xml_parse_primary, keep)

    def _lists(self, kind: str, writer: Callable[..., t.Any], parse: Callable[..., None]) -> None:
        """Filelists and other: their entries name a package by its digest."""
        if all(source.repomd.first(kind) is None for source in self._sources):
            return
        with self._list(kind, writer) as out:
            for source in self._sources:
                due = Counter(package.file.digest for package in source.take)

                def keep(raw: createrepo_c.Package) -> None:
                    if due[raw.pkgId] > 0:  # noqa: B023
                        due[raw.pkgId] -= 1  # noqa: B023
                        out.add_pkg(raw)

                self._parse(source, kind, parse, keep)

    def _groups(self) -> None:
        base = self._sources[0]
        record = base.repomd.first(*GROUPS[:3])
        if record is not None:
            text = cut_comps(self._opened(base, record), self._names, where=base.where(record))
            self._write("group", "comps.xml", text)

    def _advisories(self) -> None:
        found = [(source, source.repomd.first("updateinfo")) for source in self._sources]
        if all(record is None for _source, record in found):
            return
        path = self._scratch / "updateinfo.xml"
        with path.open("w", encoding="utf-8") as out:
            advisories = Advisories(out)
            for source, record in found:
                if record is None:
                    continue
                opened, where = self._opened(source, record), source.where(record)
                if source is self._sources[0]:
                    advisories.add(opened, self._gone, where=where)
                else:
                    advisories.carry(opened, {package.nevra for package in source.take}, where=where)
            advisories.close()
        self._add("updateinfo", self._packed(path))

    def _modules(self) -> None:
        base, *others = self._sources
        carried = [
            document
            for source in others
            for document in carry_modules(
                self._read_modules(source), {package.nevra for package in source.take}
            )
        ]
        own = cut_modules(self._read_modules(base), self._kept, self._gone, self._names, carried)
        documents = merge_modules(own, carried)
        if documents:
            text = "".join(f"{document.text.rstrip()}\n" for document in documents)
            path = self._scratch / "modules.yaml"
            path.write_text(text, encoding="utf-8")
            self._add("modules", self._packed(path))

    def _read_modules(self, source: Source) -> list[Document]:
        record = source.repomd.first("modules")
        if record is None:
            return []
        return read_modules(self._opened(source, record), where=source.where(record))

    @contextmanager
    def _list(self, kind: str, writer: Callable[..., t.Any]) -> Iterator[t.Any]:
        """A list of packages, opened for writing."""
        path = self._scratch / f"{kind}.xml.gz"
        with closing(writer(str(path), createrepo_c.GZ_COMPRESSION)) as out:
            out.set_num_of_pkgs(self._count)
            yield out
        self._add(kind, path)

    def _parse(
        self,
        source: Source,
        kind: str,
        parse: Callable[..., None],
        keep: Callable[[createrepo_c.Package], None],
    ) -> None:
        record = source.repomd.first(kind)
        if record is None:
            return
        try:
            parse(str(self._opened(source, record)), pkgcb=keep, warningcb=_ignore)
        except createrepo_c.CreaterepoCError as error:
            what = f"this is not package metadata: {error}"
            raise UpstreamError(what, where=source.where(record)) from error

    def _opened(self, source: Source, record: Record) -> Path:
        """The record, unpacked; the next one takes its place."""
        target = self._scratch / "opened"
        unpack(self._runner, source.files[record.file.href], target, record, where=source.where(record))
        return target

    def _packed(self, path: Path) -> Path:
        packed = path.with_name(f"{path.name}.gz")
        createrepo_c.compress_file(str(path), str(packed), createrepo_c.GZ_COMPRESSION)
        return packed

    def _write(self, kind: str, name: str, text: str) -> None:
        path = self._scratch / name
        path.write_text(text, encoding="utf-8")
        self._add(kind, path)

    def _copy(self, record: Record, path: Path) -> None:
        copied = self._scratch / Path(record.file.href).name
        copied.write_bytes(path.read_bytes())
        self._add(record.kind, copied)

    def _add(self, kind: str, path: Path) -> None:
        record = createrepo_c.RepomdRecord(kind, str(path))
        record.fill(createrepo_c.SHA256)
        record.timestamp = self._time
        href = f"repodata/{record.checksum}-{path.name}"
        record.location_href = href
        self._repomd.set_record(record)
        self._files[href] = path


def _check_places(packages: Iterable[Package], name: str) -> None:
    places: dict[str, Package] = {}
    for package in packages:
        other = places.setdefault(package.file.href, package)
        if other.file.digest != package.file.digest:
            raise UpstreamError(
                f"one location for {other.nevra} with digest {other.file.digest}"
                f" and {package.nevra} with digest {package.file.digest}",
                where=f"{name}: {package.file.href}",
            )


def _ignore(_kind: int, _message: str) -> None:
    """Elements of newer formats are no fault."""
