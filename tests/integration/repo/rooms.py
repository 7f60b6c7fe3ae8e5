# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are a package database and nothing else, and repos beside them: enough for any solver."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DNF_PYTHON = "/usr/bin/python3"
DBPATH = "/usr/lib/sysimage/rpm"
BATCH = """\
Name: batch
Version: 1
Release: 1
Summary: Batch
License: GPL-3.0-or-later
%description
Batch.
"""
PACKAGE = """\
%package -n {name}
Version: {version}
Release: 1
Summary: Test
{tags}
%description -n {name}
Test.
%files -n {name}
{files}
"""
STREAM = """\
---
document: modulemd
version: 2
data: {{name: {name}, stream: "{stream}", version: 1, context: c, arch: x86_64, summary: s, description: d,
  license: {{module: [MIT]}}, dependencies: [{{requires: {{{requires}}}}}], artifacts: {{rpms: ["{rpm}"]}}}}
"""
MODULES = {
    "streams": STREAM.format(name="m", stream="1", requires="platform: [test]", rpm="tool-0:2-1.noarch")
    + STREAM.format(name="m", stream="2", requires="platform: [test]", rpm="tool-0:3-1.noarch")
    + STREAM.format(name="n", stream="1", requires='m: ["2"]', rpm="other-0:2-1.noarch"),
    "default": """\
---
document: modulemd-defaults
version: 1
data: {module: m, stream: "1"}
""",
}


@dataclass(frozen=True)
class Package:
    """A package to build; `tags` are lines of a spec."""

    name: str
    version: str = "1"
    tags: tuple[str, ...] = ()
    arch: str = "noarch"
    files: tuple[str, ...] = ()

    @property
    def nevra(self) -> str:
        return f"{self.name}-0:{self.version}-1.{self.arch}"

    @property
    def spec(self) -> str:
        tags = ["BuildArch: noarch"] if self.arch == "noarch" else []
        files = "".join(f"%ghost {file}\n" for file in self.files)
        return PACKAGE.format(
            name=self.name, version=self.version, tags="\n".join([*tags, *self.tags]), files=files
        )


def parse_package(text: str) -> Package:
    """Read name-version[.arch], then tags and files, parted by bars."""
    head, *rest = text.split(" | ")
    name, _dash, version = head.rpartition("-")
    version, _dot, arch = version.partition(".")
    files = [one for one in rest if one.startswith("/")]
    tags = [one for one in rest if not one.startswith("/")]
    return Package(name, version, tuple(tags), arch or "noarch", tuple(files))


@dataclass(frozen=True)
class Room:
    """One host, `installed` in it, and one repo with what is `offered`.

    `enabled` are module streams (name:stream), and modules that are disabled (-name).

    `untold` ones are for preflight to find by the packages.
    """

    name: str
    installed: tuple[Package, ...]
    offered: tuple[Package, ...]
    modules: str = ""
    enabled: tuple[str, ...] = ()
    untold: bool = False


def read_rooms(file: Path) -> tuple[Room, ...]:
    """The rooms of a YAML file, by name."""
    rooms = yaml.safe_load(file.read_text())
    return tuple(
        Room(
            name,
            tuple(map(parse_package, room["installed"])),
            tuple(map(parse_package, room["offered"])),
            "".join(MODULES[kind] for kind in room.get("modules", ())),
            tuple(room.get("enabled", ())),
            room.get("untold", False),
        )
        for name, room in rooms.items()
    )


class Rooms:
    """Builds them below a directory."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._home = top / "home"
        self._home.mkdir()
        (self._home / ".rpmmacros").write_text(f"%_dbpath {DBPATH}\n")
        self._batches: Counter[str] = Counter()

    def build(self, packages: Sequence[Package]) -> dict[Package, Path]:
        """Build packages; those of one name and different versions by one rpmbuild each."""
        found: dict[Package, Path] = {}
        batches: dict[tuple[str, int], list[Package]] = {}
        met: Counter[tuple[str, str]] = Counter()
        for package in dict.fromkeys(packages):
            target = "x86_64" if package.arch == "noarch" else package.arch
            batches.setdefault((target, met[target, package.name]), []).append(package)
            met[target, package.name] += 1
        for (target, _number), batch in batches.items():
            self._batches["all"] += 1
            top = self._top / f"build{self._batches['all']}"
            top.mkdir()
            (top / "batch.spec").write_text(BATCH + "".join(package.spec for package in batch))
            argv = ("rpmbuild", "-bb", "--quiet", "--target", target, "--define", f"_topdir {top}")
            self._run(*argv, top / "batch.spec")
            for package in batch:
                name = f"{package.name}-{package.version}-1.{package.arch}.rpm"
                found[package] = top / "RPMS" / package.arch / name
        return found

    def repo(self, name: str, rpms: Sequence[Path], modules: str = "") -> Path:
        """A repo of these, metadata and all."""
        repo = self._top / name / "tree"
        repo.mkdir(parents=True)
        for rpm in rpms:
            os.link(rpm, repo / rpm.name)
        self._run("/usr/bin/createrepo_c", "--quiet", repo)
        if modules:
            (self._top / name / "modules.yaml").write_text(modules)
            self._run("/usr/bin/modifyrepo_c", self._top / name / "modules.yaml", repo / "repodata")
        return repo

    def root(self, name: str, rpms: Sequence[Path], enabled: Sequence[str] = ()) -> Path:
        """A root whose package database has these, whether they fit together or not."""
        root = self._top / name / "root"
        streams = root / "etc" / "dnf" / "modules.d"
        streams.mkdir(parents=True)
        for one in enabled:
            name, _colon, stream = one.partition(":")
            module, kind = (name, "enabled") if stream else (name[1:], "disabled")
            state = f"[{module}]\nname={module}\nstream={stream}\nprofiles=\nstate={kind}\n"
            (streams / f"{module}.module").write_text(state)
        argv = (
            "rpm",
            "--root",
            root,
            "--justdb",
            "--nodeps",
            "--force",
            "--ignorearch",
            "--nosignature",
            "-i",
        )
        self._run(*argv, *rpms)
        return root

    def installed(self, root: Path) -> list[str]:
        """The NEVRAs in a root's package database: rpm leaves out what another package there obsoletes."""
        form = "%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH}\\n"
        return self._run("rpm", "--root", root, "-qa", "--qf", form).splitlines()

    def ask_dnf(self, roots: Sequence[tuple[Path, Path]]) -> list[dict[str, Any]]:
        """What dnf would do in each of these roots, with the repo beside it."""
        script = Path(__file__).with_name("dnf_says.py")
        given = json.dumps([[str(root), str(repo)] for root, repo in roots])
        told = self._run(DNF_PYTHON, script, self._top / "cache", stdin=given)
        answers: list[dict[str, Any]] = json.loads(told.splitlines()[-1])
        return answers

    def _run(self, *argv: str | Path, stdin: str = "") -> str:
        done = subprocess.run(
            [str(word) for word in argv],
            env={**os.environ, "HOME": str(self._home), "LC_ALL": "C"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout
