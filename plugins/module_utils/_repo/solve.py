# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Solving with libsolv: a pool of packages that is loaded once, for many package sets.

The packages of a set are copied into the pool's one installed repo, solved, and taken out again; a copy
costs milliseconds, for names and relations are numbers that the pool knows already.
"""

from __future__ import annotations

import os
import tempfile
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metadata import unpack_record

RELATIONS = ("PROVIDES", "REQUIRES", "CONFLICTS", "OBSOLETES", "RECOMMENDS", "SUPPLEMENTS")
# As dnf sets libsolv up (libdnf's Goal), so that what is foretold here is what a host does.
FLAGS = ("ALLOW_VENDORCHANGE", "KEEP_ORPHANS", "BEST_OBEY_POLICY", "YUM_OBSOLETES")
# dnf's installonlypkgs: a new version comes beside the old one.
INSTALL_ONLY = (
    "kernel",
    "kernel-core",
    "kernel-modules",
    "kernel-modules-core",
    "kernel-modules-extra",
    "kernel-devel",
    "installonlypkg(kernel)",
    "installonlypkg(kernel-module)",
)


@dataclass(frozen=True)
class Transaction:
    """What a distro-sync does: NEVRAs by what happens to them; `upgrade` and `downgrade` name the new ones.

    `replace` is what something else obsoletes. `download` is in bytes, `reasons` say why not everything could
    be kept (with `solved`, a way was found that removes packages) or why there is no way at all.
    """

    solved: bool
    install: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    downgrade: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    download: int = 0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Broken:
    """A package whose requirement cannot be met; `reasons` is the chain down to what is missing."""

    package: str
    requirement: str
    reasons: tuple[str, ...]


class Universe:
    """The packages that hosts of one architecture can have: `trees` are offered.

    Packages of `wanted` that these lack are looked up in the `older` trees, one after the other; they can be
    installed, but are not offered.
    """

    def __init__(
        self, runner: Runner, arch: str, trees: Sequence[Path], older: Iterable[Path], wanted: Iterable[Nevra]
    ) -> None:
        self._runner = runner
        self._pool = solv.Pool()
        self._pool.setarch(arch)
        offered = [self._load(tree) for tree in trees]
        missing = {str(one) for one in wanted}
        sources: dict[str, t.Any] = {}
        passed = []
        for repo in offered:
            self._find(repo, missing, sources)
        for tree in older:
            if not missing:
                break
            if tree not in trees:
                passed.append(self._load(tree))
                self._find(passed[-1], missing, sources)
        self._provide([*trees], offered)
        self._recipes = {name: _recipe(one) for name, one in sources.items()}
        del sources
        for repo in passed:
            repo.free(True)
        self._pool.createwhatprovides()

    @property
    def known(self) -> frozenset[str]:
        """The wanted packages that were found in a tree."""
        return frozenset(self._recipes)

    def distro_sync(self, packages: Iterable[Nevra]) -> Transaction:
        """Solve a distro-sync of a host with these packages. What no tree has is taken as it is named."""
        system = self._pool.add_repo("@System")
        for package in packages:
            self._install(system, package)
        system.internalize()
        self._pool.installed = system
        self._pool.createwhatprovides()
        try:
            return self._solve()
        finally:
            self._pool.installed = None
            system.free(True)

    def broken(self) -> list[Broken]:
        """Packages that cannot be installed, for nothing that can be installed provides what they require.

        Requirements with conditions are left to the solver.
        """
        pool = self._pool
        providers: dict[int, list[t.Any]] = {}
        faults: dict[int, tuple[t.Any, t.Any]] = {}
        users: dict[int, list[tuple[t.Any, t.Any]]] = {}
        todo = []
        for one in pool.solvables:
            if not one.installable():
                continue
            for dep in one.lookup_deparray(solv.SOLVABLE_REQUIRES):
                if dep.id not in providers:
                    providers[dep.id] = [] if _is_inner(dep) else pool.whatprovides(dep)
                if _is_inner(dep):
                    continue
                users.setdefault(dep.id, []).append((one, dep))
                if not providers[dep.id] and one.id not in faults:
                    faults[one.id] = (one, dep)
                    todo.append(one)
        provided = _users_by_provider(providers, users)
        while todo:
            gone = todo.pop()
            for dep_id in provided.get(gone.id, ()):
                if all(other.id in faults for other in providers[dep_id]):
                    for user, dep in users[dep_id]:
                        if user.id not in faults:
                            faults[user.id] = (user, dep)
                            todo.append(user)
        return [_broken(one, dep, faults, providers) for one, dep in faults.values()]

    def _load(self, tree: Path) -> t.Any:
        """The packages of a tree, out of libsolv's own format if an earlier run left it beside the record."""
        repo = self._pool.add_repo(tree.parent.name)
        cache = tree.with_name(f"{tree.name}.solv")
        if cache.is_file():
            stream = solv.xfopen(str(cache))
            if repo.add_solv(stream, 0):
                stream.close()
                return repo
            repo.empty()
        self._add(repo, tree, "primary", None, 0)
        self._keep(repo, cache)
        return repo

    def _add(self, repo: t.Any, tree: Path, kind: str, language: str | None, flags: int) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = unpack_record(self._runner, tree, kind, Path(scratch))
            if path is None:
                return
            stream = solv.xfopen(str(path))
            if not repo.add_rpmmd(stream, language, flags):
                raise StoreError(f"libsolv cannot read it: {self._pool.errstr}", where=f"{tree}: {kind}")
            stream.close()

    def _keep(self, repo: t.Any, cache: Path) -> None:
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

    def _find(self, repo: t.Any, missing: set[str], sources: dict[str, t.Any]) -> None:
        for one in repo.solvables:
            name = nevra(one)
            if name in missing:
                missing.discard(name)
                sources[name] = one

    def _provide(self, trees: Sequence[Path], offered: Sequence[t.Any]) -> None:
        """Let packages provide files that others require; reads file lists only if primary lacks one."""
        pool = self._pool
        pool.addfileprovides()
        pool.createwhatprovides()
        ids = {
            number
            for one in pool.solvables
            for number in one.lookup_idarray(solv.SOLVABLE_REQUIRES)
            if pool.id2str(number).startswith("/")
        }
        if all(pool.whatprovides(number) for number in ids):
            return
        for tree, repo in zip(trees, offered):
            self._add(repo, tree, "filelists", "FL", solv.Repo.REPO_EXTEND_SOLVABLES)
        pool.addfileprovides()
        pool.createwhatprovides()

    def _install(self, system: t.Any, package: Nevra) -> None:
        one = system.add_solvable()
        recipe = self._recipes.get(str(package))
        if recipe is None:
            one.name, one.arch, one.evr = package.name, package.arch, package.evr.removeprefix("0:")
            equal = self._pool.rel2id(one.nameid, one.evrid, solv.REL_EQ)
            one.add_deparray(solv.SOLVABLE_PROVIDES, equal)
            return
        one.nameid, one.evrid, one.archid, one.vendorid = recipe.ids
        for key, dep in recipe.relations:
            one.add_deparray(key, dep)

    def _solve(self) -> Transaction:
        pool = self._pool
        jobs = [pool.Job(solv.Job.SOLVER_DISTUPGRADE | solv.Job.SOLVER_SOLVABLE_ALL, 0)]
        several = solv.Job.SOLVER_MULTIVERSION | solv.Job.SOLVER_SOLVABLE_PROVIDES
        jobs += [pool.Job(several, pool.str2id(name)) for name in INSTALL_ONLY]
        strict = self._solver()
        problems = strict.solve(jobs)
        if not problems:
            return _transaction(strict.transaction(), ())
        reasons = tuple(dict.fromkeys(reason for problem in problems for reason in _reasons(problem)))
        lenient = self._solver(solv.Solver.SOLVER_FLAG_ALLOW_UNINSTALL)
        if lenient.solve(jobs):
            return Transaction(solved=False, reasons=reasons)
        return _transaction(lenient.transaction(), reasons)

    def _solver(self, *more: int) -> t.Any:
        solver = self._pool.Solver()
        for flag in (*(getattr(solv.Solver, f"SOLVER_FLAG_{name}") for name in FLAGS), *more):
            solver.set_flag(flag, 1)
        return solver


