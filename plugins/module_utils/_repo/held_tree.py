# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Trees of repos with holds applied: described anew, signed, and solved before anything is in the store."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import SOURCE
from ansible_collections.osaas.fleet.plugins.module_utils._repo.derive import (
    Derived,
    Source,
    adopt,
    derive,
    sign,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher, sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Effect, Hold
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold_check import refuse_broken
from ansible_collections.osaas.fleet.plugins.module_utils._repo.holding import HeldRepo, decide
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import REPOMD, Package, RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import parse_repomd
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.source_builds import State
from ansible_collections.osaas.fleet.plugins.module_utils._repo.states import Rows
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import (
    TreeRecord,
    build_tree,
    is_whole,
    read_record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.treeinfo import NAMES, parse_treeinfo


@dataclass(frozen=True)
class HeldTree:
    """A repo with holds applied. `packages` maps href to sha256 for what the store has already."""

    record: TreeRecord
    derived: Derived
    signature: Path
    packages: Mapping[str, str]

    def build(self, store: Store) -> None:
        """Bring it into the store."""
        build_tree(store, self.record, {**self.packages, **adopt(store, self.derived, self.signature)})


@dataclass(frozen=True)
class Workshop:
    """What it takes to apply holds. `key` may be missing as long as they change nothing."""

    store: Store
    runner: Runner
    key: SigningKey | None
    scratch: Path

    def apply(
        self,
        holds: Sequence[Hold],
        mirrors: Mapping[str, TreeRecord],
        past: Sequence[Manifest],
    ) -> tuple[dict[str, HeldTree], list[Effect]]:
        """The repos that `holds` make other ones than their `mirrors`, and what each hold did.

        `past` are all snapshots, newest first. Raises InputError or AllErrors for a hold that cannot be, or
        makes something uninstallable.
        """
        now = {name: self.store.tree(name, record.tree) for name, record in mirrors.items()}
        before = self._before(mirrors, past)
        rows = Rows(self.runner, [now, *before], {hold.advisory for hold in holds if hold.advisory})
        repos, effects = decide(holds, rows, [effect for one in past for effect in one.holds])
        states = next(iter(rows))
        held = {
            name: self._make(mirrors[name], repo, states[name]) for name, repo in repos.items() if repo.why
        }
        if held:
            solved = {**now, **{name: self._published(tree) for name, tree in held.items()}}
            others = [list(trees.values()) for trees in (now, *before[:1])]
            refuse_broken(self.runner, _arches(states.values()), list(solved.values()), others, effects)
        return held, effects

    def _before(self, mirrors: Collection[str], past: Sequence[Manifest]) -> list[dict[str, Path]]:
        """The trees of earlier states, newest first; a repo that a snapshot lacks is as in the one before.

        So is one that lost something to the quarantine.
        """
        rows: list[dict[str, Path]] = []
        for one in reversed(past):
            parts = {name: part for name, part in one.repositories.items() if name in mirrors}
            row = {
                name: self.store.tree(name, part.tree)
                for name, part in parts.items()
                if is_whole(self.store, name, part.tree)
            }
            row = {**(rows[-1] if rows else {}), **row}
            if row and row not in rows[-1:]:
                rows.append(row)
        return rows[::-1]

    def _make(self, mirror: TreeRecord, repo: HeldRepo, state: State) -> HeldTree:
        """Describe the repo anew, and sign it. Raises InputError if there is no key."""
        name = mirror.repository
        if self.key is None:
            raise InputError(
                f"this is no longer what upstream signed ({'; '.join(repo.why)})",
                where=name,
                way_out="Give a signing_key for derived metadata",
            )
        sources = _sources(name, state, repo)
        derived = derive(self.runner, sources, self.scratch / f"{name}.derived")
        signature = sign(self.store, self.runner, derived, self.key, name)
        places = {package.file: state.tree for package in repo.take}
        places.update((package.file, before.tree) for before, package in repo.carried)
        if mirror.treeinfo:
            places.update(dict.fromkeys(_installer(state.tree), state.tree))
        carried_from = {before.tree.name for before, _package in repo.carried}
        records = [read_record(self.store, name, tree) for tree in carried_from]
        metadata = (derived.repomd, signature, *derived.files.values())
        record = replace(
            mirror,
            repomd_sha256=sha256(derived.repomd.read_bytes()),
            signature_sha256=sha256(signature.read_bytes()),
            packages=len(repo.take) + len(repo.carried),
            bytes=sum(file.size for file in places) + sum(path.stat().st_size for path in metadata),
            gpgcheck=mirror.gpgcheck and all(record is not None and record.gpgcheck for record in records),
            derived=(*mirror.derived, *repo.why),
            left_out=tuple(sorted({*mirror.left_out, *derived.left_out})),
        )
        packages = {href: _object(file, tree) for file, tree in places.items() for href in file.places}
        return HeldTree(record, derived, signature, packages)

    def _published(self, held: HeldTree) -> Path:
        """A tree of its metadata alone, for the solver."""
        tree = self.scratch / "held" / held.record.repository / held.record.tree
        (tree / REPOMD).parent.mkdir(parents=True)
        for href, path in ((REPOMD, held.derived.repomd), *held.derived.files.items()):
            os.link(path, tree / href)
        return tree


def _sources(name: str, state: State, repo: HeldRepo) -> list[Source]:
    """The mirror, and the earlier states that packages are carried out of."""
    carried: dict[State, list[Package]] = {}
    for before, package in repo.carried:
        carried.setdefault(before, []).append(package)
    sources = []
    for one, take in ((state, repo.take), *carried.items()):
        repomd = parse_repomd(one.tree / REPOMD, repository=name, weak=True)
        files = {record.file.href: one.tree / record.file.href for record in repomd.records}
        sources.append(Source(name, repomd, files, one.packages, take))
    return sources


def _installer(tree: Path) -> list[RemoteFile]:
    """The files of a tree that an installer boots from, which no package has to do with."""
    [info] = (tree / name for name in NAMES if (tree / name).is_file())
    content = info.read_bytes()
    images = parse_treeinfo(content, where=f"{tree.parent.name}: {info.name}", weak=True)
    files = [RemoteFile(href, *digest, (tree / href).stat().st_size) for href, digest in images.items()]
    return [RemoteFile(info.name, "sha256", sha256(content), len(content)), *files]


def _object(file: RemoteFile, tree: Path) -> str:
    """The sha256 of a file in a tree."""
    if file.algorithm == "sha256":
        return file.digest
    hasher = Hasher(file.algorithm)
    hasher.feed_file(tree / file.href)
    return hasher.sha256


def _arches(states: Iterable[State]) -> set[str]:
    """The architecture that most packages of each repo are for; this machine's, if all are noarch."""
    arches: set[str] = set()
    for state in states:
        counts = Counter(package.build.arch for package in state.packages)
        for independent in ("noarch", *SOURCE):
            del counts[independent]
        arches.update(arch for arch, _count in counts.most_common(1))
    return arches or {platform.machine()}
