# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages: fetched by apt into a directory of our own, and what their control files say."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from .apt import Apt
from .cache import DistroError, Progress, digest, sweep, write_atomic
from .command import run
from .flavour import Flavour
from .versions import Clause, Evr, clauses, evr


@dataclass(frozen=True)
class Deb:
    """One Debian package file and its control fields."""

    path: Path
    name: str
    version: str
    source: str
    source_version: str
    arch: str
    summary: str
    description: str
    requires: tuple[Clause, ...]
    recommends: tuple[Clause, ...]
    provides: tuple[Clause, ...]

    @property
    def evr(self) -> Evr:
        return evr(self.version)


def fetch(flavour: Flavour, debs: Path, progress: Progress) -> list[Path]:
    """The package files of a flavour and of all they depend on, downloaded below `debs` once and kept.

    What the flavour's lists once resolved to stays, whatever its suite offers later. Raises DistroError.
    """
    wanted = sorted(set(flavour.named))
    place = debs / digest(flavour.suite, *wanted, "and what is recommended by", *flavour.demanding)
    complete = place / "complete"
    if not complete.exists():
        progress(f"fetching packages of Debian's suite {flavour.suite}")
        _download(flavour, wanted, Apt(flavour.suite, place))
        write_atomic(complete, "\n".join(wanted))
        shutil.rmtree(place / "lists")
    sweep(debs, [place])
    return sorted((place / "archives").glob("*.deb"))


def _download(flavour: Flavour, wanted: list[str], apt: Apt) -> None:
    """Download `wanted`; once more from a new list if that fails: a mirror may change in between."""

    def attempt() -> None:
        apt.update()
        demanding = [_described(control(apt.show(name)), Path()) for name in flavour.demanding]
        more = {name for one in demanding for name in recommended(one, flavour.dropped)}
        apt.download(sorted({*wanted, *more}))

    try:
        attempt()
    except DistroError:
        try:
            attempt()
        except DistroError as error:
            raise DistroError(f"cannot fetch the packages of {flavour.name}: {error}") from error


def recommended(deb: Deb, dropped: Collection[str]) -> list[str]:
    """The packages that `deb` recommends, of alternatives the first, but for what is `dropped`."""
    return [clause[0].name for clause in deb.recommends if not any(word.name in dropped for word in clause)]


def read(path: Path) -> Deb:
    """The control fields of the package file `path`."""
    return _described(control(run(["dpkg-deb", "--field", str(path)])), path)


def _described(fields: Mapping[str, str], path: Path) -> Deb:
    source, _, source_version = fields.get("Source", fields["Package"]).partition(" ")
    summary, _, description = fields.get("Description", fields["Package"]).partition("\n")
    return Deb(
        path=path,
        name=fields["Package"],
        version=fields["Version"],
        source=source,
        source_version=source_version.strip("()") or fields["Version"],
        arch={"all": "noarch", "amd64": "x86_64"}.get(fields["Architecture"], fields["Architecture"]),
        summary=summary,
        description=description or summary,
        requires=tuple(clauses(fields.get("Pre-Depends", "")) + clauses(fields.get("Depends", ""))),
        recommends=tuple(clauses(fields.get("Recommends", ""))),
        provides=tuple(clauses(fields.get("Provides", ""))),
    )


def demanding(deb: Deb) -> Deb:
    """`deb` as if it required what it recommends."""
    return replace(deb, requires=(*deb.requires, *deb.recommends))


def control(text: str) -> dict[str, str]:
    """The fields of a control file; continued lines lose their indentation."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] += "\n" + line.strip()
        elif line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def closure(roots: Iterable[str], debs: Mapping[str, Deb]) -> list[Deb]:
    """What of `debs` (by name) the packages `roots` need, sorted by name.

    Of alternatives the first that is there counts; a name of `debs` goes before one that is only provided.
    """
    owners = {word.name: deb.name for deb in debs.values() for clause in deb.provides for word in clause}
    owners.update({name: name for name in debs})
    todo, kept = list(roots), set[str]()
    while todo:
        name = todo.pop()
        if name not in kept:
            kept.add(name)
            for clause in debs[name].requires:
                todo += [owners[word.name] for word in clause if word.name in owners][:1]
    return [debs[name] for name in sorted(kept)]
