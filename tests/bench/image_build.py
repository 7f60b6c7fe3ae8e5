# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image beside the least that a builder can do: dnf into a directory, then mkfs.erofs or mksquashfs.

The packages are those of the testbed's hosts. Both sides check signatures, make file systems with the same
options, and have what they made on disk when they end. One repo has as many packages as are asked for, which
no image wants: it is planned with these among those offered.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from testbed.distro import Distro, ensure_distro

from bench.measure import Cost, Table, measure, medians
from bench.synthetic import synthetic

ROOT = Path(__file__).parents[2]
RUNS = 3
REPOS = ("baseos", "appstream")
# fmt: off
WANTED = [
    "bash", "ca-certificates", "coreutils", "curl", "dbus", "diffutils", "dnf", "findutils", "grep",
    "gzip", "iproute2", "iputils-ping", "jq", "less", "libpam-systemd", "login", "mount", "nginx",
    "openssh-server", "passwd", "procps", "python3", "rpm", "sed", "sudo", "systemd",
    "systemd-sysv", "tar", "testbed-release", "tzdata", "udev", "util-linux", "xz-utils", "zstd",
]
# fmt: on
ARTIFACTS: Mapping[str, list[str]] = {
    "erofs": ["mkfs.erofs", "--quiet", "-T1790812800", "-zlz4hc"],
    "squashfs": ["mksquashfs"],
}
# mkosi 14 looks for the key of CentOS on the builder, and for one repo.
MKOSI = """
set -e
mount -t tmpfs tmpfs "$1/etc"
mkdir "$1/etc/upper" "$1/etc/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/etc/upper,workdir=$1/etc/work" overlay /etc
mkdir -p /etc/pki/rpm-gpg
cp "$2" /etc/pki/rpm-gpg/RPM-GPG-KEY-centosofficial
mirror=$1/flat at=$1; shift 2
cd "$at"
mkosi -d centos -r 9 "--local-mirror=file://$mirror" -t directory -o out --base-packages=no "$@" -f build
sync --file-system out
"""
NOTE = "CPU time of what image runs in its sandboxes is not counted: rpm, mkfs.erofs, mksquashfs."
SQUASHFS = ["-comp", "zstd", "-noappend", "-quiet", "-no-progress"]


def run(work: Path, packages: int) -> list[Table | str]:
    """See __main__.py."""
    bench = _Bench(work, ensure_distro("testbed-9", cache=ROOT / ".cache/testbed", progress=print))
    bench.fill_store("few")
    tables: list[Table | str] = [
        bench.cold("erofs"),
        bench.cold("squashfs"),
        bench.again(),
    ]
    bench.fill_store("many", synthetic(packages))
    return [*tables, bench.planning(packages), bench.streams(), NOTE]