class _Recipe(t.NamedTuple):
    """A package as numbers of the pool: name, EVR, arch, vendor; and its relations, each with its kind."""

    ids: tuple[int, int, int, int]
    relations: list[tuple[int, int]]


def nevra(one: t.Any) -> str:
    """The name of a libsolv package, with its epoch."""
    evr = one.evr if ":" in one.evr else f"0:{one.evr}"
    return f"{one.name}-{evr}.{one.arch}"


def _recipe(one: t.Any) -> _Recipe:
    markers = (solv.SOLVABLE_FILEMARKER, solv.SOLVABLE_PREREQMARKER)
    relations = []
    for key in (getattr(solv, f"SOLVABLE_{name}") for name in RELATIONS):
        deps = one.lookup_deparray(key, 0)  # 0: with what stands behind the markers
        relations += [(key, dep.id) for dep in deps if dep.id not in markers]
    return _Recipe((one.nameid, one.evrid, one.archid, one.vendorid), relations)


def _is_inner(dep: t.Any) -> bool:
    """Whether rpm itself provides it, or it has conditions."""
    text = str(dep)
    return text.startswith(("rpmlib(", "(", "solvable:")) or " IF " in text or " UNLESS " in text


def _users_by_provider(
    providers: Mapping[int, Sequence[t.Any]], users: Mapping[int, t.Any]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for dep_id in users:
        for one in providers[dep_id]:
            found.setdefault(one.id, []).append(dep_id)
    return found


def _broken(
    one: t.Any,
    dep: t.Any,
    faults: Mapping[int, tuple[t.Any, t.Any]],
    providers: Mapping[int, Sequence[t.Any]],
) -> Broken:
    package, requirement = nevra(one), str(dep)
    reasons, seen = [], set()
    while one.id not in seen:
        seen.add(one.id)
        able = providers[dep.id]
        if not able:
            reasons.append(f"nothing provides {dep} needed by {nevra(one)}")
            break
        reasons.append(f"{nevra(one)} requires {dep}, which only {nevra(able[0])} provides")
        one, dep = faults[able[0].id]
    return Broken(package, requirement, tuple(reasons))


def _reasons(problem: t.Any) -> Iterable[str]:
    infos = [info for rule in problem.findallproblemrules() for info in rule.allinfos()]
    # Jobs and update rules only say that the package was to be kept.
    package = [info for info in infos if info.type & 0xFF00 == solv.Solver.SOLVER_RULE_PKG]
    return [info.problemstr() for info in package or infos]


def _transaction(transaction: t.Any, reasons: tuple[str, ...]) -> Transaction:
    kinds = solv.Transaction
    names: dict[int, list[str]] = {}
    mode = kinds.SOLVER_TRANSACTION_SHOW_OBSOLETES | kinds.SOLVER_TRANSACTION_CHANGE_IS_REINSTALL
    active = kinds.SOLVER_TRANSACTION_SHOW_ACTIVE | mode
    gone = []
    for one in transaction.steps():
        step = transaction.steptype(one, active)
        names.setdefault(step, []).append(nevra(one))
        if one.isinstalled():
            gone.append((one, transaction.steptype(one, mode)))

    def told(*steps: int) -> tuple[str, ...]:
        return tuple(sorted(name for step in steps for name in names.get(step, ())))

    def left(step: int) -> tuple[str, ...]:
        return tuple(sorted(nevra(one) for one, kind in gone if kind == step))

    return Transaction(
        solved=True,
        install=told(
            kinds.SOLVER_TRANSACTION_INSTALL,
            kinds.SOLVER_TRANSACTION_MULTIINSTALL,
            kinds.SOLVER_TRANSACTION_OBSOLETES,
        ),
        upgrade=told(kinds.SOLVER_TRANSACTION_UPGRADE),
        downgrade=told(kinds.SOLVER_TRANSACTION_DOWNGRADE),
        replace=left(kinds.SOLVER_TRANSACTION_OBSOLETED),
        remove=left(kinds.SOLVER_TRANSACTION_ERASE),
        download=sum(one.lookup_num(solv.SOLVABLE_DOWNLOADSIZE) for one in transaction.newsolvables()),
        reasons=reasons,
    )
