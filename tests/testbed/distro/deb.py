# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages: fetched by apt into a directory of our own, and what their control files say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .cache import DistroError, Progress, digest, sweep, write_atomic
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


def fetch(names: Iterable[str], debs: Path, progress: Progress) -> list[Path]:
    """The package files of `names` and of all they depend on, downloaded below `debs` once and kept.

    What a list of names once resolved to stays, whatever the mirror offers later. apt reads the machine's
    sources and writes nowhere but here. Raises DistroError if it cannot.
    """
    wanted = sorted(names)
    place = debs / digest(*wanted)
    complete = place / "complete"
    if not complete.exists():
        progress("fetching Debian packages with apt")
        (place / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        _download(wanted, place)
        write_atomic(complete, "\n".join(wanted))
    sweep(debs, [place])
    return sorted((place / "archives").glob("*.deb"))


def _download(names: list[str], cache: Path) -> None:
    options = {
        "Dir::State::status": "/dev/null",
        "Dir::Cache": str(cache),
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "0",
    }
    flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    try:
        run(["apt-get", "-qq", "-y", *flags, "--download-only", "install", *names])
    except DistroError as error:
        raise DistroError(
            f"cannot fetch the Debian packages ({error}); check the network, then run `apt-get update`"
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
