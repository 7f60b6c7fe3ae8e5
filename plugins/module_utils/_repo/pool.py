# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The packages of trees in one pool of libsolv, loaded once for many hosts.

The packages of a host are copied into the pool's one installed repo, and taken out again; a copy costs
milliseconds, for names and relations are numbers that the pool knows already.
"""

from __future__ import annotations

import os
import re
import tempfile
import typing as t
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metadata import unpack_record

RELATIONS = ("PROVIDES", "REQUIRES", "CONFLICTS", "OBSOLETES", "RECOMMENDS", "SUPPLEMENTS")
FILE = re.compile(r"(?:^|(?<=[\s(]))/[^\s()]+")  # in a requirement, which may have conditions


class Recipe(t.NamedTuple):
    """A package as numbers of the pool: name, EVR, arch, vendor; and its relations, each with its kind.

    `built` is in seconds since 1970: by it libsolv tells whether two packages of one name are one build.
    """

    ids: tuple[int, int, int, int]
    relations: tuple[tuple[int, int], ...]
    built: int
    installed_bytes: int


class PackagePool:
    """The packages that hosts of one architecture can have: those of `trees` are offered.

    Packages of `wanted` that these lack are looked up in the `older` trees, one after the other; they can be
    installed, but are not offered.
    """

    def __init__(
        self, runner: Runner, arch: str, trees: Sequence[Path], older: Iterable[Path], wanted: Iterable[Nevra]
    ) -> None:
        self._runner = runner
        self.arch = arch
        self.trees = tuple(trees)
        self.solv = solv.Pool()
        self.solv.setarch(arch)
        # As Fedora and its kin build libsolv: one name can be installed for two architectures.
        self.solv.set_flag(solv.Pool.POOL_FLAG_IMPLICITOBSOLETEUSESCOLORS, 1)
        missing = {str(one) for one in wanted}
        # Where two ways are equally good libsolv takes the one that it comes to first: as with dnf, a host's
        # packages come before those offered. What a host has less than all hosts together are gaps.
        self._system = self.solv.add_repo("@System")
        self._slots = [self._system.add_solvable() for _package in missing]
        self._times = self._system.add_repodata()
        for slot in self._slots:
            _clear(slot)
        loaded = {tree: self._load(tree) for tree in trees}
        sources = {name: one for repo in loaded.values() for name, one in _take(repo, missing)}
        passed = {}
        for tree in dict.fromkeys(older):
            if not missing:
                break
            if tree not in loaded:
                repo = self._load(tree)
                found = dict(_take(repo, missing))
                if found:
                    passed[tree] = repo
                    sources.update(found)
                else:
                    repo.free(True)
        self._provide_files({**loaded, **passed})
        self._recipes = {name: _recipe(one) for name, one in sources.items()}
        del sources
        self.older = tuple(passed)
        for repo in passed.values():
            repo.free(True)
        self.offered = tuple(one for repo in loaded.values() for one in repo.solvables)
        self.offered_ids = tuple(one.id for one in self.offered)
        self.solv.createwhatprovides()

    @property
    def known(self) -> frozenset[str]:
        """The wanted packages that were found in a tree."""
        return frozenset(self._recipes)

    def installed_bytes(self, name: str) -> int:
        """What an installed package takes on disk, 0 if no tree has it."""
        recipe = self._recipes.get(name)
        return recipe.installed_bytes if recipe else 0

    @contextmanager
    def host(self, packages: Iterable[Nevra], hidden: Sequence[int] = ()) -> Iterator[t.Any]:
        """A host that has these of the wanted packages, and does not see what is `hidden` (numbers).

        What no tree has is taken as it is named, and to require nothing.
        """
        # Of two packages that cannot stay together, the order decides which one goes: libsolv reads
        # a host's database by name.
        used = list(zip(self._slots, sorted(packages)))
        try:
            for slot, package in used:
                self._install(slot, package)
            self._system.internalize()
            self.solv.installed = self._system
            self.solv.set_disabled_list(list(hidden))
            self.solv.createwhatprovides()
            yield self._system
        finally:
            self.solv.set_disabled_list([])
            self.solv.installed = None
            for slot, _package in used:
                _clear(slot)

    def _load(self, tree: Path) -> t.Any:
        """The packages of a tree, out of libsolv's own format if an earlier run left it beside the record."""
        repo = self.solv.add_repo(tree.parent.name)
        cache = tree.with_name(f"{tree.name}.solv")
        if cache.is_file():
            stream = solv.xfopen(str(cache))
            if repo.add_solv(stream, 0):
                stream.close()
                return repo
            repo.empty()
        self._add(repo, tree, "primary", None, 0)
        _keep(repo, cache)
        return repo

    def _add(self, repo: t.Any, tree: Path, kind: str, language: str | None, flags: int) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = unpack_record(self._runner, tree, kind, Path(scratch))
            if path is None:
                return
            stream = solv.xfopen(str(path))
            if not repo.add_rpmmd(stream, language, flags):
                raise StoreError(f"libsolv cannot read it: {self.solv.errstr}", where=f"{tree}: {kind}")
            stream.close()

    def _provide_files(self, loaded: t.Mapping[Path, t.Any]) -> None:
        """Let packages provide files that others require; reads file lists only if primary lacks one."""
        self.solv.addfileprovides()
        self.solv.createwhatprovides()
        if all(self.solv.whatprovides(self.solv.str2id(file)) for file in self._required_files()):
            return
        for tree, repo in loaded.items():
            self._add(repo, tree, "filelists", "FL", solv.Repo.REPO_EXTEND_SOLVABLES)
        self.solv.addfileprovides()
        self.solv.createwhatprovides()

    def _required_files(self) -> set[str]:
        numbers = {
            number for one in self.solv.solvables for number in one.lookup_idarray(solv.SOLVABLE_REQUIRES)
        }
        return {file for number in numbers for file in FILE.findall(self.solv.dep2str(number))}

    def _install(self, one: t.Any, package: Nevra) -> None:
        recipe = self._recipes.get(str(package))
        if recipe is None:
            one.name, one.arch, one.evr = package.name, package.arch, package.evr.removeprefix("0:")
            equal = self.solv.rel2id(one.nameid, one.evrid, solv.REL_EQ)
            one.add_deparray(solv.SOLVABLE_PROVIDES, equal)
            return
        one.nameid, one.evrid, one.archid, one.vendorid = recipe.ids
        for key, dep in recipe.relations:
            one.add_deparray(key, dep)
        self._times.set_num(one.id, solv.SOLVABLE_BUILDTIME, recipe.built)


