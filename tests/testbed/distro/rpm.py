# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RPM packages: what is said of one, its spec file (pure), and building and signing through rpm's own tools."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from .command import run
from .flavour import Scriptlet
from .keys import Key
from .paths import quoted
from .tree import Entry
from .versions import Evr


@dataclass(frozen=True)
class RpmSpec:
    """One binary package. `source` is the name of its source package, which packages that move together share."""

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
    "_buildhost": "build.testbed.invalid",
    "__os_install_post": "%{nil}",
    "__check_files": "%{nil}",
    "_unpackaged_files_terminate_build": "0",
    "debug_package": "%{nil}",
    "use_source_date_epoch_as_buildtime": "1",
    "vendor": "Testbed Linux",
}


def spec_text(spec: RpmSpec) -> str:
    """The spec file. It has no %install: its files are taken from the tree given as build root, as they are."""
    sub = spec.name != spec.source
    option = f" -n {spec.name}" if sub else ""
    main = [f"Name: {spec.source}", *_version(replace(spec.source_evr, epoch="0") if sub else spec.evr),
            f"Summary: {spec.summary}", "License: as in the source package", "AutoReqProv: no"]
    package = [f"%package{option}", *_version(spec.evr), f"Summary: {spec.summary}", "AutoReqProv: no"] if sub else []
    lines = [
        *main,
        *(["%description", spec.source] if sub else []),
        *package,
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


def _version(evr: Evr) -> list[str]:
    return [f"Epoch: {evr.epoch}"] * (evr.epoch != "0") + [f"Version: {evr.version}", f"Release: {evr.release}"]


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
    return " ".join([*words, quoted(entry.path)])


def build(text: str, root: Path, target: Path, epoch: int) -> None:
    """Build the one package of the spec `text` from the tree `root` as the file `target`, stamped with time `epoch`.

    Raises DistroError with rpmbuild's last words.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        spec = Path(scratch, "package.spec")
        spec.write_text(text)
        macros = {**_MACROS, "_topdir": f"{scratch}/top", "_rpmdir": scratch, "_rpmfilename": "built.rpm",
                  "_dbpath": f"{scratch}/db"}
        defines = [word for name, value in macros.items() for word in ("--define", f"{name} {value}")]
        run(["rpmbuild", "-bb", "--quiet", "--nodeps", "--target", "x86_64", "--buildroot", str(root), *defines,
             str(spec)], env={"SOURCE_DATE_EPOCH": str(epoch)})
        Path(scratch, "built.rpm").rename(target)


def sign(files: Sequence[Path], key: Key, workers: int) -> None:
    """Sign package files in place, in as many shares as there are `workers`."""
    command = ["rpmsign", "--define", "__gpg /usr/bin/gpg", "--define", f"_gpg_path {key.home}",
               "--define", f"_gpg_name {key.fingerprint}", "--addsign"]
    shares = [files[start::workers] for start in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda share: run([*command, *map(str, share)]), filter(None, shares)):
            pass