@dataclass(frozen=True)
class _Bench:
    work: Path
    distro: Distro

    def fill_store(self, store: str, more: Path | None = None, release: str = "r1") -> None:
        """Sync a release of the testbed, and what there is more, cut a snapshot, and define images of it."""
        signed = {"gpgkey": [str(self.distro.key)]}
        repos: list[dict[str, Any]] = [
            {"name": name, "baseurl": [f"file://{self.distro.release(release) / name}"], **signed}
            for name in REPOS
        ]
        if more is not None:
            unsigned = {"gpgcheck": False, "repo_gpgcheck": False}
            repos.append({"name": "more", "baseurl": [f"file://{more}"], **unsigned})
        self.module("repo_sync", {"store": str(self.work / store), "repositories": repos})
        self.module("snapshot", {"store": str(self.work / store)})
        snapshot = max((self.work / store / "snapshots").glob("*/manifest.json")).parent.name
        definitions = self.work / f"{store}.definitions"
        definitions.mkdir(exist_ok=True)
        features = f"features:\n  - rpms: {{install: [{', '.join(WANTED)}]}}\n"
        (definitions / "base.yml").write_text(f"image: base\nsnapshot: {snapshot}\n{features}")
        text = "image: web\nparent: base\nfeatures:\n  - file: {path: /etc/motd, source: motd}\n"
        (definitions / "web.yml").write_text(text)
        (definitions / "motd").write_text("hello\n")

    def cold(self, artifact: str) -> Table:
        """Both sides from nothing."""
        floor, title = f"dnf --installroot, {artifact}", f"Cold build with {artifact}, medians of {RUNS}"
        rows: dict[str, Callable[[], Cost]] = {
            floor: partial(self._floor, artifact),
            "image": partial(self._image, artifact),
        }
        costs = medians(RUNS, rows)
        assert self._packages("here/layers/*/root") == self._packages("floor/root")
        return Table(f"{title}, {len(self._packages('floor/root'))} packages", floor, costs)

    def again(self) -> Table:
        """What is there already, and what changes little."""
        floor = "dnf --installroot, no artifact"
        rows: dict[str, Callable[[], Cost]] = {
            floor: partial(self._floor, None),
            **self._mkosi(),
            "image and its parent, cold": self._web_cold,
            "one file changed": self._web_changed,
            "nothing changed": self._web,
            "a module that does nothing": lambda: self.module("image_info", self._places("none")),
        }
        (self.work / "none/layers").mkdir(parents=True)
        return Table(f"No artifact, and a build again, medians of {RUNS}", floor, medians(RUNS, rows))

    def streams(self) -> str:
        """How large a stream is of what an update changed."""
        base = self.work / "few.definitions/base.yml"
        base.write_text(base.read_text().partition("artifacts:")[0])
        self._build("streams", "base")
        old = self._planned()
        time.sleep(1)  # a snapshot has its second
        self.fill_store("few", release="r2")
        self._build("streams", "base")
        new = self._planned()
        over, whole = self._sent({"parent": "base"}), self._sent({})
        changed = sum(size for package, size in new.items() if package not in old)
        return (
            f"An update of {len(new.keys() - old)} packages, files mostly as they were: its stream has"
            f" {over} bytes, {100 * over / whole:.1f} % of the {whole} of a whole one. The new packages have"
            f" {100 * changed / sum(new.values()):.1f} % of the bytes of all"
        )

    def _planned(self) -> dict[str, int]:
        """The sizes of the packages of `base`, by NEVRA."""
        plan = self.work / "plan.json"
        self.module("image_plan", {**self._plan_options("few"), "path": str(plan)})
        packages = json.loads(plan.read_text())["images"][0]["install"]
        return {package["nevra"]: package["size"] for package in packages}

    def _sent(self, options: Mapping[str, Any]) -> int:
        """How many bytes a stream has."""
        artifacts = {"artifacts": [{"sendstream": options}], "output": str(self.work / "streams/sent")}
        self.module("image_artifact", {**self._places("streams"), "name": "base", **artifacts})
        return (self.work / "streams/sent/base/base.sendstream.zst").stat().st_size

    def planning(self, packages: int) -> Table:
        """With so many packages to choose from."""
        cache = self.work / "many"
        rows: dict[str, Callable[[], Cost]] = {
            "with the testbed's packages": partial(self._plan, "few"),
            f"with {packages} more, first": partial(self._plan, "many", cache),
            f"with {packages} more, again": partial(self._plan, "many"),
        }
        return Table(f"image_plan, medians of {RUNS}", "with the testbed's packages", medians(RUNS, rows))

    def module(self, name: str, options: Mapping[str, Any]) -> Cost:
        """Run one of ours, as a host would."""
        arguments = {**options, "_ansible_remote_tmp": str(self.work)}
        module = f"ansible_collections.osaas.fleet.plugins.modules.{name}"
        argv = [sys.executable, "-m", module, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})]
        return measure(argv, {"PYTHONPATH": str(ROOT / ".cache/collections")}, self.work / "log")

    def _floor(self, artifact: str | None) -> Cost:
        shutil.rmtree(self.work / "floor", ignore_errors=True)
        (self.work / "floor").mkdir()
        script = self.work / "floor/build"
        root, made = self.work / "floor/root", self.work / "floor/made"
        lines = [self._dnf(root), ["sync", "--file-system", str(root)]]
        if artifact is not None:
            places = [str(made), str(root)] if artifact == "erofs" else [str(root), str(made), *SQUASHFS]
            lines.insert(1, [*ARTIFACTS[artifact], *places])
        script.write_text("set -e\n" + "".join(f"{' '.join(line)}\n" for line in lines))
        return measure(["sh", script], {"HOME": str(self.work / "floor")}, self.work / "log")

    def _mkosi(self) -> dict[str, Callable[[], Cost]]:
        """The same by mkosi of Debian 12, if that is installed."""
        if shutil.which("mkosi") is None:
            return {}
        place = self.work / "mkosi"
        for name in ("flat", "etc"):
            (place / name).mkdir(parents=True)
        for name in REPOS:
            for rpm in (self.distro.release("r1") / name).glob("**/*.rpm"):
                shutil.copy(rpm, place / "flat")
        subprocess.run(["/usr/bin/createrepo_c", "--quiet", str(place / "flat")], check=True)
        (place / ".rpmmacros").write_text("%_dbpath /usr/lib/sysimage/rpm\n")
        wanted = [word for name in WANTED for word in ("--package", name)]
        script = ["sh", "-c", MKOSI, "mkosi", str(place), str(self.distro.key), *wanted]
        argv = ["unshare", "--mount", "--propagation", "private", *script]

        def once() -> Cost:
            cost = measure(argv, {"HOME": str(place)}, self.work / "log")
            count = len(self._packages("floor/root"))
            assert f"Install  {count} Packages" in (self.work / "log").read_text()  # it empties the database
            return cost

        return {"mkosi 14": once}

    def _dnf(self, root: Path) -> list[str]:
        place = self.work / "floor"
        (place / ".rpmmacros").write_text("%_dbpath /usr/lib/sysimage/rpm\n")
        text = "[main]\ngpgcheck=1\ninstall_weak_deps=0\nbest=1\n"
        for name in REPOS:
            url = f"baseurl=file://{self.distro.release('r1') / name}"
            text += f"[{name}]\nname={name}\n{url}\ngpgkey=file://{self.distro.key}\nrepo_gpgcheck=1\n"
        (place / "dnf.conf").write_text(text)
        where = [f"--setopt=cachedir={place / 'cache'}", "--setopt=reposdir=/nonexistent"]
        settings = ["-y", "-q", "-c", str(place / "dnf.conf"), "--noplugins", "--releasever=9", *where]
        return ["dnf", *settings, f"--installroot={root}", "install", *WANTED]

    def _image(self, artifact: str) -> Cost:
        shutil.rmtree(self.work / "here", ignore_errors=True)
        base = self.work / "few.definitions/base.yml"
        base.write_text(f"{base.read_text().partition('artifacts:')[0]}artifacts: [{artifact}: {{}}]\n")
        return self._build("here", "base")

    def _web_cold(self) -> Cost:
        shutil.rmtree(self.work / "web", ignore_errors=True)
        (self.work / "few.definitions/motd").write_text("hello\n")
        return self._web()

    def _web_changed(self) -> Cost:
        (self.work / "few.definitions/motd").write_text("changed\n")
        return self._web()

    def _web(self) -> Cost:
        return self._build("web", "web")

    def _build(self, where: str, name: str) -> Cost:
        output = {"output": str(self.work / where / "images")}
        return self.module("image", {**self._defined("few", name), **self._places(where), **output})

    def _places(self, where: str) -> dict[str, Any]:
        return {"layers": str(self.work / where / "layers")}

    def _defined(self, store: str, name: str) -> dict[str, Any]:
        definitions = {"definitions": str(self.work / f"{store}.definitions"), "name": name}
        keys = {"gpgkey": [str(self.distro.key)]}
        return {"store": str(self.work / store), **definitions, **keys}

    def _plan(self, store: str, forget: Path | None = None) -> Cost:
        for cache in forget.glob("**/*.solv") if forget else ():
            cache.unlink()
        return self.module("image_plan", self._plan_options(store))

    def _plan_options(self, store: str) -> dict[str, Any]:
        return {name: value for name, value in self._defined(store, "base").items() if name != "gpgkey"}

    def _packages(self, root: str) -> list[str]:
        [place] = self.work.glob(root)
        query = ["rpm", "--root", str(place), "--dbpath", "/usr/lib/sysimage/rpm", "--query", "--all"]
        done = subprocess.run(query, check=True, capture_output=True, text=True).stdout
        return sorted(line for line in done.splitlines() if not line.startswith("gpg-pubkey"))