def _clear(slot: t.Any) -> None:
    """Make it a package that nothing knows, and that knows nothing."""
    slot.name, slot.evr, slot.arch = "gap", "0", "noarch"
    for kind in RELATIONS:
        slot.unset(getattr(solv, f"SOLVABLE_{kind}"))


def nevra(one: t.Any) -> str:
    """The name of a libsolv package, with its epoch."""
    evr = one.evr if ":" in one.evr else f"0:{one.evr}"
    return f"{one.name}-{evr}.{one.arch}"


def _take(repo: t.Any, missing: set[str]) -> Iterator[tuple[str, t.Any]]:
    """The packages of a repo that are still missing, and no longer are."""
    for one in repo.solvables:
        name = nevra(one)
        if name in missing:
            missing.discard(name)
            yield name, one


def _recipe(one: t.Any) -> Recipe:
    markers = (solv.SOLVABLE_FILEMARKER, solv.SOLVABLE_PREREQMARKER)
    relations = tuple(
        (key, dep.id)
        for key in (getattr(solv, f"SOLVABLE_{name}") for name in RELATIONS)
        for dep in one.lookup_deparray(key, 0)  # 0: with what stands behind the markers
        if dep.id not in markers
    )
    ids = (one.nameid, one.evrid, one.archid, one.vendorid)
    built, size = (one.lookup_num(key) for key in (solv.SOLVABLE_BUILDTIME, solv.SOLVABLE_INSTALLSIZE))
    return Recipe(ids, relations, built, size)


def _keep(repo: t.Any, cache: Path) -> None:
    """The cache spares work and nothing else: who may not write there does without."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{cache.name}.", dir=cache.parent)
        os.close(handle)
        stream = solv.xfopen(name, "w")
        written = repo.write(stream)
        stream.close()
        if written:
            Path(name).chmod(0o644)
            Path(name).replace(cache)
    except OSError:
        return
