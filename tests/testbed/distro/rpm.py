# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RPM packages: what is said of one, its spec file (pure), building and signing with rpm's own tools."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .cache import DistroError
from .command import run
from .flavour import Scriptlet
from .keys import Key
from .parallel import WORKERS, in_parallel
from .paths import pattern
from .tree import Entry
from .versions import Evr


@dataclass(frozen=True)
class RpmSpec:
    """One binary package; those that share a `source` (a name) move together."""

    name: str
    evr: Evr
    source: str
    source_evr: Evr
    arch: str
    summary: str
    description: str
    requires: tuple[str, ...]
    provides: tuple[str, ...]
    entries: tuple[Entry, ...]
    scriptlets: tuple[Scriptlet, ...]

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.evr.version}-{self.evr.release}.{self.arch}.rpm"


_MACROS = {
    "_binary_payload": "w3.zstdio",
    "_build_id_links": "none",
    "_rpmfilename": "built.rpm",
    "_buildhost": "build.testbed.invalid",
    "__os_install_post": "%{nil}",
    "__check_files": "%{nil}",
    "_unpackaged_files_terminate_build": "0",
    "clamp_mtime_to_source_date_epoch": "1",
    "debug_package": "%{nil}",
    "use_source_date_epoch_as_buildtime": "1",
    "vendor": "Testbed Linux",
}


def spec_text(spec: RpmSpec) -> str:
    """The spec file. It has no %install: the files lie ready in the tree that is given as build root."""
    option = "" if spec.name == spec.source else f" -n {spec.name}"
    lines = [
        f"Name: {spec.source}",
        *(_sub_package(spec) if option else _tags(spec.evr, spec.summary)),
        "License: as in the source package",
        *(["BuildArch: noarch"] if spec.arch == "noarch" else []),
        *(f"Requires: {word}" for word in spec.requires),
        *(f"Provides: {word}" for word in spec.provides),
        f"%description{option}",
        spec.description.replace("%", "%%"),
        "%clean",
        *(line for scriptlet in spec.scriptlets for line in _scriptlet(scriptlet, option)),
        f"%files{option}",
        "%defattr(-,root,root,-)",
        *map(_file, spec.entries),
    ]
    return "\n".join(lines) + "\n"


def _sub_package(spec: RpmSpec) -> list[str]:
    """The tags of a package whose source has another name: the source itself makes no package."""
    source = _tags(replace(spec.source_evr, epoch="0"), spec.summary)
    head = [*source, "License: as in the source package", "%description", spec.source]
    return [*head, f"%package -n {spec.name}", *_tags(spec.evr, spec.summary)]


def _tags(evr: Evr, summary: str) -> list[str]:
    epoch = [] if evr.epoch == "0" else [f"Epoch: {evr.epoch}"]
    return [
        *epoch,
        f"Version: {evr.version}",
        f"Release: {evr.release}",
        f"Summary: {summary}",
        "AutoReqProv: no",
    ]


def _scriptlet(scriptlet: Scriptlet, option: str) -> list[str]:
    priority = f" -P {scriptlet.priority}" if scriptlet.priority is not None else ""
    paths = f" -- {' '.join(scriptlet.paths)}" if scriptlet.paths else ""
    return [f"%{scriptlet.kind}{option}{priority}{paths}", scriptlet.body]


def _file(entry: Entry) -> str:
    words = ["%dir"] if entry.directory else []
    if entry.directory or (entry.user, entry.group) != ("root", "root") or entry.mode & 0o6000:
        words.append(f"%attr({entry.mode:o},{entry.user},{entry.group})")
    if entry.config:
        words.append("%config(noreplace)")
    return " ".join([*words, pattern(entry.path)])


def build(package: RpmSpec, root: Path, target: Path, epoch: int) -> None:
    """Build the package from the tree `root` as the file `target`.

    `epoch` (seconds since 1970) is its build time; the same tree makes the same bytes, so that a package
    never has two contents. Raises DistroError with rpmbuild's last words.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        spec = Path(scratch, "package.spec")
        spec.write_text(spec_text(package))
        places = {"_topdir": f"{scratch}/top", "_dbpath": f"{scratch}/db", "_rpmdir": scratch}
        options = ["-bb", "--quiet", "--nodeps", "--target", "x86_64", "--buildroot", str(root)]
        command = ["rpmbuild", *options, *_defines(_MACROS | places), str(spec)]
        try:
            run(command, env={"SOURCE_DATE_EPOCH": str(epoch)})
        except DistroError as error:
            raise DistroError(f"{package.name}: {error}") from error
        Path(scratch, "built.rpm").rename(target)


def sign(files: Sequence[Path], key: Key) -> None:
    """Sign package files in place, shared out to the workers."""
    macros = {"__gpg": "/usr/bin/gpg", "_gpg_path": str(key.home), "_gpg_name": key.fingerprint}
    shares = [files[start::WORKERS] for start in range(WORKERS)]

    def sign_share(share: Sequence[Path]) -> None:
        run(["rpmsign", *_defines(macros), "--addsign", *map(str, share)])

    in_parallel(sign_share, filter(None, shares))


def _defines(macros: Mapping[str, str]) -> list[str]:
    return [word for name, value in macros.items() for word in ("--define", f"{name} {value}")]
