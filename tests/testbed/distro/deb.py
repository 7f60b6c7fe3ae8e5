# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages: fetched by apt into a directory of our own, and what their control files say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .cache import DistroError, digest, new_directory, write_atomic
from .command import run
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
    provides: tuple[Clause, ...]

    @property
    def evr(self) -> Evr:
        return evr(self.version)


def fetch(names: Iterable[str], place: Path) -> list[Path]:
    """The package files of `names` and of all they depend on, downloaded into `place` once and kept.

    apt reads the machine's sources and writes nowhere but here. Raises DistroError if it cannot.
    """
    wanted = sorted(names)
    stamp, key = place / "names", digest(*wanted)
    if not stamp.exists() or stamp.read_text() != key:
        with new_directory(place) as beside:
            (beside / "archives" / "partial").mkdir(parents=True)
            _download(wanted, beside)
            write_atomic(beside / "names", key)
    return sorted((place / "archives").glob("*.deb"))


def _download(names: list[str], cache: Path) -> None:
    options = {"Dir::State::status": "/dev/null", "Dir::Cache": str(cache), "Debug::NoLocking": "1",
               "APT::Sandbox::User": "root", "APT::Install-Recommends": "0"}
    flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    try:
        run(["apt-get", "-qq", "-y", *flags, "--download-only", "install", *names])
    except DistroError as error:
        raise DistroError(
            f"cannot fetch the Debian packages of the testbed ({error}); check the network, then `apt-get update`"
        ) from error


def read(path: Path) -> Deb:
    """The control fields of the package file `path`."""
    fields = control(run(["dpkg-deb", "--field", str(path)]))
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
        provides=tuple(clauses(fields.get("Provides", ""))),
    )


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
    """What of `debs` (by name) the packages `roots` reach through the first alternative that is there, by name."""
    virtual = {relation.name: deb.name for deb in debs.values() for clause in deb.provides for relation in clause}
    todo, kept = list(roots), set[str]()
    while todo:
        name = todo.pop()
        if name in kept:
            continue
        kept.add(name)
        for clause in debs[name].requires:
            hits = (relation.name if relation.name in debs else virtual.get(relation.name) for relation in clause)
            todo += [hit for hit in hits if hit][:1]
    return [debs[name] for name in sorted(kept)]
