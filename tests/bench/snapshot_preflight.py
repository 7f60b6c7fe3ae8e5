# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight of 200 package sets against a snapshot: at 20,000 packages, sets have about 1,600 each."""

from __future__ import annotations

import gzip
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.solve import Universe

from bench.measure import Cost, Table

SETS = 200
T = TypeVar("T")
PACKAGE = (
    '<package type="rpm"><name>p{name}</name><arch>x86_64</arch><version epoch="0" ver="{version}" rel="1"/>'
    '<checksum type="sha256" pkgid="YES">{name:064x}</checksum><summary/><description/><packager/><url/>'
    '<time file="1" build="1"/><size package="1000" installed="2000" archive="2000"/>'
    '<location href="p{name}.rpm"/><format><rpm:license/><rpm:vendor/><rpm:group/><rpm:buildhost/>'
    '<rpm:sourcerpm>p{name}-{version}-1.src.rpm</rpm:sourcerpm><rpm:header-range start="1" end="2"/>'
    '<rpm:provides><rpm:entry name="p{name}" flags="EQ" epoch="0" ver="{version}" rel="1"/>'
    '<rpm:entry name="lib{name}.so.1()(64bit)"/></rpm:provides><rpm:requires>{requires}</rpm:requires>'
    "</format></package>\n"
)


class NoRunner:
    """gzip needs no program."""

    def run(self, *_arguments: Any, **_options: Any) -> Completed:
        raise AssertionError("nothing is to be run")

    def warn(self, message: str) -> None:
        raise AssertionError(message)


def make_tree(path: Path, version: str, requires: list[list[int]]) -> Path:
    """A repo that has metadata alone."""
    (path / "repodata").mkdir(parents=True)
    primary = path / "repodata" / "primary.xml.gz"
    space = "http://linux.duke.edu/metadata"
    with gzip.open(primary, "wt", compresslevel=1) as out:
        out.write(f'<metadata xmlns="{space}/common" xmlns:rpm="{space}/rpm" packages="{len(requires)}">\n')
        for name, needs in enumerate(requires):
            entries = "".join(f'<rpm:entry name="lib{need}.so.1()(64bit)"/>' for need in needs)
            out.write(PACKAGE.format(name=name, version=version, requires=entries))
        out.write("</metadata>\n")
    record = createrepo_c.RepomdRecord("primary", str(primary))
    record.fill(createrepo_c.SHA256)
    record.location_href = "repodata/primary.xml.gz"
    repomd = createrepo_c.Repomd()
    repomd.set_record(record)
    (path / "repodata" / "repomd.xml").write_text(repomd.xml_dump())
    return path


def package_set(dice: random.Random, requires: list[list[int]]) -> set[Nevra]:
    """Some packages and all that they require, in the old version."""
    todo, found = [dice.randrange(1000, 2500) for _ in range(8)], set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += requires[name]
    return {Nevra(f"p{name}", 0, "1", "1", "x86_64") for name in found}


def run(work: Path, packages: int) -> list[Table]:
    """See __main__.py."""
    dice = random.Random(3)
    requires = [[dice.randrange(name) for _ in range(min(name, 12))] for name in range(packages)]
    sets = [package_set(dice, requires) for _ in range(SETS)]
    old, new = (make_tree(work / "os" / one, one, requires) for one in ("1", "2"))
    wanted = {one for each in sets for one in each}
    rows: dict[str, Cost] = {}
    for state in ("from XML", "from its cache"):
        universe = _timed(rows, f"load {state}", lambda: Universe(NoRunner(), "x86_64", [new], [old], wanted))
    assert not _timed(rows, "closure", universe.broken)
    solved = _timed(rows, f"{SETS} sets", lambda: [universe.distro_sync(one) for one in sets])
    assert all(len(done.upgrade) == len(one) for done, one in zip(solved, sets, strict=True))
    mean = len(sets) and sum(map(len, sets)) // len(sets)
    title = f"preflight of {SETS} package sets of {mean} packages against {packages}"
    return [Table(title, f"{SETS} sets", rows)]


def _timed(rows: dict[str, Cost], name: str, work: Callable[[], T]) -> T:
    wall, cpu = time.monotonic(), time.process_time()
    done = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows[name] = Cost(time.monotonic() - wall, time.process_time() - cpu, peak)
    return done
