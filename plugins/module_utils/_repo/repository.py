# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""One repo on its way from upstream to a tree: read its head, fetch and verify what it names."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import (
    AllErrors,
    FleetError,
    InputError,
    UpstreamError,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo import hrefs
from ansible_collections.osaas.fleet.plugins.module_utils._repo.before import Before
from ansible_collections.osaas.fleet.plugins.module_utils._repo.contents import decide
from ansible_collections.osaas.fleet.plugins.module_utils._repo.derive import Source, adopt, derive, sign
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.head import Head, read_head
from ansible_collections.osaas.fleet.plugins.module_utils._repo.installer import read_installer
from ansible_collections.osaas.fleet.plugins.module_utils._repo.keys import Keys
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import (
    REPOMD,
    SIGNATURE,
    Package,
    RemoteFile,
    Repository,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.modules import read_modules, streams
from ansible_collections.osaas.fleet.plugins.module_utils._repo.primary import parse_primary
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import (
    RECORD_BYTES,
    Record,
    Repomd,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, make_directory
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import TreeRecord, mirrored
from ansible_collections.osaas.fleet.plugins.module_utils._repo.unpack import unpack
from ansible_collections.osaas.fleet.plugins.module_utils._repo.upstream import Unreachable, Upstream

GIVE_UP = 8  # files that cannot be reached after all their tries: so is the rest


@dataclass(frozen=True)
class Staged:
    """A complete state whose every file is in the store: `objects` maps href to sha256.

    `upstream` is the digest of the upstream's own repomd.xml.
    """

    record: TreeRecord
    packages: list[Package]
    objects: dict[str, str]
    upstream: str


class RepositorySync:
    """Brings one repo's files into the store; publishes nothing."""

    def __init__(
        self,
        store: Store,
        repository: Repository,
        upstream: Upstream,
        keys: Keys,
        runner: Runner,
        scratch: Path,
        key: SigningKey | None,
    ) -> None:
        self.repository = repository
        self.name = repository.name
        self.upstream = upstream
        self.mirror = mirrored(store, repository.name)
        self._before = self.mirror and Before(store, self.mirror, repository.tolerance, runner, scratch)
        self._store = store
        self._keys = keys
        self._runner = runner
        self._scratch = scratch
        self._key = key
        self._signed: frozenset[str] | None = None  # sha256 of packages that these keys have passed

    def is_mirrored(self, head: Head) -> bool:
        """Whether the mirror is this state already, verified and chosen by the same keys and rules."""
        mirror = self.mirror
        if mirror is None or mirror.upstream_sha256 != head.digest or not self._same_rules(mirror):
            return False
        if self.repository.treeinfo and not mirror.treeinfo:
            return False
        if mirror.derived:
            return True
        return head.signature is None or sha256(head.signature) == mirror.signature_sha256

    async def head(self) -> Head:
        """See read_head()."""
        return await read_head(self.upstream, self._keys, self.repository, self._scratch)

    async def stage(self, head: Head) -> Staged:
        """Bring every file of it into the store. Raises AllErrors, UpstreamError or VerificationError."""
        make_directory(self._store.partial(self.name))
        records = await self._fetch([await self._sized(record) for record in head.repomd.records])
        files = {href: self._store.object(digest) for href, digest in records.items()}
        packages = self._packages(head.repomd.primary, files[head.repomd.primary.file.href])
        before = self._before.listed if self._before else {}
        streams = self._streams(head.repomd, files)
        contents = decide(self.repository, head.repomd.records, packages, before, streams)
        sources = [Source(self.name, head.repomd, files, packages, contents.new)]
        if contents.old and self._before:
            sources.append(self._before.source(contents.old))
        taken = [package for source in sources for package in source.take]
        wanted = {package.file for package in taken}
        clash = hrefs.clash([*records, REPOMD, SIGNATURE, *(href for file in wanted for href in file.places)])
        if clash:
            raise UpstreamError("is wanted as a file and as a directory", where=f"{self.name}: {clash}")
        if contents.why and self._key is None:
            raise InputError(
                f"this is no longer what upstream signed ({'; '.join(contents.why)})",
                where=self.name,
                way_out="Give a signing_key for derived metadata, or ask for everything, with source: true",
            )
        objects = await self._fetch(wanted)
        if self.repository.gpgcheck:
            await self._verify({objects[file.href]: file.href for file in wanted})
        left_out: tuple[str, ...] = ()
        if contents.why and self._key is not None:
            beside = Path(tempfile.mkdtemp(dir=self._scratch)) / "derived"
            derived = derive(self._runner, sources, beside)
            signature = sign(self._store, self._runner, derived, self._key, self.name)
            objects.update(adopt(self._store, derived, signature))
            left_out = derived.left_out
        else:
            objects.update(records)
            objects[REPOMD] = self._keep(head.content)
            if head.signature is not None:
                objects[SIGNATURE] = self._keep(head.signature)
        images = await self._images(objects) if self.repository.treeinfo else {}
        objects.update(images)
        record = self._record(head, wanted, objects, contents.why)
        record = replace(record, left_out=left_out, treeinfo=bool(images))
        return Staged(record, taken, objects, head.digest)

    def _streams(self, repomd: Repomd, files: Mapping[str, Path]) -> dict[str, str]:
        """Only the choice of the newest asks for them."""
        record = repomd.first("modules")
        if record is None or not self.repository.choice.newest:
            return {}
        where = f"{self.name}: {record.file.href}"
        opened = self._scratch / "modules.yaml"
        unpack(self._runner, files[record.file.href], opened, record, where=where)
        return streams(read_modules(opened, where=where))

    async def _fetch(self, wanted: Iterable[RemoteFile]) -> dict[str, str]:
        """Bring all of `wanted` into the store; returns href -> sha256. Raises AllErrors."""
        objects: dict[str, str] = {}
        missing: dict[tuple[str, str], list[RemoteFile]] = {}
        for file in wanted:
            known = self._known(file)
            if known:
                objects.update(dict.fromkeys(file.places, known))
            else:
                missing.setdefault((file.algorithm, file.digest), []).append(file)
        queue = iter(missing.values())
        errors: list[FleetError] = []

        async def work() -> None:
            for same in queue:
                if sum(isinstance(error, Unreachable) for error in errors) >= GIVE_UP:
                    return
                try:
                    digest = await self._download(same[0])
                except FleetError as error:
                    errors.append(error)
                else:
                    objects.update((href, digest) for file in same for href in file.places)

        await asyncio.gather(*(work() for _worker in range(self.repository.transfer.connections)))
        if errors:
            raise AllErrors(errors)
        return objects

    async def _sized(self, record: Record) -> RemoteFile:
        """The file of a record, with the size that the server says if the metadata does not."""
        file = record.file
        if file.size:
            return file
        size = await self.upstream.size(file)
        if not 0 < size <= RECORD_BYTES:
            raise UpstreamError(
                f"size {size} is not between 1 and {RECORD_BYTES} bytes", where=f"{self.name}: {file.href}"
            )
        return file._replace(size=size)

    def _known(self, file: RemoteFile) -> str:
        """The sha256 of `file` if the store has it, or ""."""
        if file.algorithm == "sha256":
            digest = file.digest
        else:
            digest = self._before.objects.get((file.algorithm, file.digest), "") if self._before else ""
        try:
            return digest if digest and _size(self._store, digest) == file.size else ""
        except FileNotFoundError:
            return ""

    async def _download(self, file: RemoteFile) -> str:
        partial = self._store.partial(self.name) / f"{file.algorithm}-{file.digest}"
        digest = await self.upstream.download(file, partial)
        self._store.adopt(partial, digest)
        return digest

    def _packages(self, primary: Record, packed: Path) -> list[Package]:
        unpacked = self._scratch / "primary.xml"
        where = f"{self.name}: {primary.file.href}"
        unpack(self._runner, packed, unpacked, primary, where=where)
        tolerance = self.repository.tolerance
        return parse_primary(unpacked, repository=self.name, tolerance=tolerance, baseurl=self.upstream.base)

    async def _verify(self, packages: Mapping[str, str]) -> None:
        """Check the signatures of those `packages` (sha256 -> href) that these keys have not passed yet."""
        if self._signed is None:
            self._signed = self._before.signed(self._keys.digest) if self._before else frozenset()
        new = {digest: href for digest, href in packages.items() if digest not in self._signed}
        paths = {self._store.object(digest): href for digest, href in new.items()}
        errors = await self._keys.verify_packages(paths)
        if errors:
            raise AllErrors(errors)
        self._signed |= new.keys()

    async def _images(self, taken: Mapping[str, str]) -> dict[str, str]:
        """Bring .treeinfo and its images into the store; returns href -> sha256, or nothing and a warning."""
        weak = self.repository.tolerance.weak_digests
        try:
            name, content, files = await read_installer(self.upstream, taken, where=self.name, weak=weak)
            return {name: self._keep(content), **await self._fetch(files)}
        except FleetError as error:
            self._runner.warn(f"images for installations are left out: {error}")
            return {}

    def _keep(self, content: bytes) -> str:
        digest = sha256(content)
        path = self._store.partial(self.name) / f"sha256-{digest}"
        path.write_bytes(content)
        self._store.adopt(path, digest)
        return digest

    def _same_rules(self, mirror: TreeRecord) -> bool:
        repository = self.repository
        wanted = (repository.gpgcheck, repository.repo_gpgcheck, self._keys.digest, self._rules)
        return (mirror.gpgcheck, mirror.repo_gpgcheck, mirror.keyring, mirror.rules) == wanted

    @property
    def _rules(self) -> tuple[str, ...]:
        """What the packages of a tree depend on beside its upstream, in words."""
        signer = (f"signing_key: {self._key.id}",) if self._key else ()
        taken = (f"accept_mutable: {one.nevra} {one.take}" for one in self.repository.tolerance.mutable)
        return (*self.repository.choice.rules, *sorted(taken), *signer)

    def _record(
        self, head: Head, packages: Collection[RemoteFile], objects: dict[str, str], why: tuple[str, ...]
    ) -> TreeRecord:
        sizes = {href: file.size for file in packages for href in file.places}  # verified by now
        return TreeRecord(
            repository=self.name,
            repomd_sha256=objects[REPOMD],
            revision=head.repomd.revision,
            packages=len(packages),
            bytes=sum(sizes.get(href) or _size(self._store, objects[href]) for href in objects),
            gpgcheck=self.repository.gpgcheck,
            repo_gpgcheck=self.repository.repo_gpgcheck,
            keyring=self._keys.digest,
            upstream=self.repository.address,
            synced=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            derived=why,
            upstream_sha256=head.digest,
            rules=self._rules,
            signature_sha256=objects.get(SIGNATURE, ""),
        )


def _size(store: Store, sha256: str) -> int:
    return os.stat(store.object_name(sha256)).st_size  # noqa: PTH116  (see object_name)
