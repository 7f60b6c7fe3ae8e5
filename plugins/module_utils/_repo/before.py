# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The mirror as the sync before left it: what need not be fetched, parsed and checked again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._repo.derive import Source
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.listing import Listed, read_listing
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import (
    REPOMD,
    Package,
    RemoteFile,
    Tolerance,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.primary import parse_primary
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import Repomd, parse_repomd
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import TreeRecord
from ansible_collections.osaas.fleet.plugins.module_utils._repo.unpack import unpack


class Before:
    """The tree that `record` describes. Everything is read when it is asked for, and once."""

    def __init__(
        self, store: Store, record: TreeRecord, tolerance: Tolerance, runner: Runner, scratch: Path
    ) -> None:
        self.record = record
        self._tree = store.tree(record.repository, record.tree)
        self._listing = store.listing(record.repository, record.tree)
        # Whatever is in a mirror was decided about when it was synced.
        self._tolerance = replace(tolerance, weak_digests=True)
        self._runner = runner
        self._scratch = scratch

    @cached_property
    def listed(self) -> dict[str, Listed]:
        """Its packages by NEVRA."""
        listed = read_listing(self._listing)
        if listed is None:
            files = [(package.nevra, package.file) for package in self._packages]
            listed = [
                Listed(file.algorithm, file.digest, self._hashed(file), nevra, file.href)
                for nevra, file in files
            ]
        return {one.nevra: one for one in listed}

    @cached_property
    def objects(self) -> dict[tuple[str, str], str]:
        """The sha256 of each package, by its advertised algorithm and checksum."""
        return {(one.algorithm, one.digest): one.sha256 for one in self.listed.values()}

    def signed(self, keyring: str) -> frozenset[str]:
        """The sha256 of all packages whose signatures were checked with these keys."""
        if not self.record.gpgcheck or self.record.keyring != keyring:
            return frozenset()
        return frozenset(one.sha256 for one in self.listed.values())

    def source(self, nevras: Sequence[str]) -> Source:
        """What to take packages with these NEVRAs from."""
        take = [package for package in self._packages if package.nevra in nevras]
        theirs = {record.file.href: self._tree / record.file.href for record in self._repomd.records}
        return Source(self.record.repository, self._repomd, theirs, self._packages, take)

    @cached_property
    def _repomd(self) -> Repomd:
        return parse_repomd(self._tree / REPOMD, repository=self.record.repository, weak=True)

    @cached_property
    def _packages(self) -> list[Package]:
        primary, name = self._repomd.primary, self.record.repository
        unpacked = self._scratch / "primary-before.xml"
        unpack(
            self._runner,
            self._tree / primary.file.href,
            unpacked,
            primary,
            where=f"{name}: {primary.file.href}",
        )
        return parse_primary(unpacked, repository=name, tolerance=self._tolerance)

    def _hashed(self, file: RemoteFile) -> str:
        hasher = Hasher("sha256")
        hasher.feed_file(self._tree / file.href)
        return hasher.sha256
