# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight of 200 package sets against a snapshot: at 20,000 packages, sets have about 1,600 each.

The snapshot has another version of everything. Some sets have leaf packages that it breaks, by a library that
lost its name or by a conflict, or that it replaces; every host has three kernels and gets a fourth.
"""

from __future__ import annotations

import gzip
import random
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.solve import Universe

from bench.measure import Cost, Table

SETS = 200
LEAVES = 300  # packages, the last ones, that nothing requires
OLD, NEW = "1", "2"
T = TypeVar("T")
PACKAGE = (
    '<package type="rpm"><name>{name}</name><arch>x86_64</arch><version epoch="0" ver="{version}" rel="1"/>'
    '<checksum type="sha256" pkgid="YES">{digest:064x}</checksum><summary/><description/><packager/><url/>'
    '<time file="1" build="{version}"/><size package="1000" installed="2000" archive="2000"/>'
    '<location href="{name}-{version}.rpm"/><format><rpm:license/><rpm:vendor/><rpm:group/><rpm:buildhost/>'
    '<rpm:sourcerpm>{name}-{version}-1.src.rpm</rpm:sourcerpm><rpm:header-range start="1" end="2"/>'
    '<rpm:provides><rpm:entry name="{name}" flags="EQ" epoch="0" ver="{version}" rel="1"/>{provides}'
    "</rpm:provides>{relations}</format></package>\n"
)
KERNELS = tuple(Nevra("kernel-core", 0, version, "1", "x86_64") for version in "567")


@dataclass(frozen=True)
class World:
    """`requires` is what each package, by its number, needs; the new version breaks leaves in three ways."""

    requires: tuple[tuple[int, ...], ...]

    @property
    def leaves(self) -> range:
        """Numbers of the packages that nothing requires."""
        return range(len(self.requires) - LEAVES, len(self.requires))

    def lines(self, version: str) -> Iterator[str]:
        """The packages of one version, as primary.xml has them."""
        for number, needs in enumerate(self.requires):
            relations = [_list("requires", [*map(_library, needs), *self._rich(number)])]
            broken = version == NEW and number in self.leaves
            if broken and number % 3 == 0:
                relations = [_list("requires", ["lost.so.1()(64bit)"])]
            elif broken and number % 3 == 1:
                relations.append(_list("conflicts", [f"p{needs[0]}"]))
            elif broken:
                yield _package(f"q{number}", version, number, [], [_list("obsoletes", [f"p{number}"])])
                continue
            yield _package(f"p{number}", version, number, [_library(number)], relations)
        for kernel in KERNELS if version == OLD else (KERNELS[0]._replace(version="8"),):
            yield _package(kernel.name, kernel.version, int(kernel.version), ["installonlypkg(kernel)"], [])

    def _rich(self, number: int) -> list[str]:
        return [f"(p{number // 2} if p{number // 3})"] if number % 50 == 1 and number < 1000 else []

    def package_set(self, dice: random.Random) -> set[Nevra]:
        """Some packages and all that they require, in the old version, and three kernels."""
        todo = [dice.randrange(1000, 2500) for _ in range(8)]
        todo += dice.sample(self.leaves, dice.choice((0, 0, 1, 2)))
        found: set[int] = set()
        while todo:
            number = todo.pop()
            if number not in found:
                found.add(number)
                todo += self.requires[number]
        return {Nevra(f"p{number}", 0, OLD, "1", "x86_64") for number in found} | set(KERNELS)


def make_world(dice: random.Random, packages: int) -> World:
    """Every package requires up to 12 of those before it; leaves lean on the ones that hosts have anyway."""
    limits = [*range(packages - LEAVES), *[1000] * LEAVES]
    return World(tuple(tuple(dice.randrange(limit) for _ in range(min(limit, 12))) for limit in limits))


def _package(name: str, version: str, number: int, provides: list[str], relations: list[str]) -> str:
    entries = "".join(f'<rpm:entry name="{one}"/>' for one in provides)
    return PACKAGE.format(
        name=name, version=version, digest=number, provides=entries, relations="".join(relations)
    )


def _list(kind: str, names: list[str]) -> str:
    entries = "".join(f'<rpm:entry name="{name}"/>' for name in names)
    return f"<rpm:{kind}>{entries}</rpm:{kind}>"


def _library(number: int) -> str:
    return f"lib{number}.so.1()(64bit)"


class NoRunner:
    """gzip needs no program."""

    def run(self, *_arguments: Any, **_options: Any) -> Completed:
        raise AssertionError("nothing is to be run")

    def warn(self, message: str) -> None:
        raise AssertionError(message)


def make_tree(path: Path, lines: list[str]) -> Path:
    """A repo that has metadata alone."""
    (path / "repodata").mkdir(parents=True)
    primary = path / "repodata" / "primary.xml.gz"
    space = "http://linux.duke.edu/metadata"
    with gzip.open(primary, "wt", compresslevel=1) as out:
        out.write(f'<metadata xmlns="{space}/common" xmlns:rpm="{space}/rpm" packages="{len(lines)}">\n')
        out.writelines(lines)
        out.write("</metadata>\n")
    record = createrepo_c.RepomdRecord("primary", str(primary))
    record.fill(createrepo_c.SHA256)
    record.location_href = "repodata/primary.xml.gz"
    repomd = createrepo_c.Repomd()
    repomd.set_record(record)
    (path / "repodata" / "repomd.xml").write_text(repomd.xml_dump())
    return path


def run(work: Path, packages: int) -> list[Table]:
    """See __main__.py."""
    dice = random.Random(3)
    world = make_world(dice, packages)
    sets = [world.package_set(dice) for _ in range(SETS)]
    old, new = (make_tree(work / "os" / version, list(world.lines(version))) for version in (OLD, NEW))
    wanted = {one for each in sets for one in each}
    rows: dict[str, Cost] = {}
    for state in ("from XML", "from its cache"):
        universe = _timed(rows, f"load {state}", lambda: Universe(NoRunner(), "x86_64", [new], [old], wanted))
    assert len(_timed(rows, "closure", universe.broken)) == LEAVES // 3
    solved = _timed(rows, f"{SETS} sets", lambda: [universe.distro_sync(one) for one in sets])
    assert all(done.solved and done.expire for done in solved)
    mean = sum(map(len, sets)) // len(sets)
    hit = sum(bool(done.remove) for done in solved)
    title = (
        f"preflight of {SETS} package sets of {mean} packages against {packages}; {hit} would lose packages"
    )
    return [Table(title, f"{SETS} sets", rows)]


def _timed(rows: dict[str, Cost], name: str, work: Callable[[], T]) -> T:
    wall, cpu = time.monotonic(), time.process_time()
    done = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows[name] = Cost(time.monotonic() - wall, time.process_time() - cpu, peak)
    return done
