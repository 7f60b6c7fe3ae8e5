# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Module streams: which of the offered packages a host sees, as libdnf filters them.

Packages of streams that are not active are hidden. So is every other package that has, or provides, the name
of a package in an active stream. Active is what is enabled, what is a default, and what those require; never
what is disabled.
"""

from __future__ import annotations

import tempfile
import typing as t
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metadata import unpack_record
from ansible_collections.osaas.fleet.plugins.module_utils._repo.modules import (
    Document,
    read_modules,
    streams,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import PackagePool, nevra

MODULE = "modulemd"
DEFAULTS = "modulemd-defaults"


class Streams:
    """The modules of the trees in a pool; what a choice of streams hides is worked out once."""

    def __init__(self, runner: Runner, packages: PackagePool) -> None:
        offered = [document for tree in packages.trees for document in _documents(runner, tree)]
        older = [document for tree in packages.older for document in _documents(runner, tree)]
        self._modules = [document for document in offered if document.kind == MODULE]
        self._defaults = {
            document.stream[0]: document.stream[1] for document in offered if document.kind == DEFAULTS
        }
        self._stream_of = streams([*offered, *older])
        self._arch = packages.arch
        self._offered = {one.id: nevra(one) for one in packages.offered} if self._modules else {}
        names = {_name(rpm) for document in self._modules for rpm in _binaries(document)}
        self._providers = {
            name: [one.id for one in packages.solv.whatprovides(packages.solv.str2id(name))] for name in names
        }
        self._hidden: dict[frozenset[tuple[str, str]], tuple[int, ...]] = {}

    @property
    def known(self) -> list[str]:
        """All streams that are offered (name:stream), sorted."""
        return sorted({":".join(document.stream) for document in self._modules})

    def hidden(self, packages: Iterable[Nevra], enabled: Sequence[str] | None) -> tuple[int, ...]:
        """Numbers of the offered packages that a host does not see which has these `enabled` (name:stream).

        A module that is disabled is among them, too (-name). Without `enabled`, they are the streams that its
        packages came from: dnf enables what it installs.
        """
        if not self._modules:
            return ()
        chosen = self._installed(packages) if enabled is None else [one.partition(":") for one in enabled]
        key = frozenset((name, stream) for name, _colon, stream in chosen)
        if key not in self._hidden:
            self._hidden[key] = self._hide(self._active(key))
        return self._hidden[key]

    def _active(self, chosen: Iterable[tuple[str, str]]) -> list[Document]:
        """The documents of the active streams; what has no stream is a disabled module."""
        disabled = {name[1:] for name, stream in chosen if not stream}
        enabled = {name: stream for name, stream in chosen if stream}
        able = [document for document in self._modules if document.stream[0] not in disabled]
        defaults = {name: stream for name, stream in self._defaults.items() if name not in disabled}
        return active_modules(able, enabled, defaults, self._arch)

    def _installed(self, packages: Iterable[Nevra]) -> list[tuple[str, str, str]]:
        """Of each module the stream that most of its installed packages came from."""
        counts = Counter(self._stream_of[name] for name in map(str, packages) if name in self._stream_of)
        by_module = {
            one.partition(":")[0]: one.partition(":") for one, _count in reversed(counts.most_common())
        }
        return list(by_module.values())

    def _hide(self, active: Sequence[Document]) -> tuple[int, ...]:
        shown = {rpm for document in active for rpm in document.artifacts}
        other = {rpm for document in self._modules for rpm in document.artifacts} - shown
        taken = {_name(rpm) for document in active for rpm in _binaries(document)}
        taken -= {name for document in active for name in _demodularized(document)}
        doubles = {number for name in taken for number in self._providers[name]}
        return tuple(
            number
            for number, name in self._offered.items()
            if name not in shown and (name in other or number in doubles or _name(name) in taken)
        )


def active_modules(
    modules: Sequence[Document], enabled: Mapping[str, str], defaults: Mapping[str, str], arch: str
) -> list[Document]:
    """The documents of the active streams, in the one context of each whose requirements are met.

    As libdnf does, libsolv chooses: a module of several streams or contexts conflicts with itself. What a
    module requires of the platform is taken to be met. A default that fits nowhere is left out.
    """
    pool = solv.Pool()
    pool.setarch(arch)
    repo = pool.add_repo("modules")
    for document in modules:
        _add(pool, repo, document)
    pool.createwhatprovides()
    wanted = {**defaults, **enabled}
    found = {document.stream for document in modules}
    jobs = {
        name: pool.Job(
            solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE_PROVIDES,
            pool.str2id(f"module({name}:{stream})"),
        )
        for name, stream in wanted.items()
        if (name, stream) in found
    }
    optional = {name for name in jobs if name not in enabled}
    for weak, best in ((set(), True), (optional, True), (optional, False), (set(jobs), False)):
        for name, job in jobs.items():
            job.how = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE_PROVIDES
            job.how |= (solv.Job.SOLVER_WEAK if name in weak else 0) | (
                solv.Job.SOLVER_FORCEBEST if best else 0
            )
        solver = pool.Solver()
        if not solver.solve(list(jobs.values())):
            active = {one.name for one in solver.transaction().newsolvables()}
            return [document for document in modules if _identity(document) in active]
    return []


def _add(pool: t.Any, repo: t.Any, document: Document) -> None:
    name, stream = document.stream
    one = repo.add_solvable()
    one.name, one.evr = _identity(document), str(document.data.get("version") or "0")
    one.arch = str(document.data.get("arch") or "noarch")
    for provided in (f"module({name})", f"module({name}:{stream})"):
        one.add_deparray(solv.SOLVABLE_PROVIDES, pool.str2id(provided))
    one.add_deparray(solv.SOLVABLE_CONFLICTS, pool.str2id(f"module({name})"))
    for other, choice in _requirements(document):
        for unwanted in (stream[1:] for stream in choice if stream.startswith("-")):
            one.add_deparray(solv.SOLVABLE_CONFLICTS, pool.str2id(f"module({other}:{unwanted})"))
        able = [f"module({other}:{stream})" for stream in choice if not stream.startswith("-")]
        required = f"({' or '.join(able)})" if len(able) > 1 else "".join(able) or f"module({other})"
        one.add_deparray(
            solv.SOLVABLE_REQUIRES,
            pool.parserpmrichdep(required) if len(able) > 1 else pool.str2id(required),
        )


def _requirements(document: Document) -> Iterable[tuple[str, list[str]]]:
    """Modules that must be active beside this one, each with the streams that will do (-x: all but x)."""
    for dependencies in document.data.get("dependencies") or ():
        for name, choice in (dependencies.get("requires") or {}).items():
            if name != "platform":
                yield name, list(choice or ())


def _documents(runner: Runner, tree: Path) -> list[Document]:
    with tempfile.TemporaryDirectory() as scratch:
        path = unpack_record(runner, tree, "modules", Path(scratch))
        return [] if path is None else read_modules(path, where=f"{tree.parent.name}: modules")


def _identity(document: Document) -> str:
    return ":".join((*document.stream, str(document.data.get("context") or "")))


def _binaries(document: Document) -> list[str]:
    return [rpm for rpm in document.artifacts if not rpm.endswith((".src", ".nosrc"))]


def _demodularized(document: Document) -> Collection[str]:
    rpms: Collection[str] = (document.data.get("demodularized") or {}).get("rpms") or ()
    return rpms


def _name(rpm: str) -> str:
    return rpm.rsplit("-", 2)[0]
